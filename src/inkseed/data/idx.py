"""Read IDX files, the format of MNIST (http://yann.lecun.com/exdb/mnist), plain or gzipped."""

import gzip
import struct
import zlib
from pathlib import Path
from typing import BinaryIO

import numpy as np

from inkseed.errors import InkseedError

UNSIGNED_BYTE = 0x08  # the only element type that images and labels of this kind use
MAX_BYTES = 4 << 30  # a header that claims more is not believed


def read_idx(path: str | Path, dimensions: int) -> np.ndarray:
    """Return the uint8 array in an IDX file, which must have `dimensions` axes.

    Raises InkseedError for a file that is missing, truncated, too long, or not of this format.
    """
    path = Path(path)
    try:
        with path.open("rb") as raw:
            packed = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            if not packed:
                return _parse(raw, dimensions, path)
            with gzip.open(raw) as unpacked:
                return _parse(unpacked, dimensions, path)  # type: ignore[arg-type]
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InkseedError(f"{path} is damaged or cut short: get a fresh copy ({error})") from error
    except OSError as error:
        raise InkseedError(f"cannot read {path}: {error.strerror or error}") from error


def _parse(stream: BinaryIO, dimensions: int, path: Path) -> np.ndarray:
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
    expected = 1
    for size in shape:  # Python integers, which a hostile header cannot overflow
        expected *= size
    if expected > MAX_BYTES:
        raise InkseedError(f"{path} claims {expected} bytes of data: not a set of digits")
    body = stream.read(expected + 1)
    if len(body) != expected:
        state = "longer" if len(body) > expected else "shorter"
        raise InkseedError(f"{path} is {state} than the {expected} bytes that its header gives")
    return np.frombuffer(body, np.uint8).reshape(shape).copy()
