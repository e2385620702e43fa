"""The fast network: a small U-Net on space-to-depth input, told label, style and hand.

Each 2x2 patch of pixels is first folded into channels (Shi et al., arXiv 1609.05158, in reverse).
All work is then done at a half and a quarter of the image's sides, where a processor is limited by
arithmetic rather than by memory. Blocks are those of ADM (Dhariwal and Nichol, arXiv 2105.05233):
adaptive group normalisation brings in the conditions, and only the lowest resolution has attention.

A label of several digits is factorised: every digit has its own part of the image's width, and each
column of features is scaled and shifted by the digit in whose part it lies. All parts share one
table of digits, so that what is learned of a digit applies wherever it stands.
"""

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from inkseed.checks import whole_number
from inkseed.data.style import REACH
from inkseed.labels import MOST_CLASSES
from inkseed.nn.hand_encoder import HandEncoder
from inkseed.nn.network import MOST_CHANNELS
from inkseed.registry import NETWORKS

PATCH = 2  # pixels a side, folded into channels
GROUPS = 16
TIME_FEATURES = 64
HEAD_CHANNELS = 64
BEND = 6  # numbers that tell how an image was bent
MOST_BLOCKS, MOST_PLACES, MOST_CODE = 32, 8, 1024
BLEND = 0.25  # of a place's width, over which two neighbours' conditions blend


