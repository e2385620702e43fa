"""The report's network: a two-level U-Net conditioned on a class label and a time.

The architecture is that of T. Pearce's *Conditional Diffusion MNIST* as the report modifies it:
label and time scale and shift the decoder's feature maps, `cemb * up + temb`.
"""

import torch
from torch import Tensor, nn

from inkseed.checks import whole_number
from inkseed.labels import MOST_CLASSES
from inkseed.nn.network import MOST_CHANNELS
from inkseed.registry import NETWORKS

BOTTLENECK = 7  # side of the learned map that the pooled vector is spread over: 28 / 4
RESIDUAL_SCALE = 1.414  # keeps the variance of a sum of two equally large terms


class ResidualConvBlock(nn.Module):
    """Two 3x3 convolutions and a residual: (N, in, H, W) -> (N, out, H, W).

    With `is_res` False the output of the second convolution is returned without a residual.
    """

    def __init__(self, in_channels: int, out_channels: int, is_res: bool = True) -> None:
        super().__init__()
        self.same_channels, self.is_res = in_channels == out_channels, is_res
        self.conv1 = _conv_norm_gelu(in_channels, out_channels)
        self.conv2 = _conv_norm_gelu(out_channels, out_channels)

    def forward(self, x: Tensor) -> Tensor:
        x1 = self.conv1(x)
        x2 = self.conv2(x1)
        if not self.is_res:
            return x2
        return (x + x2 if self.same_channels else x1 + x2) / RESIDUAL_SCALE


class UnetDown(nn.Module):
    """Extract features, then halve the map: (N, in, H, W) -> (N, out, H/2, W/2)."""

    def __init__(self, in_channels: int, out_channels: int, is_res: bool = True) -> None:
        super().__init__()
        block = ResidualConvBlock(in_channels, out_channels, is_res)
        self.model = nn.Sequential(block, nn.MaxPool2d(2))

    def forward(self, x: Tensor) -> Tensor:
        return self.model(x)


class UnetUp(nn.Module):
    """Join the encoder's map, then double: (N, a, H, W) and (N, b, H, W) -> (N, out, 2H, 2W).

    `in_channels` is a + b, the channels after the concatenation.
    """

    def __init__(self, in_channels: int, out_channels: int, is_res: bool = True) -> None:
        super().__init__()
        self.model = nn.Sequential(
            nn.ConvTranspose2d(in_channels, out_channels, 2, 2),
            ResidualConvBlock(out_channels, out_channels, is_res),
            ResidualConvBlock(out_channels, out_channels, is_res),
        )

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        return self.model(torch.cat((x, skip), 1))


class EmbedFC(nn.Sequential):
    """Two linear layers that embed a time or a one-hot label: N times `input_dim` -> (N, emb)."""

    def __init__(self, input_dim: int, emb_dim: int) -> None:
        super().__init__(nn.Linear(input_dim, emb_dim), nn.GELU(), nn.Linear(emb_dim, emb_dim))
        self.input_dim = input_dim

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.reshape(-1, self.input_dim))


