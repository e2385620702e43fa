"""Networks: `(x, condition, time) -> tensor`; the report's keep their names."""

from collections.abc import Callable
from typing import Any

from inkseed.checks import pick
from inkseed.nn.context_unet import ContextUnet, EmbedFC, ResidualConvBlock, UnetDown, UnetUp
from inkseed.nn.patch_unet import PatchUnet

__all__ = [
    "NETWORKS",
    "ContextUnet",
    "EmbedFC",
    "PatchUnet",
    "ResidualConvBlock",
    "UnetDown",
    "UnetUp",
    "network_from",
]

NETWORKS: dict[str, Callable[..., ContextUnet | PatchUnet]] = {
    "context_unet": ContextUnet,
    "patch_unet": PatchUnet,
}


def network_from(settings: dict[str, Any]) -> ContextUnet | PatchUnet:
    """Build the network that a configuration names.

    Args:
        settings: its `name` in `NETWORKS`, and the arguments of its class.

    Returns:
        The network, freshly initialised.

    Raises:
        InkseedError: for an unknown name.
    """
    parameters = dict(settings)
    return pick(NETWORKS, parameters.pop("name", "context_unet"), "network")(**parameters)
