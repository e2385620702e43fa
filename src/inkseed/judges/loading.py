"""The bundled judges' files: each a network's weights, and which judge's they are."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import torch
from torch import nn

from inkseed.checkpoint import load_tensors
from inkseed.errors import InkseedError
from inkseed.nn.precision import place

FOLDER = Path(__file__).parent / "files"

N = TypeVar("N", bound=nn.Module)


def load_judge(name: str, build: Callable[[], N]) -> tuple[N, str]:
    """The network of judge `name` with its bundled weights, and the SHA-256 of their file.

    Raises InkseedError if the file is missing, damaged or another judge's.
    """
    path = FOLDER / f"{name}.safetensors"
    tensors, config = load_tensors(path)
    if config.get("judge") != name:
        raise InkseedError(f"{path} is not the judge {name!r}: reinstall")
    with torch.device("meta"):  # initialisers would draw from torch's global random state
        network = build()
    network.load_state_dict(tensors, assign=True)
    network = place(network, torch.device("cpu"))
    return network.eval().requires_grad_(False), hashlib.sha256(path.read_bytes()).hexdigest()
