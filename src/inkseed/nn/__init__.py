"""Networks, `(x, condition, time) -> tensor`; those of the report keep their names."""

from inkseed.nn.context_unet import ContextUnet, EmbedFC, ResidualConvBlock, UnetDown, UnetUp
from inkseed.nn.guided_patch_unet import GuidedPatchUnet
from inkseed.nn.network import Network, network_from
from inkseed.nn.patch_unet import PatchUnet
from inkseed.registry import NETWORKS

__all__ = [
    "NETWORKS",
    "ContextUnet",
    "EmbedFC",
    "GuidedPatchUnet",
    "Network",
    "PatchUnet",
    "ResidualConvBlock",
    "UnetDown",
    "UnetUp",
    "network_from",
]
