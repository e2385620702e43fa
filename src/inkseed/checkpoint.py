"""Model files: safetensors with the whole configuration in the metadata, never pickles."""

import json
import struct
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from inkseed import memory
from inkseed.checks import brief
from inkseed.errors import InkseedError
from inkseed.files import write_atomically
from inkseed.plain import table_in
from inkseed.say import BYTES

KEY = "inkseed"  # the one metadata entry: a JSON object
FORMAT = 1
PICKLES = (".pth", ".pt", ".ckpt", ".pkl", ".bin")  # usual suffixes of files by torch.save
PICKLED = "data.pkl"  # in the zip archive that torch.save writes
LONGEST = 4 << 20  # bytes of a header, of which a training state needs a tenth


class Header(NamedTuple):
    """What a file says before its tensors are read: the configuration, and each tensor's shape."""

    config: dict[str, Any]
    shapes: dict[str, tuple[int, ...]]


def save_tensors(path: str | Path, tensors: dict[str, Tensor], config: dict[str, Any]) -> None:
    """Write `tensors` and `config` (JSON) to one safetensors file, whole or not at all."""
    described = {KEY: json.dumps({"format": FORMAT, **config}, sort_keys=True)}
    dense = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    write_atomically(path, lambda opened: opened.write(save(dense, described)))


def load_header(path: str | Path, kind: str = "model") -> Header:
    """What a file that `save_tensors` wrote says of itself, without reading its tensors.

    `kind` is what errors call the file. Raises InkseedError for one that is missing, damaged, not
    ours, or larger than fits in memory.
    """
    with _opened(path, kind) as opened:
        metadata = opened.metadata() or {}
        shapes = {name: tuple(opened.get_slice(name).get_shape()) for name in opened.keys()}  # noqa: SIM118
    return Header(_config(path, metadata, kind), shapes)


def load_tensors(path: str | Path, kind: str = "model") -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read back what `save_tensors` wrote: the tensors on the CPU, and the configuration.

    Raises InkseedError as `load_header` does.
    """
    config = load_header(path, kind).config
    with _opened(path, kind) as opened:
        return {name: opened.get_tensor(name) for name in opened.keys()}, config  # noqa: SIM118


@contextmanager
def _opened(path: str | Path, kind: str = "model") -> Iterator[Any]:
    if not Path(path).is_file():
        raise InkseedError(f"no such {kind} file: {path}")
    if any(code in BYTES for code in map(ord, str(path))):
        raise InkseedError(f"safetensors opens no file whose path is not UTF-8: rename {path}")
    memory.require(Path(path).stat().st_size, str(path), f"take a smaller {kind}")
    try:
        _check_length(Path(path))
        with safe_open(path, "pt") as opened:
            yield opened
    except (SafetensorError, OSError, ValueError, RuntimeError) as error:
        if _is_pickle(Path(path)):
            raise InkseedError(
                f"{path} is a pickle, which inkseed never opens: load it into a SimpleDiffusion by "
                "torch.load(..., weights_only=True), then call ddpm.save"
                f"('{Path(path).stem}.safetensors'), as docs/report.md shows"
            ) from error
        raise InkseedError(f"{path} is not a safetensors file, or is damaged") from error


def _check_length(path: Path) -> None:
    """Raise ValueError for a header that is longer than any of ours, which would fill memory."""
    with path.open("rb") as raw:
        (length,) = struct.unpack("<Q", raw.read(8).ljust(8, b"\0"))
    if length > LONGEST:
        raise ValueError("the header is too long")


def _is_pickle(path: Path) -> bool:
    """Whether a file that is not safetensors looks like one of torch.save's, without opening it."""
    if path.suffix.lower() in PICKLES:
        return True
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name.endswith(PICKLED) for name in archive.namelist())
    except (OSError, ValueError, NotImplementedError, zipfile.BadZipFile):
        return False


def _config(path: str | Path, metadata: dict[str, str], kind: str = "model") -> dict[str, Any]:
    if KEY not in metadata:
        raise InkseedError(f"{path} is not an inkseed {kind}: it has no inkseed metadata")
    config = table_in(metadata[KEY], f"the metadata of {path}")
    if config.get("format") != FORMAT:
        found = brief(config.get("format"))
        raise InkseedError(f"{path} has format {found}, and this inkseed reads {FORMAT}: update it")
    return config


def as_float16(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The same tensors, floating-point ones as float16."""
    return {
        name: tensor.to(torch.float16) if tensor.is_floating_point() else tensor
        for name, tensor in tensors.items()
    }
