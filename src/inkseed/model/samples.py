"""What a request gives: images, with all that made them."""

from dataclasses import dataclass, field

import numpy as np
from torch import Tensor

from inkseed.model.sampling import Sampling
from inkseed.outline import Outlined
from inkseed.pictures import png, tile

SHOWN, COLUMNS = 100, 10  # images in a notebook


@dataclass(repr=False)
class Samples(Outlined):
    """Generated images: uint8 (N, H, W), ink 255, with what made each of them."""

    images: np.ndarray
    labels: np.ndarray  # int64 (N,)
    seeds: np.ndarray  # int64 (N, 2): the seed, and the image's number k
    streams: np.ndarray  # int64 (N, 2): (image, candidate) of the stream that each began with, as
    # `inkseed.noise.Streams` draws it again; (-1, -1) where its noise is not that of one stream
    guide_w: np.ndarray  # float64 (N,)
    evaluations: int  # of the network: all that the request cost
    noise: Tensor  # float32 (N, C, H, W): the unit noise each began with
    how: Sampling  # the settings that they were drawn with; `how.facts()` has them as plain values
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
