"""How certain a figure is: Wilson's interval for a share, the bootstrap for everything else."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

Z = 1.959964  # 95 % of a normal distribution lies within so many standard deviations
RESAMPLES = 200
T_4 = 2.776445  # the same for Student's t with 4 degrees of freedom

Limits = tuple[float, float]  # of a figure, and so of its interval too
SHARE: Limits = (0.0, 1.0)
DIFFERENCE: Limits = (-1.0, 1.0)  # of two shares; also of a correlation
DISTANCE: Limits = (0.0, np.inf)
UNLIMITED: Limits = (-np.inf, np.inf)


class Estimate(NamedTuple):
    """A figure and its 95 % interval."""

    value: float
    low: float
    high: float


class Resampled(NamedTuple):
    """A figure, and its value in each of the 200 resamples, float64 (200,)."""

    value: float
    replicates: np.ndarray


def wilson(right: int, n: int) -> Estimate:
    """The share `right / n` with the interval of Wilson (1927); n is at least 1."""
    share = right / n
    centre = (share + Z**2 / (2 * n)) / (1 + Z**2 / n)
    reach = Z / (1 + Z**2 / n) * (share * (1 - share) / n + Z**2 / (4 * n**2)) ** 0.5
    low, high = centre - reach, centre + reach  # at 0 and 1, rounding may cross the share
    return Estimate(share, max(0.0, min(share, low)), min(1.0, max(share, high)))


def bootstrap(
    value: float,
    statistic: Callable[[np.ndarray], float],
    labels: np.ndarray,
    seed: int,
    limits: Limits,
) -> Estimate:
    """`value` with 1.96 bootstrap standard deviations on either side, within `limits`.

    `statistic` takes how often each image was drawn, float64 (n,). Only the spread of its 200
    values is used: distances between sets grow under resampling, so their percentiles would lie
    beside the estimate rather than around it (Efron and Tibshirani 1993, chapter 10). For a set as
    good as real digits, the spread of a distance comes out too large by a factor of nearly sqrt(3):
    such a distance is a sum of squared errors, to which a resample adds errors of its own, and so a
    cross term of twice its variance. The interval is then conservative.
    """
    return around(value, [statistic(counts) for counts in resamples(labels, seed)], limits)


def around(value: float, replicates: Sequence[float] | np.ndarray, limits: Limits) -> Estimate:
    """`value` with 1.96 standard deviations of its replicates on either side, within `limits`."""
    spread = float(np.std(replicates, ddof=1))
    return Estimate(value, max(limits[0], value - Z * spread), min(limits[1], value + Z * spread))


def around_share(share: float, replicates: Sequence[float] | np.ndarray, n: int) -> Estimate:
    """The same for a share of n images.

    For none or all of them, where all resamples are equal, it is Wilson's interval.
    """
    if share in (0.0, 1.0):
        return wilson(round(share * n), n)
    return around(share, replicates, SHARE)


def bootstrap_mean(values: np.ndarray, labels: np.ndarray, seed: int, limits: Limits) -> Estimate:
    """The mean of one figure per image, (n,), with its bootstrap interval.

    If `limits` are those of a share, `values` must be in [0, 1].
    """
    value, draws = float(values.mean()), resamples(labels, seed)
    means = [float(counts @ values / counts.sum()) for counts in draws]
    if limits == SHARE:
        return around_share(value, means, len(values))
    return around(value, means, limits)


def resamples(labels: np.ndarray, seed: int) -> Iterator[np.ndarray]:
    """Resample 200 times within each label: how often each image was drawn, float64 (n,).

    Within labels, because a set's labels are requested and not drawn; labels that were drawn are
    weighted to a given mix, which comes to the same. That would say nothing of an image that is the
    only one of its label. It is drawn a Poisson number of times, as if from all images, which is
    conservative, as for a survey's stratum of one (`lonely.psu = "adjust"` in Lumley's R package
    survey).
    """
    rng, n = np.random.default_rng(seed), len(labels)
    order = np.argsort(labels, kind="stable")
    _, first, size = np.unique(labels[order], return_index=True, return_counts=True)
    firsts, sizes = np.repeat(first, size), np.repeat(size, size)
    lone = order[sizes == 1]
    for _ in range(RESAMPLES):
        drawn = order[firsts + (rng.random(n) * sizes).astype(np.int64)]
        counts = np.bincount(drawn, minlength=n).astype(np.float64)
        if len(lone):
            counts[lone] = rng.poisson(1.0, len(lone))
        yield counts


def stacked_resamples(labels: np.ndarray, seed: int) -> Tensor:
    """The same 200 draws as one tensor, float64 (n, 200)."""
    return torch.from_numpy(np.stack(list(resamples(labels, seed)), 1))


def paired_t(differences: list[float]) -> Estimate:
    """The mean of five paired differences of shares, with Student's 95 % interval."""
    if len(differences) != 5:
        raise ValueError("T_4 is for five differences")
    mean, reach = float(np.mean(differences)), T_4 * float(np.std(differences, ddof=1)) / 5**0.5
    low, high = DIFFERENCE
    return Estimate(mean, max(low, mean - reach), min(high, mean + reach))
