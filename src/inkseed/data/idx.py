"""Read IDX files, the format of MNIST (http://yann.lecun.com/exdb/mnist), plain or gzipped."""

import gzip
import math
import os
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np

from inkseed.data.claims import Claim, check_bytes
from inkseed.errors import InkseedError

UNSIGNED_BYTE = 0x08  # the only element type that images and labels of this kind use
AT_ONCE = 1 << 20  # bytes read together, so that a file that is too short takes no more memory


def read_idx(path: str | Path, dimensions: int) -> np.ndarray:
    """Return the uint8 array in an IDX file, which must have `dimensions` axes.

    Raises InkseedError for a file that is missing, truncated, too long, or not of this format.
    """
    path = Path(path)
    with _opened(path) as stream:
        shape = _shape(stream, dimensions, path)
        expected = math.prod(shape)
        array = np.empty(expected, np.uint8)
        view, filled = array.data, 0
        while filled < expected and (more := stream.readinto(view[filled : filled + AT_ONCE])):  # type: ignore[attr-defined]
            filled += more
        if filled < expected or stream.read(1):
            state = "shorter" if filled < expected else "longer"
            raise InkseedError(f"{path} is {state} than the {expected} bytes that its header gives")
    return array.reshape(shape)


def idx_claim(path: Path, dimensions: int) -> Claim:
    """The shape of the array in an IDX file, from its header; raises as `read_idx` does."""
    with _opened(path) as stream:
        return Claim(_shape(stream, dimensions, path), np.dtype(np.uint8))


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    try:
        with path.open("rb") as raw:
            packed = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            if not packed:
                yield raw
                return
            with gzip.open(raw) as unpacked:
                yield unpacked  # type: ignore[misc]
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InkseedError(f"{path} is damaged or cut short: get a fresh copy ({error})") from error
    except OSError as error:
        raise InkseedError(f"cannot read {path}: {error.strerror or error}") from error


def _shape(stream: IO[bytes], dimensions: int, path: Path) -> tuple[int, ...]:
    header = stream.read(4)
    if len(header) < 4 or header[:2] != b"\0\0":
        raise InkseedError(f"{path} is not an IDX file: it does not begin like one")
    if header[2] != UNSIGNED_BYTE:
        raise InkseedError(
            f"{path} holds IDX type {header[2]:#04x}, but only bytes are read (0x08)"
        )
    if header[3] != dimensions:
        raise InkseedError(f"{path} has {header[3]} dimensions where {dimensions} were expected")
    sizes = stream.read(4 * dimensions)
    if len(sizes) < 4 * dimensions:
        raise InkseedError(f"{path} is cut short within its header: get a fresh copy")
    shape = struct.unpack(f">{dimensions}I", sizes)
    check_bytes(Claim(shape, np.dtype(np.uint8)), str(path))
    if not isinstance(stream, gzip.GzipFile):
        held, expected = os.fstat(stream.fileno()).st_size - stream.tell(), math.prod(shape)
        if held < expected:
            raise InkseedError(f"{path} is shorter than the {expected} bytes that its header gives")
    return shape
