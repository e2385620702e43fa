"""The fresh noise that a sampler draws on its way, from the images' own streams."""

from collections.abc import Sequence

import torch
from torch import Tensor

from inkseed.rng import ImageStreams, Key


class Later:
    """The noise that a sampler draws on its way: each row's stream after its first draw.

    The streams are begun anew here, so that the same start is always followed by the same noise,
    and only when the first noise is drawn: most samplers draw none.
    """

    def __init__(
        self, seed: int, keys: Sequence[Key], shape: torch.Size, device: torch.device
    ) -> None:
        self.seed, self.keys, self.shape, self.device = seed, keys, shape, device
        self.streams: ImageStreams | None = None

    def __call__(self) -> Tensor:
        if self.streams is None:
            self.streams = ImageStreams(self.seed, self.keys)
            self.streams.normal(self.shape)
        return self.streams.normal(self.shape).to(self.device)
