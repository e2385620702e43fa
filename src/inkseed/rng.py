"""One stream of randomness an image, so that batch size and device never change its noise."""

from collections.abc import Iterable, Sequence
from enum import IntEnum

import numpy as np
import torch
from torch import Tensor


def stream(seed: int, *key: int) -> torch.Generator:
    """A CPU generator keyed by `(seed, *key)`; streams of different keys are independent."""
    state = np.random.SeedSequence(seed, spawn_key=key).generate_state(1, np.uint64)
    return torch.Generator().manual_seed(int(state[0]))


class Purpose(IntEnum):
    """What a training run draws a stream for: the first number of the stream's key."""

    INITIAL = 0  # weights
    ORDER = 1  # of the images in a pass
    LOSS = 2  # noise, levels and dropout of a step
    CHOICE_ORDER = 3  # the same two, for the choice among averages
    CHOICE_LOSS = 4


Key = tuple[int, ...]
"""What names a stream beside the seed: (k,) is image k's own, (k, j) its j-th other candidate's."""


class ImageStreams:
    """One stream for each of the `keys` of a request: image k's own is keyed by `(seed, k)`."""

    def __init__(self, seed: int, keys: Iterable[Key]) -> None:
        self.generators = [stream(seed, *key) for key in keys]

    def normal(self, shape: Sequence[int]) -> Tensor:
        """Unit Gaussian noise, float32 (N, *shape) on the CPU: one draw from each stream."""
        return torch.stack([torch.randn(shape, generator=each) for each in self.generators])
