"""Fréchet distance between two sets of features (Heusel et al., arXiv 1706.08500)."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from inkseed.evaluation.intervals import (
    DISTANCE,
    Estimate,
    Resampled,
    around,
    stacked_resamples,
)

ROWS = 20_000  # of features widened to float64 at a time


class Gaussian(NamedTuple):
    """The mean (d,) and the covariance (d, d) of a set of features, float64."""

    mean: Tensor
    covariance: Tensor


def fit_gaussian(
    features: Tensor, counts: Tensor | None = None, weights: Tensor | None = None
) -> Gaussian:
    """Mean and unbiased covariance of features (n, d).

    Each image is taken `counts` (n,) times, and has the weight `weights` (n,) each time. Counts say
    how many images there are, weights only how they are mixed. So the covariance is unbiased for
    (sum w)^2 / (sum w^2) images ("reliability weights"), which is n for equal weights.
    """
    times = torch.ones(len(features)).double() if counts is None else counts
    each = torch.ones_like(times) if weights is None else weights
    total, squares = float((times * each).sum()), float((times * each.square()).sum())
    parts = list(zip(features.split(ROWS), (times * each).split(ROWS), strict=True))
    mean = sum((w @ x.double() for x, w in parts), torch.zeros(1).double()) / total
    covariance = torch.zeros(len(mean), len(mean), dtype=torch.float64)
    for x, w in parts:
        centred = x.double() - mean
        covariance += (centred * w[:, None]).T @ centred
    return Gaussian(mean, covariance / (total - squares / total))


def frechet_distance(a: Gaussian, b: Gaussian) -> float:
    """|m_a - m_b|^2 + tr(S_a + S_b - 2 (S_a S_b)^(1/2)): the squared distance, as usual.

    The trace of the root is taken from the symmetric S_a^(1/2) S_b S_a^(1/2), which has the same
    eigenvalues as S_a S_b. So no complex numbers occur, and covariances may be singular (few
    images).
    """
    values, vectors = torch.linalg.eigh(a.covariance)
    root = vectors * values.clamp(min=0).sqrt() @ vectors.T
    eigenvalues = torch.linalg.eigvalsh(root @ b.covariance @ root)
    traces = a.covariance.trace() + b.covariance.trace()
    shift = (a.mean - b.mean).square().sum()
    return max(0.0, float(shift + traces - 2 * eigenvalues.clamp(min=0).sqrt().sum()))


def frechet(
    features: Tensor,
    labels: np.ndarray,
    reference: Gaussian,
    seed: int,
    weights: np.ndarray | None = None,
) -> Estimate:
    """The distance of features (n, d) from a reference, with a bootstrap interval.

    `weights` (n,) bring the labels to the reference's mix. Images are resampled within labels and
    keep their weights, so that the mix is the same in every resample.
    """
    found = resampled_frechet(features, reference, stacked_resamples(labels, seed), weights)
    return around(*found, DISTANCE)


def resampled_frechet(
    features: Tensor, reference: Gaussian, draws: Tensor, weights: np.ndarray | None = None
) -> Resampled:
    """The same, as a value and its replicates; `draws` (n, 200) say how often each image counts."""
    each = None if weights is None else torch.from_numpy(weights)

    def distance(counts: Tensor | None = None) -> float:
        return frechet_distance(fit_gaussian(features, counts, each), reference)

    return Resampled(distance(), np.array([distance(counts) for counts in draws.T]))
