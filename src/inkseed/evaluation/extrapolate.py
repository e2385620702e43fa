"""The Fréchet distance that endless images would have (Chong and Forsyth, arXiv 1911.07023).

The distance of few images is too large by nearly c / N, with a c of its own for every set: for real
digits about 35. So a straight line over 1 / N, through the distances of the whole set and of parts
of it, meets 1 / N = 0 at the distance without that bias.
"""

from functools import reduce
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from inkseed.evaluation.frechet import Gaussian, frechet_distance
from inkseed.evaluation.intervals import UNLIMITED, Estimate, bootstrap

LEAST = 2_000  # images: below, the line's end strays by more than the distance of real digits
QUARTERS = 4
PARTS = (1, 2, 4)  # the line is laid through the whole, the mean of halves, that of quarters


class Sums(NamedTuple):
    """What a Gaussian is fitted from, about a fixed origin; sums of parts add up to the whole's."""

    total: Tensor  # of weights
    squares: Tensor  # of weights
    first: Tensor  # (d,) of weighted features
    second: Tensor  # (d, d) of their weighted outer products

    def gaussian(self, origin: Tensor) -> Gaussian:
        """As `fit_gaussian` has it."""
        shift = self.first / self.total
        scatter = self.second - self.total * torch.outer(shift, shift)
        return Gaussian(origin + shift, scatter / (self.total - self.squares / self.total))


def endless_frechet(
    features: Tensor, labels: np.ndarray, reference: Gaussian, seed: int, weights: np.ndarray
) -> Estimate:
    """The distance of features (n, d) from a reference for n without end, with its interval.

    The line's three points are the distance of all images, the mean distance of two disjoint
    halves, and that of four quarters, each with every label's share of images. Unbiased but for
    terms of 1 / n^2, so near 0 it may be below. The interval is a bootstrap within labels.
    """
    order = _by_label(labels)
    quarters = [torch.from_numpy(order[k::QUARTERS].copy()) for k in range(QUARTERS)]
    centred = features.double() - reference.mean
    each = torch.from_numpy(weights)

    def statistic(counts: np.ndarray) -> float:
        times = torch.from_numpy(counts)
        sums = [_sums(centred[part], times[part], each[part]) for part in quarters]
        distances = []
        for parts in PARTS:
            pieces = [reduce(_add, sums[k::parts]) for k in range(parts)]
            gaussians = [piece.gaussian(reference.mean) for piece in pieces]
            distances.append(np.mean([frechet_distance(g, reference) for g in gaussians]))
        line = np.polynomial.polynomial.polyfit(PARTS, distances, 1)  # 1 / N grows as the parts do
        return float(line[0])

    return bootstrap(statistic(np.ones(len(labels))), statistic, labels, seed, UNLIMITED)


def _sums(features: Tensor, times: Tensor, weights: Tensor) -> Sums:
    w = times * weights
    weighted = features * w[:, None]
    return Sums(w.sum(), (w * weights).sum(), weighted.sum(0), weighted.T @ features)


def _add(a: Sums, b: Sums) -> Sums:
    return Sums(*(x + y for x, y in zip(a, b, strict=True)))


def _by_label(labels: np.ndarray) -> np.ndarray:
    """All indices, sorted by label, in random order within each."""
    shuffled = np.random.RandomState(0).permutation(len(labels))
    return shuffled[np.argsort(labels[shuffled], kind="stable")]
