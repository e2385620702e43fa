"""The fresh noise that a sampler adds at its steps, from the images' own streams."""

from collections.abc import Sequence
from itertools import count

import torch
from torch import Tensor

from inkseed.rng import Key, Purpose, normals


class SamplerNoise:
    """Unit noise (N, C, H, W) at each call: the successive draws of the streams named by `keys`.

    The same start is always followed by the same noise.
    """

    def __init__(
        self,
        seed: int,
        keys: Sequence[Key],
        shape: Sequence[int],
        device: torch.device,
        purpose: Purpose = Purpose.SAMPLER,
    ) -> None:
        self.seed, self.keys, self.shape = seed, keys, shape
        self.device, self.purpose = device, purpose
        self.draws = count()

    def __call__(self) -> Tensor:
        noise = normals(self.seed, self.keys, self.shape, self.purpose, next(self.draws))
        return torch.from_numpy(noise).to(self.device)
