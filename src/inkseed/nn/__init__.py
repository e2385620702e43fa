"""Networks: `(x, condition, time) -> tensor`, under the report's names."""

from inkseed.nn.context_unet import ContextUnet, ResidualConvBlock, UnetDown, UnetUp

__all__ = ["ContextUnet", "ResidualConvBlock", "UnetDown", "UnetUp"]
