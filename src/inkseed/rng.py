"""One stream of randomness an image, so that batch size and device never change its noise."""

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from torch import Tensor


def stream(seed: int, *key: int) -> torch.Generator:
    """A CPU generator keyed by `(seed, *key)`; streams of different keys are independent."""
    state = np.random.SeedSequence(seed, spawn_key=key).generate_state(1, np.uint64)
    return torch.Generator().manual_seed(int(state[0]))


class ImageStreams:
    """The streams of images `indices` of a request: image k's is keyed by `(seed, k)`."""

    def __init__(self, seed: int, indices: Iterable[int]) -> None:
        self.generators = [stream(seed, k) for k in indices]

    def normal(self, shape: Sequence[int]) -> Tensor:
        """Unit Gaussian noise, float32 (N, *shape) on the CPU: one draw from each stream."""
        return torch.stack([torch.randn(shape, generator=each) for each in self.generators])
