"""Load a model by its name or from its file, and check it."""

import math
from pathlib import Path
from typing import Any

import torch

from inkseed.checkpoint import load_tensors
from inkseed.errors import InkseedError
from inkseed.files import sha256
from inkseed.labels import check_class_name
from inkseed.model.model import MAX_SIDE, Model
from inkseed.model.weights import DEFAULT_MODEL, find_model
from inkseed.nn import network_from
from inkseed.nn.device import find_device


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
    tensors, config = load_tensors(path)
    if any(name.startswith("network.") for name in tensors):
        raise InkseedError(
            f"{path} is the state of an unfinished run: finish it with --resume, and load its"
            " model.safetensors"
        )
    where = find_device(device)
    try:
        with torch.device("meta"):  # no memory until the shapes are known to match
            network = network_from(config["network"])
        for key, own in network.state_dict().items():
            if tensors[key].is_floating_point() != own.is_floating_point():
                raise ValueError(f"{key} is of the wrong kind")
        floats = {k: v.float() if v.is_floating_point() else v for k, v in tensors.items()}
        network.load_state_dict(floats, assign=True)
        _check(config)
        model = Model(network, config, where)
        model.weights_sha256 = sha256(path)
        model.settings()
        return model
    except InkseedError as error:
        raise InkseedError(f"{path}: {error}") from error
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise InkseedError(
            f"{path} is damaged or from another version: its tensors and its metadata disagree"
        ) from error


def _check(config: dict[str, Any]) -> None:
    """Raise ValueError if a file's configuration describes an impossible model."""
    size, names = config["image_size"], config["class_names"]
    if len(size) != 2 or any(side not in range(4, MAX_SIDE + 1, 4) for side in size):
        raise ValueError(f"impossible image size {size}")
    if len(set(names)) != config["network"]["n_classes"] or len(names) != len(set(names)):
        raise ValueError("the class names do not fit the network")
    for name in names:
        check_class_name(name)
    styles = config.get("styles", {})
    if styles and styles.keys() != config["network"]["styles"].keys():
        raise ValueError("the network knows other styles")
    if not all(
        math.isfinite(mean) and 0 < deviation < math.inf for mean, deviation in styles.values()
    ):
        raise ValueError(f"impossible moments {styles}")
