"""Fréchet distance between two sets of features (Heusel et al., arXiv 1706.08500)."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from inkseed.evaluate.intervals import Estimate, bootstrap

ROWS = 20_000  # of features widened to float64 at a time


class Gaussian(NamedTuple):
    """The mean (d,) and the covariance (d, d) of a set of features, float64."""

    mean: Tensor
    covariance: Tensor


def fit_gaussian(features: Tensor, counts: Tensor | None = None) -> Gaussian:
    """Mean and unbiased covariance of features (n, d), each taken `counts` (n,) times if given."""
    weights = torch.ones(len(features)).double() if counts is None else counts
    n = float(weights.sum())
    parts = list(zip(features.split(ROWS), weights.split(ROWS), strict=True))
    mean = sum((w @ x.double() for x, w in parts), torch.zeros(1).double()) / n
    covariance = torch.zeros(len(mean), len(mean), dtype=torch.float64)
    for x, w in parts:
        centred = x.double() - mean
        covariance += (centred * w[:, None]).T @ centred
    return Gaussian(mean, covariance / (n - 1))


def frechet_distance(a: Gaussian, b: Gaussian) -> float:
    """|m_a - m_b|^2 + tr(S_a + S_b - 2 (S_a S_b)^(1/2)), the squared distance, as is usual.

    The trace of the root comes from the symmetric S_a^(1/2) S_b S_a^(1/2), which has the same
    eigenvalues as S_a S_b: no complex numbers, and singular covariances (few images) are fine.
    """
    values, vectors = torch.linalg.eigh(a.covariance)
    root = vectors * values.clamp(min=0).sqrt() @ vectors.T
    eigenvalues = torch.linalg.eigvalsh(root @ b.covariance @ root)
    traces = a.covariance.trace() + b.covariance.trace()
    shift = (a.mean - b.mean).square().sum()
    return max(0.0, float(shift + traces - 2 * eigenvalues.clamp(min=0).sqrt().sum()))


def frechet(features: Tensor, labels: np.ndarray, reference: Gaussian, seed: int) -> Estimate:
    """The distance of features (n, d) from a reference, with a bootstrap interval."""

    def statistic(counts: np.ndarray) -> float:
        return frechet_distance(fit_gaussian(features, torch.from_numpy(counts)), reference)

    value = frechet_distance(fit_gaussian(features), reference)
    return bootstrap(value, statistic, labels, seed, (0.0, np.inf))
