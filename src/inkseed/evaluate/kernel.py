"""Kernel distance between two sets of features (Binkowski et al., arXiv 1801.01401)."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from inkseed.evaluate.intervals import Estimate, around, resamples

ROWS = 1000  # of the kernel matrix at a time


def kernel_distance(features: Tensor, reference: Tensor, seed: int) -> Estimate:
    """Squared maximum mean discrepancy between features (m, d) and (n, d), unbiased.

    The kernel is (x . y / d + 1)^3. All pairs are used, where other implementations average over
    random subsets; the interval is a bootstrap over `features`. Near 0 it may be negative.
    """
    x, y = features.double(), reference.double()
    m, n = len(x), len(y)
    drawn = torch.from_numpy(np.stack(list(resamples(m, seed))))  # (200, m)
    within = torch.zeros(len(drawn), dtype=torch.float64)  # c' K c of each draw
    pairs_x = diagonal_draws = torch.zeros((), dtype=torch.float64)
    across = torch.empty(m, dtype=torch.float64)  # each image's mean kernel with the reference
    for first, rows in _kernel_rows(x, x):
        here = slice(first, first + len(rows))
        own = rows[torch.arange(len(rows)), torch.arange(first, first + len(rows))]
        pairs_x = pairs_x + rows.sum() - own.sum()
        diagonal_draws = diagonal_draws + drawn[:, here] @ own
        within += (drawn[:, here] * (drawn @ rows.T)).sum(1)
    for first, rows in _kernel_rows(x, y):
        across[first : first + len(rows)] = rows.mean(1)
    pairs_y = torch.zeros((), dtype=torch.float64)
    for first, rows in _kernel_rows(y, y):
        own = rows[torch.arange(len(rows)), torch.arange(first, first + len(rows))]
        pairs_y = pairs_y + rows.sum() - own.sum()

    within_y = pairs_y / (n * (n - 1))
    value = float(pairs_x / (m * (m - 1)) + within_y - 2 * across.mean())
    replicates = (within - diagonal_draws) / (m * (m - 1)) + within_y - 2 * drawn @ across / m
    return around(value, replicates.tolist())


def _kernel_rows(x: Tensor, y: Tensor) -> Iterator[tuple[int, Tensor]]:
    for first in range(0, len(x), ROWS):
        yield first, (x[first : first + ROWS] @ y.T / x.shape[1] + 1) ** 3
