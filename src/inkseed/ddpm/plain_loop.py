"""The configuration that turns a network trained in a plain loop into a model file."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from torch import nn

from inkseed.checks import brief, sides
from inkseed.data.pairs import PAIRS
from inkseed.errors import InkseedError
from inkseed.labels import check_class_name
from inkseed.model.config import ModelConfig
from inkseed.nn import ContextUnet
from inkseed.training.recipes import MAX_SIDE

DIGITS = tuple("0123456789")


def plain_network(network: nn.Module) -> ContextUnet:
    """The ContextUnet itself, without the wrapper of `torch.compile`.

    Raises InkseedError for any other network, which a model file could not describe.
    """
    network = getattr(network, "_orig_mod", network)
    if type(network) is not ContextUnet:
        raise InkseedError(
            "only inkseed.nn.ContextUnet can be saved as a model, not a network of your own "
            f"({type(network).__name__}): use torch.save(ddpm.state_dict(), 'mine.pth')"
        )
    if not all(tensor.isfinite().all() for tensor in network.state_dict().values()):
        raise InkseedError("the weights are not finite: train again at a lower learning rate")
    return network


def plain_config(
    network: ContextUnet,
    betas: tuple[float, float],
    n_T: int,
    drop_prob: float,
    image_size: int | Sequence[int],
    class_names: Sequence[str] | None = None,
) -> ModelConfig:
    """The configuration of a model file for `inkseed.load`.

    Raises InkseedError for an impossible size, and for names that are invalid or do not fit.
    """
    shape: dict[str, Any] = {"in_channels": network.in_channels, "n_feat": network.n_feat}
    shape["n_classes"] = network.n_classes
    if not network.is_res:
        shape["is_res"] = False
    return ModelConfig(
        network={"name": "context_unet", **shape},
        schedule={"name": "linear_betas", "betas": list(betas), "n_T": n_T},
        image_size=_sides(image_size),
        class_names=_names(network.n_classes, class_names),
        sampling={} if drop_prob else {"guide_w": 0.0},  # it never learned to draw without label
        training={
            "recipe": "a plain loop",
            "data": "what its loop gave it",
            "settings": {"drop_prob": drop_prob},
            "date": datetime.now(UTC).date().isoformat(),
        },
    )


def _sides(size: int | Sequence[int]) -> tuple[int, int]:
    height, width = sides(size, "image_size", 4, MAX_SIDE)
    if height % 4 or width % 4:
        raise InkseedError(f"image_size must be divisible by 4, not {brief(size)}")
    return height, width


def _names(n_classes: int, given: Sequence[str] | None) -> tuple[str, ...]:
    """The labels in the order of their classes: those given, or single or double digits."""
    if given is None:
        if n_classes <= len(DIGITS):
            return DIGITS[:n_classes]
        if n_classes == len(PAIRS):
            return PAIRS
        raise InkseedError(f"name the {n_classes} classes in order: class_names=[...]")
    names = tuple(given)
    for name in names:
        check_class_name(name)
    if len(names) != n_classes or len(set(names)) != n_classes:
        raise InkseedError(
            f"class_names must be {n_classes} different labels, one for each class, not "
            f"{len(names)} of which {len(set(names))} are different"
        )
    return names
