"""Load a model by its name or from its file, and check it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from inkseed.checkpoint import load_header, load_tensors
from inkseed.errors import InkseedError
from inkseed.files import sha256
from inkseed.model.config import ModelConfig
from inkseed.model.hand import KIND
from inkseed.model.model import Model
from inkseed.model.weights import DEFAULT_MODEL, find_model
from inkseed.nn import network_from
from inkseed.nn.device import find_device

MISFIT = "damaged or from another version: its tensors and its metadata disagree"


def load(name: str | Path = DEFAULT_MODEL, device: str | torch.device = "cpu") -> Model:
    """Load a bundled model by its name, or a model file by its path.

    Args:
        name: a bundled model (`inkseed models` lists them) or the path of a model file.
        device: where the network computes, for example "cpu" or "cuda".

    Returns:
        The model, ready to sample.

    Raises:
        InkseedError: for an unknown name or device, or a file that is not an inkseed model.
    """
    path = find_model(name)
    told, shapes = load_header(path)
    if any(name.startswith("network.") for name in shapes):
        raise InkseedError(
            f"{path} is the state of an unfinished run: finish it with --resume, and load its"
            " model.safetensors"
        )
    if told.get("kind") == KIND:
        raise InkseedError(f"{path} is a hand, not a model: give it by --hand, or to load_hand")
    where, config = find_device(device), ModelConfig.of(told, str(path))
    with _errors_of(path):
        with torch.device("meta"):  # no memory until the shapes are known to match
            network = network_from(config.network)
        own = network.state_dict()
        if {key: tuple(each.shape) for key, each in own.items()} != shapes:
            raise InkseedError(MISFIT)
    tensors, _ = load_tensors(path)
    with _errors_of(path):
        for key, each in own.items():
            if tensors[key].is_floating_point() != each.is_floating_point():
                raise InkseedError(MISFIT)
        floats = {k: v.float() if v.is_floating_point() else v for k, v in tensors.items()}
        network.load_state_dict(floats, assign=True)
        model = Model(network, config, where)
        model.path, model.weights_sha256 = path, sha256(path)
        model.settings()
        return model


@contextmanager
def _errors_of(path: Path) -> Iterator[None]:
    """A context in which errors name the file."""
    try:
        yield
    except InkseedError as error:
        raise InkseedError(f"{path}: {error}") from error