@NETWORKS.register("context_unet")
class ContextUnet(nn.Module):
    """The report's network: predicts the noise in an image, given a class and a time.

    Any height and width divisible by 4 will do: a single vector crosses the bottleneck, and is
    spread over a learned 7x7 map that is resized to the image.

    Args:
        in_channels: channels of the image.
        n_feat: channels of the first feature map; a multiple of 8.
        n_classes: how many labels there are.
        is_res: False leaves the residual out of every block but the first, as in the code that the
            report builds on; for weights that were trained in that way.

    Raises:
        ValueError: for impossible sizes.

    Source:
        The report, and the public code that it builds on.
    """

    edges = frozenset(  # layers that Muon leaves to AdamW
        {"init_conv", "timeembed1", "timeembed2", "contextembed1", "contextembed2", "out"}
    )

    def __init__(
        self, in_channels: int, n_feat: int = 256, n_classes: int = 10, is_res: bool = True
    ) -> None:
        super().__init__()
        in_channels = whole_number(in_channels, "in_channels", 1, MOST_CHANNELS)
        n_feat = whole_number(n_feat, "n_feat", 8, MOST_CHANNELS)
        n_classes = whole_number(n_classes, "n_classes", 1, MOST_CLASSES)
        if n_feat % 8:
            raise ValueError(f"n_feat must be a multiple of 8 (group normalisation), not {n_feat}")
        self.in_channels, self.n_feat, self.n_classes = in_channels, n_feat, n_classes
        self.is_res = is_res

        self.init_conv = ResidualConvBlock(in_channels, n_feat)
        self.down1 = UnetDown(n_feat, n_feat, is_res)
        self.down2 = UnetDown(n_feat, 2 * n_feat, is_res)
        self.to_vec = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.GELU())

        self.timeembed1 = EmbedFC(1, 2 * n_feat)
        self.timeembed2 = EmbedFC(1, n_feat)
        self.contextembed1 = EmbedFC(n_classes, 2 * n_feat)
        self.contextembed2 = EmbedFC(n_classes, n_feat)

        self.up0 = nn.Sequential(
            nn.ConvTranspose2d(2 * n_feat, 2 * n_feat, BOTTLENECK, BOTTLENECK),
            nn.GroupNorm(8, 2 * n_feat),
            nn.ReLU(),
        )
        self.up1 = UnetUp(4 * n_feat, n_feat, is_res)
        self.up2 = UnetUp(2 * n_feat, n_feat, is_res)
        self.out = nn.Sequential(
            nn.Conv2d(2 * n_feat, n_feat, 3, padding=1),
            nn.GroupNorm(8, n_feat),
            nn.ReLU(),
            nn.Conv2d(n_feat, in_channels, 3, padding=1),
        )

    def forward(self, x: Tensor, c: Tensor, t: Tensor, context_mask: Tensor) -> Tensor:
        """Predict the noise.

        Args:
            x: noisy images (N, C, H, W).
            c: class indices (N,).
            t: N times of any shape; log noise levels under EDM.
            context_mask: (N,), 1 where the label is dropped, 0 where it is used.

        Returns:
            (N, C, H, W).

        Raises:
            ValueError: for a height or width not divisible by 4, and for channels or labels that do
                not fit.
        """
        if x.shape[1] != self.in_channels or c.shape != x.shape[:1]:
            raise ValueError(
                f"x must be (N, {self.in_channels}, H, W) and c (N,), not {tuple(x.shape)} and "
                f"{tuple(c.shape)}"
            )
        height, width = x.shape[-2:]
        if height % 4 or width % 4:
            raise ValueError(f"image height and width must be divisible by 4, not {height}x{width}")

        x = self.init_conv(x)
        down1 = self.down1(x)
        down2 = self.down2(down1)
        hidden = self.to_vec(down2)

        one_hot = nn.functional.one_hot(c, self.n_classes).to(x.dtype)
        one_hot = one_hot * (1 - context_mask.to(x.dtype))[:, None]
        t = t.to(x.dtype)
        cemb1, cemb2 = self.contextembed1(one_hot), self.contextembed2(one_hot)
        temb1, temb2 = self.timeembed1(t), self.timeembed2(t)

        up0 = self.up0(hidden)
        if up0.shape[-2:] != down2.shape[-2:]:
            up0 = nn.functional.interpolate(up0, down2.shape[-2:], mode="bilinear")
        up1 = self.up1(_as_map(cemb1) * up0 + _as_map(temb1), down2)
        up2 = self.up2(_as_map(cemb2) * up1 + _as_map(temb2), down1)
        return self.out(torch.cat((up2, x), 1))


def _conv_norm_gelu(in_channels: int, out_channels: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 3, padding=1),
        nn.BatchNorm2d(out_channels),
        nn.GELU(),
    )


def _as_map(vector: Tensor) -> Tensor:
    return vector[:, :, None, None]
