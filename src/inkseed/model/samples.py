"""What a request returns: images, with everything that made them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from inkseed import memory
from inkseed.model.hand import AnyHand
from inkseed.model.sampling import Sampling
from inkseed.outline import Outlined
from inkseed.pictures import png, tile
from inkseed.rng import normals

SHOWN, COLUMNS = 100, 10  # images in a notebook
AT_ONCE = 10_000  # images whose noise is drawn together
FLOAT = 4  # bytes


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
        own_noise: float32 (M, C, H, W), the unit noise of the M images that began with no stream,
            in order; `noise` has that of all.
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
    own_noise: Tensor
    hands: Sequence[AnyHand | None]
    how: Sampling
    weights_sha256: str | None = None
    steps: list[Tensor] = field(default_factory=list)
    guesses: list[Tensor] = field(default_factory=list)

    @property
    def nfe(self) -> int:
        """Network evaluations per image: all that the request cost, divided by N, rounded up."""
        return -(-self.evaluations // len(self.labels))

    @cached_property
    def noise(self) -> Tensor:
        """The unit noise that each image began with, float32 (N, C, H, W).

        It is drawn from the images' streams when it is first looked at, and 4 bytes a pixel.
        """
        shape, own = self.own_noise.shape[1:], self.streams[:, 0] < 0
        memory.require(FLOAT * len(own) * shape.numel(), "the noise", "look at fewer images' noise")
        if own.all():
            return self.own_noise
        noise = torch.empty(len(own), *shape)
        noise[torch.from_numpy(own)] = self.own_noise
        for rows in np.array_split(np.flatnonzero(~own), -(-len(own) // AT_ONCE)):
            drawn = normals(int(self.seeds[0, 0]), self.streams[rows], shape)
            noise[torch.from_numpy(rows)] = torch.from_numpy(drawn)
        return noise

    def __getstate__(self) -> dict[str, Any]:
        """What another process is told: torch would share the tensor's memory with this one."""
        told = {name: value for name, value in vars(self).items() if name != "noise"}  # drawn again
        return {**told, "own_noise": self.own_noise.numpy()}

    def __setstate__(self, told: dict[str, Any]) -> None:
        vars(self).update(told, own_noise=torch.from_numpy(told["own_noise"]))

    def exchange(self, rows: np.ndarray, images: np.ndarray, streams: np.ndarray) -> None:
        """Replace the images `rows` by others, which began with these streams."""
        named = self.streams[:, 0] >= 0
        self.images[rows], self.streams[rows] = images, streams
        kept = self.streams[~named, 0] < 0
        self.own_noise = self.own_noise[torch.from_numpy(kept)]
        vars(self).pop("noise", None)

    def _repr_png_(self) -> bytes:
        """What a notebook shows: the first hundred images."""
        shown = self.images[:SHOWN]
        return png(tile(shown, min(len(shown), COLUMNS)))
