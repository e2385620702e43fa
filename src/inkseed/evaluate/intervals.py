"""How sure a figure is: Wilson's interval for a share, the bootstrap for everything else."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

Z = 1.959964  # 95 % of a normal distribution lies within so many standard deviations
RESAMPLES = 200
T_4 = 2.776445  # the same for Student's t with 4 degrees of freedom


class Estimate(NamedTuple):
    """A figure and its 95 % interval."""

    value: float
    low: float
    high: float


def wilson(right: int, n: int) -> Estimate:
    """The share `right / n` with the interval of Wilson (1927); n is at least 1."""
    share = right / n
    centre = (share + Z**2 / (2 * n)) / (1 + Z**2 / n)
    reach = Z / (1 + Z**2 / n) * (share * (1 - share) / n + Z**2 / (4 * n**2)) ** 0.5
    low, high = centre - reach, centre + reach  # at 0 and 1 rounding may cross the share
    return Estimate(share, max(0.0, min(share, low)), min(1.0, max(share, high)))


def bootstrap(
    value: float,
    statistic: Callable[[np.ndarray], float],
    labels: np.ndarray,
    seed: int,
    limits: tuple[float, float] = (-np.inf, np.inf),
) -> Estimate:
    """`value` with 1.96 bootstrap standard deviations either side, within `limits`.

    `statistic` takes how often each image was drawn, float64 (n,). Only the spread of its 200
    values is used: distances between sets grow under resampling, so their percentiles would lie
    beside the estimate rather than around it (Efron and Tibshirani 1993, chapter 10).
    """
    return around(value, [statistic(counts) for counts in resamples(labels, seed)], limits)


def around(
    value: float, replicates: Sequence[float], limits: tuple[float, float] = (-np.inf, np.inf)
) -> Estimate:
    """`value` with 1.96 standard deviations of its bootstrap replicates either side."""
    spread = float(np.std(replicates, ddof=1))
    return Estimate(value, max(limits[0], value - Z * spread), min(limits[1], value + Z * spread))


def bootstrap_mean(
    values: np.ndarray, labels: np.ndarray, seed: int, limits: tuple[float, float]
) -> Estimate:
    """The mean of one figure an image, (n,), with its bootstrap interval."""

    def mean(counts: np.ndarray) -> float:
        return float(counts @ values) / len(values)

    return bootstrap(float(values.mean()), mean, labels, seed, limits)


def resamples(labels: np.ndarray, seed: int) -> Iterator[np.ndarray]:
    """200 draws with replacement within each label: how often each image was drawn, float64 (n,).

    Within labels, because a set's labels are asked for and not drawn.
    """
    rng, n = np.random.default_rng(seed), len(labels)
    order = np.argsort(labels, kind="stable")
    _, first, size = np.unique(labels[order], return_index=True, return_counts=True)
    firsts, sizes = np.repeat(first, size), np.repeat(size, size)
    for _ in range(RESAMPLES):
        drawn = order[firsts + (rng.random(n) * sizes).astype(np.int64)]
        yield np.bincount(drawn, minlength=n).astype(np.float64)


def paired_t(differences: list[float]) -> Estimate:
    """The mean of five paired differences with Student's 95 % interval."""
    if len(differences) != 5:
        raise ValueError("T_4 is for five differences")
    mean, reach = float(np.mean(differences)), T_4 * float(np.std(differences, ddof=1)) / 5**0.5
    return Estimate(mean, mean - reach, mean + reach)
