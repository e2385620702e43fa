"""Kernel distance between two sets of features (Bińkowski et al., arXiv 1801.01401)."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from inkseed.evaluation.intervals import UNLIMITED, Estimate, around, stacked_resamples

ROWS = 1000  # of the kernel matrix at a time


class KernelReference:
    """Features (n, d) to measure distances from; their own kernel matrix is summed once."""

    def __init__(self, features: Tensor) -> None:
        self.features = features.double()
        n = len(features)
        pairs = sum(float(rows.sum() - own.sum()) for _, rows, own in _own_rows(self.features))
        self.within = pairs / (n * (n - 1))

    def distance(
        self, features: Tensor, labels: np.ndarray, seed: int, weights: np.ndarray | None = None
    ) -> Estimate:
        """Squared maximum mean discrepancy from features (m, d), unbiased, so sometimes negative.

        The kernel is (x . y / d + 1)^3. All pairs are used, while other implementations average
        over random subsets. The weight of a pair is the product of its images' `weights` (m,). The
        interval is a bootstrap over `features` within labels.
        """
        x, m = features.double(), len(features)
        w = torch.ones(m).double() if weights is None else torch.from_numpy(weights)
        drawn = stacked_resamples(labels, seed).T.contiguous()  # (200, m)
        weighted = (drawn * w).float()
        pairs, replicates = 0.0, torch.zeros(len(drawn))
        across = torch.cat([rows.mean(1) for _, rows in _rows(x, self.features)])
        for here, rows, own in _own_rows(x):
            pairs += float((rows @ w - own * w[here]) @ w[here])
            others = weighted @ rows.T.float() - (own * w[here]).float()
            replicates += (others * weighted[:, here]).sum(1)
        total, squares = w.sum(), w.square().sum()
        value = pairs / float(total**2 - squares) + self.within - 2 * float(across @ w / total)
        totals, own_pairs = drawn @ w, drawn @ w.square()
        spread = replicates.double() / (totals**2 - own_pairs) - 2 * (drawn * w) @ across / totals
        return around(value, spread.tolist(), UNLIMITED)


def _rows(x: Tensor, y: Tensor) -> Iterator[tuple[slice, Tensor]]:
    """The kernel matrix of x (m, d) and y (n, d), some rows at a time, float64."""
    for first in range(0, len(x), ROWS):
        here = slice(first, min(first + ROWS, len(x)))
        yield here, (x[here] @ y.T / x.shape[1] + 1) ** 3


def _own_rows(x: Tensor) -> Iterator[tuple[slice, Tensor, Tensor]]:
    """The same for x and itself, with the part of the diagonal in these rows."""
    for here, rows in _rows(x, x):
        yield here, rows, rows[:, here].diagonal()