@NETWORKS.register("patch_unet")
class PatchUnet(nn.Module):
    """The fast network: a small U-Net on 2x2 patches, told label, style and hand.

    Args:
        in_channels: channels of the image.
        n_classes: how many labels there are.
        widths: channels at a half and at a quarter of the image's sides.
        blocks: residual blocks per resolution on the way down, and again on the way up.
        styles: the continuous attributes, each with the data's (mean, deviation) in its own unit;
            they are used in alphabetical order.
        places: digits in a label. Above 1, `n_classes` is a base to the power of `places`, and the
            first digit is the leftmost and the most significant.
        waves: how many cosines over the width tell each column where it is, which digits side by
            side need.
        hand: numbers in the code of a hand; 0 for a network that knows none. One that does has an
            `encoder` of digits, and can be told how its image was bent in training (Karras et al.,
            [2206.00364](https://arxiv.org/abs/2206.00364), appendix F.2).

    Raises:
        ValueError: for impossible widths, moments, places, waves or codes.

    Source:
        Blocks are ADM's (Dhariwal and Nichol, [2105.05233](https://arxiv.org/abs/2105.05233)),
        patches as in Shi and others, [1609.05158](https://arxiv.org/abs/1609.05158), in reverse.
    """

    # left to AdamW
    edges = frozenset({"into", "where", "time", "label", "style", "encoder", "hand", "bend", "out"})

    def __init__(
        self,
        in_channels: int,
        n_classes: int,
        widths: Sequence[int] = (96, 192),
        blocks: int = 1,
        styles: Mapping[str, Sequence[float]] | None = None,
        places: int = 1,
        waves: int = 0,
        hand: int = 0,
    ) -> None:
        super().__init__()
        high, low = (whole_number(each, "widths", 1, MOST_CHANNELS) for each in widths)
        in_channels = whole_number(in_channels, "in_channels", 1, MOST_CHANNELS)
        n_classes = whole_number(n_classes, "n_classes", 1, MOST_CLASSES)
        blocks = whole_number(blocks, "blocks", 1, MOST_BLOCKS)
        places = whole_number(places, "places", 1, MOST_PLACES)
        waves = whole_number(waves, "waves", 0, MOST_CODE)
        hand = whole_number(hand, "hand", 0, MOST_CODE)
        if high % GROUPS or low % HEAD_CHANNELS:
            raise ValueError(f"widths must be multiples of {GROUPS} and {HEAD_CHANNELS}: {widths}")
        moments = [list(map(float, pair)) for _, pair in sorted((styles or {}).items())]
        if not all(len(pair) == 2 and pair[1] > 0 for pair in moments):
            raise ValueError(f"a style needs a mean and a deviation above 0: {styles}")
        if round(n_classes ** (1 / places)) ** places != n_classes:
            raise ValueError(f"{n_classes} classes are not all digits of {places} places")
        self.in_channels, self.n_classes, self.places = in_channels, n_classes, places
        self.base = round(n_classes ** (1 / places))
        self.frequencies: Tensor
        self.style_moments: Tensor
        self.hand_mean: Tensor
        self.hand_factor: Tensor
        embedding = 4 * high
        self.register_buffer("frequencies", torch.tensor(_frequencies(TIME_FEATURES // 2)))
        self.register_buffer("style_moments", torch.tensor(moments).reshape(-1, 2))
        self.time = nn.Linear(TIME_FEATURES, embedding)
        rows = torch.empty(self.base + 1, embedding)  # the last is the null label
        if not rows.is_meta:  # normal_ would import torch's compiler there, which takes a second
            nn.init.normal_(rows)
        self.label = nn.Embedding(self.base + 1, embedding, _weight=rows)
        self.style = nn.Linear(4 * len(moments), embedding, bias=False) if moments else None
        self.encoder = HandEncoder(hand) if hand else None
        if hand:  # how writers' codes are spread: see `inkseed.nn.hand_encoder.drawn_hands`
            self.register_buffer("hand_mean", torch.zeros(hand))
            eye = torch.zeros(hand, hand).fill_diagonal_(1)  # torch.eye too imports the compiler
            self.register_buffer("hand_factor", eye)
        # a code, how sure it is, and that there is one at all
        self.hand = silent(hand + 2, embedding) if hand else None
        self.bend = silent(BEND, embedding) if hand else None
        self.mix = nn.Linear(embedding, embedding)
        self.into = nn.Conv2d(in_channels * PATCH**2, high, 3, padding=1)
        self.where = silent(waves, high) if waves else None
        self.down_high = nn.ModuleList(Block(high, high, embedding) for _ in range(blocks))
        self.shrink = nn.Conv2d(high * PATCH**2, low, 1)
        self.down_low = nn.ModuleList(Block(low, low, embedding) for _ in range(blocks))
        self.attention = Attention(low)
        self.up_low = nn.ModuleList(Block(2 * low, low, embedding) for _ in range(blocks))
        self.grow = nn.Conv2d(low, high * PATCH**2, 1)
        self.up_high = nn.ModuleList(Block(2 * high, high, embedding) for _ in range(blocks))
        self.norm_out = nn.GroupNorm(GROUPS, high)
        self.out = nn.Conv2d(high, in_channels * PATCH**2, 3, padding=1)
        _zero(self.out)

    def forward(
        self,
        x: Tensor,
        c: Tensor,
        t: Tensor,
        context_mask: Tensor,
        style: Tensor | None = None,
        hand: Tensor | None = None,
        bend: Tensor | None = None,
    ) -> Tensor:
        """Return the network's own prediction.

        Args:
            x: noisy images (N, C, H, W), sides divisible by 4.
            c: class indices (N,).
            t: log noise levels (N,), of either sign.
            context_mask: (N,), 1 where the label is dropped, 0 where it is used.
            style: (N, S), the attributes in their units, NaN where one is left free; None leaves
                all free.
            hand: (N, length + 1), as `hands_of` gives it, a row of NaN where it is left free; None
                leaves all free.
            bend: (N, 6), how the image was bent, in training alone; None, like 0, is not at all.

        Returns:
            (N, C, H, W).

        Raises:
            ValueError: for sides not divisible by 4.
        """
        return self.predict(x, self.told(c, t, context_mask, style, hand, bend))

    def predict(self, x: Tensor, told: Tensor) -> Tensor:
        """The prediction for noisy images (N, C, H, W) of which this was told, (N, P, E)."""
        height, width = x.shape[-2:]
        if height % 4 or width % 4:
            raise ValueError(f"image height and width must be divisible by 4, not {height}x{width}")
        condition = nn.functional.silu(self.mix(nn.functional.silu(told)))
        x = self.into(nn.functional.pixel_unshuffle(x, PATCH))
        if self.where is not None:
            x = x + self.where(_cosines(x.shape[-1], self.where.in_features, x.device)).T[:, None]
        skips = []
        for block in self.down_high:
            x = block(x, condition)
            skips.append(x)
        x = self.shrink(nn.functional.pixel_unshuffle(x, PATCH))
        for block in self.down_low:
            x = block(x, condition)
            skips.append(x)
        x = self.attention(x)
        for block in self.up_low:
            x = block(torch.cat((x, skips.pop()), 1), condition)
        x = nn.functional.pixel_shuffle(self.grow(x), PATCH)
        for block in self.up_high:
            x = block(torch.cat((x, skips.pop()), 1), condition)
        x = self.out(nn.functional.silu(self.norm_out(x)))
        return nn.functional.pixel_shuffle(x, PATCH)

    def told(
        self,
        c: Tensor,
        t: Tensor,
        dropped: Tensor,
        style: Tensor | None = None,
        hand: Tensor | None = None,
        bend: Tensor | None = None,
    ) -> Tensor:
        """The sum of all that is told, shaped as in `forward`: a vector a place, (N, P, E)."""
        angles = t.reshape(-1, 1).to(self.frequencies) * self.frequencies
        total = self.time(torch.cat((angles.cos(), angles.sin()), 1))
        if self.style is not None and style is not None:
            total = total + self.style(self._style_features(style))
        digits = [c // self.base**power % self.base for power in reversed(range(self.places))]
        rows = torch.where(dropped[:, None] > 0, self.base, torch.stack(digits, 1))
        everywhere = total[:, None] + self.label(rows)
        if self.hand is not None and hand is not None:
            everywhere = everywhere + self.hand(_hand_features(hand))[:, None]
        if self.bend is not None and bend is not None:
            everywhere = everywhere + self.bend(bend)[:, None]
        return everywhere

    def _style_features(self, style: Tensor) -> Tensor:
        """(N, S) with NaN where free -> (N, 4 S), all 0 where free."""
        given = ~style.isnan()
        mean, deviation = self.style_moments.unbind(1)
        z = ((style.nan_to_num() - mean) / deviation).clamp(-REACH, REACH)
        features = torch.stack((torch.ones_like(z), z, (z * 1.5).sin(), (z * 1.5).cos()), -1)
        return (features * given[..., None]).flatten(1)


class Block(nn.Module):
    """A residual block whose normalisations are scaled and shifted by the condition."""

    def __init__(self, in_channels: int, channels: int, embedding: int) -> None:
        super().__init__()
        self.norm_in = nn.GroupNorm(GROUPS, in_channels)
        self.conv_in = nn.Conv2d(in_channels, channels, 3, padding=1)
        self.adapt = nn.Linear(embedding, 2 * channels)
        self.norm_mid = nn.GroupNorm(GROUPS, channels, affine=False)
        self.conv_mid = nn.Conv2d(channels, channels, 3, padding=1)
        _zero(self.conv_mid)  # the block starts as its skip
        same = in_channels == channels
        self.skip = nn.Identity() if same else nn.Conv2d(in_channels, channels, 1)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """x (N, in, H, W), condition (N, P, E) -> (N, channels, H, W)."""
        scale, shift = spread(self.adapt(condition), x.shape[-1]).chunk(2, 1)
        h = self.conv_in(nn.functional.silu(self.norm_in(x)))
        h = nn.functional.silu(self.norm_mid(h) * (1 + scale) + shift)
        return (self.skip(x) + self.conv_mid(h)) * math.sqrt(0.5)


def spread(values: Tensor, width: int) -> Tensor:
    """One vector per place (N, P, C) -> one per column (N, C, 1, width), or (N, C, 1, 1) if P = 1.

    Places are equally wide, and blend linearly around the border between them.
    """
    places = values.shape[1]
    if places == 1:
        return values[:, 0, :, None, None]
    x = (torch.arange(width, device=values.device) + 0.5) * places / width
    borders = torch.arange(1, places, device=values.device)[:, None]
    passed = ((x - borders) / BLEND + 0.5).clamp(0, 1).to(values.dtype)  # (P - 1, width)
    begun = torch.cat((torch.ones_like(passed[:1]), passed))
    ended = torch.cat((passed, torch.zeros_like(passed[:1])))
    return (values.transpose(1, 2) @ (begun - ended))[:, :, None]


class Attention(nn.Module):
    """Self-attention over the pixels of a feature map (Vaswani et al., arXiv 1706.03762)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.heads = channels // HEAD_CHANNELS
        self.norm = nn.GroupNorm(GROUPS, channels)
        self.to_qkv = nn.Conv2d(channels, 3 * channels, 1)
        self.out = nn.Conv2d(channels, channels, 1)
        _zero(self.out)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        n, channels, height, width = x.shape
        qkv = self.to_qkv(self.norm(x)).reshape(n, 3, self.heads, HEAD_CHANNELS, height * width)
        q, k, v = qkv.transpose(-1, -2).unbind(1)
        seen = nn.functional.scaled_dot_product_attention(q, k, v)
        return x + self.out(seen.transpose(-1, -2).reshape(n, channels, height, width))


def _hand_features(hand: Tensor) -> Tensor:
    """(N, length + 1) with NaN where free -> (N, length + 2), all 0 where free."""
    given = ~hand.isnan().any(1, keepdim=True)
    return torch.cat((hand.nan_to_num(), torch.ones_like(hand[:, :1])), 1) * given


def silent(inputs: int, outputs: int) -> nn.Linear:
    """A layer that changes nothing until it has learned to."""
    layer = nn.Linear(inputs, outputs, bias=False)
    nn.init.zeros_(layer.weight)
    return layer


def _zero(layer: nn.Conv2d) -> None:
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)


def _cosines(width: int, count: int, device: torch.device) -> Tensor:
    """The first `count` cosines of the cosine transform without the constant, (width, count)."""
    u = (torch.arange(width, device=device) + 0.5) / width
    return (u[:, None] * torch.arange(1, count + 1, device=device) * torch.pi).cos()


def _frequencies(count: int) -> list[float]:
    """From 10^-1 to 10^1.5, evenly in the logarithm."""
    return [10 ** (-1 + 2.5 * k / (count - 1)) for k in range(count)]
