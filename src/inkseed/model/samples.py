"""What a request returns: images, with everything that made them."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from torch import Tensor

from inkseed.model.hand import AnyHand
from inkseed.model.sampling import Sampling
from inkseed.outline import Outlined
from inkseed.pictures import png, tile

SHOWN, COLUMNS = 100, 10  # images in a notebook


@dataclass(repr=False)
class Samples(Outlined):
    """Generated images, with everything that made each of them. N is the number of images.

    Attributes:
        images: uint8 (N, H, W), ink 255 on paper 0.
        labels: int64 (N,), class indices.
        seeds: int64 (N, 2), the seed and the image's number k.
        streams: int64 (N, 2), (image, candidate) of the stream that each image began with.
            `inkseed.noise.Streams` draws it again. (-1, -1) if its noise is not that of one stream.
        guide_w: float64 (N,), the strength of guidance.
        evaluations: all network evaluations that the request cost.
        noise: float32 (N, C, H, W), the unit noise that each image began with.
        hands: the hand that each image was asked for in, or that was drawn for it; None where it
            was left free.
        how: the settings used; `how.facts()` gives them as plain values.
        weights_sha256: SHA-256 of the model's file; None if it came from no file.
        steps: the states on the way to the images, if the request asked for a trace.
        guesses: for each of `steps`, the x_0 predicted at the state before it.
    """

    images: np.ndarray
    labels: np.ndarray
    seeds: np.ndarray
    streams: np.ndarray
    guide_w: np.ndarray
    evaluations: int
    noise: Tensor
    hands: Sequence[AnyHand | None]
    how: Sampling
    weights_sha256: str | None = None
    steps: list[Tensor] = field(default_factory=list)
    guesses: list[Tensor] = field(default_factory=list)

    @property
    def nfe(self) -> int:
        """Network evaluations per image: all that the request cost, divided by N, rounded up."""
        return -(-self.evaluations // len(self.labels))

    def _repr_png_(self) -> bytes:
        """What a notebook shows: the first hundred images."""
        shown = self.images[:SHOWN]
        return png(tile(shown, min(len(shown), COLUMNS)))
