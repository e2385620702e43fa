"""Kernel distance between two sets of features (Bińkowski et al., arXiv 1801.01401)."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from inkseed.evaluate.intervals import Estimate, around, resamples

ROWS = 1000  # of the kernel matrix at a time


class KernelReference:
    """A set of features (n, d) to measure distances from; its own kernel matrix is summed once."""

    def __init__(self, features: Tensor) -> None:
        self.features = features.double()
        n = len(features)
        pairs = sum(float(rows.sum() - own.sum()) for _, rows, own in _own_rows(self.features))
        self.within = pairs / (n * (n - 1))

    def distance(self, features: Tensor, labels: np.ndarray, seed: int) -> Estimate:
        """Squared maximum mean discrepancy from features (m, d), unbiased: near 0 it may be below.

        The kernel is (x . y / d + 1)^3. All pairs are used, where other implementations average
        over random subsets; the interval is a bootstrap over `features`.
        """
        x, m = features.double(), len(features)
        drawn = torch.from_numpy(np.stack(list(resamples(labels, seed)))).float()  # (200, m)
        pairs, replicates = 0.0, torch.zeros(len(drawn))
        across = torch.cat([rows.mean(1) for _, rows in _rows(x, self.features)])
        for here, rows, own in _own_rows(x):
            pairs += float(rows.sum() - own.sum())
            weighted = (drawn @ rows.T.float() - own.float()) * drawn[:, here]
            replicates += weighted.sum(1)
        scale = m * (m - 1)
        value = pairs / scale + self.within - 2 * float(across.mean())
        spread = replicates.double() / scale - 2 * drawn.double() @ across / m
        return around(value, spread.tolist())


def _rows(x: Tensor, y: Tensor) -> Iterator[tuple[slice, Tensor]]:
    """The kernel matrix of x (m, d) and y (n, d), some rows at a time, float64."""
    for first in range(0, len(x), ROWS):
        here = slice(first, min(first + ROWS, len(x)))
        yield here, (x[here] @ y.T / x.shape[1] + 1) ** 3


def _own_rows(x: Tensor) -> Iterator[tuple[slice, Tensor, Tensor]]:
    """The same for x with itself, and the part of the diagonal that lies in the rows."""
    for here, rows in _rows(x, x):
        yield here, rows, rows[:, here].diagonal()
