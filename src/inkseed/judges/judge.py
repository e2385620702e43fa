"""The two bundled judges. A selects, B evaluates, and neither can do the other's work."""

from collections.abc import Callable, Iterator
from functools import cache

import numpy as np
import torch
from torch import Tensor, nn

from inkseed.data.labelled import resized, to_tensor
from inkseed.judges.fit import JUDGE_SIZE
from inkseed.judges.loading import load_judge
from inkseed.judges.networks import PlainNet, ResidualNet

BATCH_SIZE = 250  # the fastest of 50 to 1000


class JudgeA:
    """The judge of selectors: it has probabilities to choose by, but no features to measure in."""

    def __init__(self) -> None:
        self.network, self.sha256 = load_judge("a", PlainNet)

    def probabilities(self, images: np.ndarray) -> Tensor:
        """uint8 (N, H, W), ink 255 -> float32 (N, 10): the probability of each digit."""
        return torch.cat([self.network(x).softmax(1) for x in _batches(images)])

    def digits(self, images: np.ndarray) -> np.ndarray:
        """uint8 (N, H, W), ink 255 -> int64 (N,): the digits that it reads."""
        return read_digits(self.network, images)

    def logits(self, x: Tensor) -> Tensor:
        """float (N, 1, H, W), clipped to [-1, 1] -> float32 (N, 10); gradients flow to x."""
        return torch.cat(
            [self.network(resized(part.clamp(-1, 1), JUDGE_SIZE)) for part in x.split(BATCH_SIZE)]
        )


@cache
def judge_a() -> JudgeA:
    """Judge A, loaded once, when it is first used."""
    return JudgeA()


class JudgeB:
    """The judge of evaluation: it reads digits, and its features are the space of all distances."""

    def __init__(self) -> None:
        self.network, self.sha256 = load_judge("b", ResidualNet)

    def read(
        self, images: np.ndarray, tell: Callable[[int], object] = lambda _: None
    ) -> tuple[Tensor, Tensor]:
        """Read digits, and return their features, in which distances are measured.

        Args:
            images: uint8 (N, H, W), ink 255.
            tell: called with the number of images in each batch.

        Returns:
            Probabilities float32 (N, 10), and features float32 (N, 64).
        """
        probabilities, features = [], []
        for x in _batches(images):
            features.append(self.network.features(x))
            probabilities.append(self.network.head(features[-1]).softmax(1))
            tell(len(x))
        return torch.cat(probabilities), torch.cat(features)

    def digits(self, images: np.ndarray) -> np.ndarray:
        """uint8 (N, H, W), ink 255 -> int64 (N,): the digits that it reads."""
        return read_digits(self.network, images)


def read_digits(network: nn.Module, images: np.ndarray) -> np.ndarray:
    """The digits that a classifier reads in uint8 (N, H, W), ink 255: int64 (N,)."""
    return torch.cat([network(x).argmax(1) for x in _batches(images)]).numpy()


def _batches(images: np.ndarray) -> Iterator[Tensor]:
    for first in range(0, len(images), BATCH_SIZE):
        x = to_tensor(images[first : first + BATCH_SIZE], JUDGE_SIZE)
        yield x.to(memory_format=torch.channels_last)
