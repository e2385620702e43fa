"""The writer judge: whether two sets of digits, of whatever labels, are by one hand.

It measures hands and belongs to evaluation alone. It learned from the writers of part B.
"""

import numpy as np
import torch
from torch import Tensor, nn

from inkseed.data.labelled import to_tensor
from inkseed.judges.loading import load_judge

NAME = "hands"
CODE = 64
BATCH_SIZE = 500


class WriterNet(nn.Sequential):
    """The writer judge's network: (N, 1, 28, 28) in [-1, 1] -> (N, 64), a code of each hand."""

    def __init__(self) -> None:
        super().__init__(
            nn.PixelUnshuffle(2),  # 14x14
            *_layer(4, 48),
            *_layer(48, 96, stride=2),  # 7x7
            *_layer(96, 128),
            *_layer(128, 128, stride=2),  # 4x4
            nn.Flatten(),
            nn.Dropout(0.2),
            nn.Linear(128 * 16, CODE),
        )


class WriterJudge:
    """Reads a code of each digit's hand; codes of one writer's digits point the same way."""

    def __init__(self) -> None:
        self.network, self.sha256 = load_judge(NAME, WriterNet)

    def codes(self, images: np.ndarray) -> Tensor:
        """uint8 (N, 28, 28), ink 255 -> float32 (N, 64)."""
        starts = range(0, len(images), BATCH_SIZE)
        return torch.cat(
            [self.network(to_tensor(images[first : first + BATCH_SIZE])) for first in starts]
        )


def alike(codes: Tensor, others: Tensor) -> Tensor:
    """How alike two hands are, for every two sets of digits: the cosine of their mean codes.

    Codes (..., N, k, 64) of N sets of k digits, and (..., M, l, 64) -> (..., N, M).
    """
    first, second = (nn.functional.normalize(each.mean(-2), dim=-1) for each in (codes, others))
    return first @ second.transpose(-1, -2)


def _layer(inputs: int, outputs: int, stride: int = 1) -> tuple[nn.Module, ...]:
    return (
        nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.SiLU(),
    )
