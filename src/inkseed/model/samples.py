"""What a request gives: images, with all that made them."""

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
        seeds: int64 (N, 2). Image k has the stream (seed, k); a search draws from others too.
        guide_w: float64 (N,), the strength of guidance.
        nfe: network evaluations per image: all that the request cost, divided by N, rounded up.
        noise: float32 (N, C, H, W), the unit noise that each image began with.
        hands: the hand that each image was asked for in, or that was drawn for it; None where it
            was left free.
        how: the settings used; `how.facts()` gives them as plain values.
        weights_sha256: SHA-256 of the model's file; None if it came from no file.
        steps: the states on the way to the images, if the request asked for a trace.
        guesses: for each of `steps`, the x_0 predicted at the state before it.
    """

    images: np.ndarray
    labels: np.ndarray  # int64 (N,)
    seeds: np.ndarray  # int64 (N, 2): the seed, and the image's number k
    streams: np.ndarray  # int64 (N, 2): (image, candidate) of the stream that each began with, as
    # `inkseed.noise.Streams` draws it again; (-1, -1) where its noise is not that of one stream
    guide_w: np.ndarray  # float64 (N,)
    evaluations: int  # of the network: all that the request cost
    noise: Tensor  # float32 (N, C, H, W): the unit noise each began with
    how: Sampling  # the settings that they were drawn with; `how.facts()` has them as plain values
    hands: Sequence[AnyHand | None]  # N of them
    weights_sha256: str | None = None  # of the model's file, if it came from one
    steps: list[Tensor] = field(default_factory=list)  # the states on the way, if traced
    guesses: list[Tensor] = field(default_factory=list)  # x_0 as told at the state before each

    @property
    def nfe(self) -> int:
        """Network evaluations per image: all that the request cost, shared out and rounded up."""
        return -(-self.evaluations // len(self.labels))

    def _repr_png_(self) -> bytes:
        """What a notebook shows: the first hundred images."""
        shown = self.images[:SHOWN]
        return png(tile(shown, min(len(shown), COLUMNS)))
