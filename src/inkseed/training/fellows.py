"""Which digits come with an image as its hand: others by its writer, never those in the image."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from inkseed.data.groups import Groups
from inkseed.data.labelled import LabelledImages, as_taken
from inkseed.errors import InkseedError
from inkseed.nn.hand_encoder import hands_of
from inkseed.nn.precision import autocast

HAND_SIZES = (1, 2, 3, 4, 6, 8, 10, 16)  # digits, each as often as any other
LEAST = max(HAND_SIZES) // 4  # digits of a writer: two in the image, and others


@dataclass(frozen=True)
class HandDigits:
    """The digits that tell the first h images of a batch their hands.

    Attributes:
        images: uint8 (M, 28, 28), a quarter of what floats would cost on their way to a device.
        owner: int64 (M,), which image each of them belongs to, from 0 to h - 1.
        counts: float32 (h,), how many each image has.
    """

    images: Tensor
    owner: Tensor
    counts: Tensor

    @property
    def digits(self) -> Tensor:
        """The digits as networks take them: float32 (M, 1, 28, 28) in [-1, 1]."""
        return as_taken(self.images)

    def to(self, device: torch.device) -> "HandDigits":
        """The same on another device."""
        return HandDigits(*(part.to(device) for part in vars(self).values()))

    def read(self, encoder: Callable[[Tensor], Tensor], shown: Tensor | None = None) -> Tensor:
        """The hands (h, length + 1) that an encoder reads in the digits, or in `shown` instead."""
        with autocast(self.images.device):
            codes = encoder(self.digits if shown is None else shown).float()
        return hands_of(codes, self.owner, self.counts)


def with_free(hands: Tensor, count: int) -> Tensor:
    """The hands of the first of `count` images (h, K) -> those of all: NaN for what has none."""
    return nn.functional.pad(hands, (0, 0, 0, count - len(hands)), value=torch.nan)


class Fellows:
    """Single digits by writer, to draw hands from.

    Raises InkseedError where nobody knows who wrote them, or somebody wrote fewer than four.
    """

    def __init__(self, digits: LabelledImages) -> None:
        if digits.writers is None:
            raise InkseedError("nobody knows who wrote these images: set hands = false")
        names, writer = np.unique(digits.writers, return_inverse=True)
        self.images, self.writers = digits.images, Groups(writer, len(names))
        if self.writers.sizes.min() < LEAST:
            raise InkseedError(f"a hand needs {LEAST} images or more of each writer")

    def draw(self, parts: np.ndarray, seed: int) -> HandDigits:
        """Hands for images that were made of the digits `parts`, indices (h, 1) or (h, 2).

        As many images have hands of each size as of any other, so that batches are alike in shape.
        """
        rng = np.random.default_rng(seed)
        counts = rng.permutation(np.resize(HAND_SIZES, len(parts)))
        owner = np.repeat(np.arange(len(parts)), counts)
        first, last = parts[owner, 0], parts[owner, -1]
        found = self.writers.draw_other(first, self.writers.of[first], rng)
        for _ in range(2):  # what comes after the last digit may be the first
            taken = (found == first) | (found == last)
            found = np.where(taken, self.writers.next(found), found)
        return HandDigits(
            torch.from_numpy(self.images[found]),
            torch.from_numpy(owner),
            torch.from_numpy(counts).float(),
        )
