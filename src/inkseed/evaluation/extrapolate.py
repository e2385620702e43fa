"""The Fréchet distance at infinite N (Chong and Forsyth, arXiv 1911.07023).

The distance of N images is too large by nearly c / N, where c differs from set to set and is about
35 for real digits. So a straight line over 1 / N, fitted to the distances of the whole set and of
parts of it, meets 1 / N = 0 at the distance without that bias.
"""

from functools import reduce
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from inkseed.evaluation.frechet import Gaussian, frechet_distance
from inkseed.evaluation.intervals import UNLIMITED, Estimate, bootstrap

LEAST = 2_000  # images: with fewer, the line's end varies by more than real digits' own
QUARTERS = 4
PARTS = (1, 2, 4)  # the line is fitted to the whole, the mean of halves and that of quarters


class Sums(NamedTuple):
    """The sums that a Gaussian is fitted from, about a fixed origin; those of parts add up."""

    total: Tensor  # of weights
    squares: Tensor  # of weights
    first: Tensor  # (d,) of weighted features
    second: Tensor  # (d, d) of their weighted outer products

    def gaussian(self, origin: Tensor) -> Gaussian:
        """The same as `fit_gaussian`."""
        shift = self.first / self.total
        scatter = self.second - self.total * torch.outer(shift, shift)
        return Gaussian(origin + shift, scatter / (self.total - self.squares / self.total))


def endless_frechet(
    features: Tensor, labels: np.ndarray, reference: Gaussian, seed: int, weights: np.ndarray
) -> Estimate:
    """The distance of features (n, d) from a reference at infinite n, with its interval.

    The line's three points are the distance of all images, the mean distance of two disjoint
    halves, and that of four quarters, all with the same shares of labels. The estimate is unbiased
    except for terms of 1 / n^2, so it may be negative near 0. The interval is a bootstrap within
    labels.
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
        line = np.polynomial.polynomial.polyfit(PARTS, distances, 1)  # 1 / N grows with the parts
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
