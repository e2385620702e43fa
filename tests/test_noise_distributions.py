"""Strategies that choose the noise without looking: the distributions that they promise."""

import itertools
import math

import pytest
import scipy.stats
import torch

from inkseed.noise import (
    find_strategy,
)
from inkseed.noise.changed import Spectral, Truncated
from inkseed.noise.same import KAntithetic
from tests.noise_tasks import NAMES, SEEDS, many, task_of


@pytest.mark.parametrize(
    "strategy",
    [*(find_strategy(name).choose for name in NAMES[:4]), KAntithetic(2), KAntithetic(7)],
)
def test_strategies_of_the_same_distribution_have_standard_normal_marginals(strategy):
    z = many(strategy)
    assert z.shape == (SEEDS, 8, 16)
    for image in range(8):  # over seeds each image's values are independent draws of N(0, I)
        values = z[:, image].flatten().numpy()
        assert scipy.stats.kstest(values, "norm").pvalue > 1e-4
        covariance = torch.cov(z[:, image].T)
        # each entry's standard error is 1 / sqrt(seeds), sqrt(2 / seeds) on the diagonal
        assert (covariance - torch.eye(16)).abs().max() < 4.5 * math.sqrt(2 / SEEDS)


def test_k_antithetic_noises_sum_to_zero_and_correlate_as_they_must():
    z = many(KAntithetic(4))
    groups = z.view(SEEDS, 2, 4, 16)
    assert groups.sum(2).abs().max() < 1e-5
    for i, j in itertools.combinations(range(4), 2):
        correlation = float((groups[:, :, i] * groups[:, :, j]).mean())
        assert correlation == pytest.approx(-1 / 3, abs=4 / math.sqrt(groups[:, :, 0].numel()))
    across = float((groups[:, 0, :1] * groups[:, 1]).mean())
    assert abs(across) < 0.03
    cut = KAntithetic(4)(task_of(range(6)))
    assert torch.equal(cut, KAntithetic(4)(task_of(range(8)))[:6])


@pytest.mark.parametrize("square", [0.0, 0.3, 2.0])
def test_antithetic_pairs_change_the_variance_of_a_mean_as_theory_says(square):
    """f(z) = z + square z^2 has variance 1 + 2 square^2; f(z) and f(-z) share the square alone.

    So the mean over pairs has (1 + rho) times the variance of independent draws', with
    rho = (2 square^2 - 1) / (2 square^2 + 1).
    """
    z = many(find_strategy("antithetic").choose, seeds=1000)
    means = (z + square * z**2).mean(1).flatten()  # of 8 images, 16,000 times
    rho = (2 * square**2 - 1) / (2 * square**2 + 1)
    theory = (1 + 2 * square**2) * (1 + rho) / 8
    found = float(means.var())
    assert found == pytest.approx(theory, rel=0.06, abs=1e-12)


def test_sobol_points_fill_every_dimension_evenly():
    z = find_strategy("sobol").choose(task_of(range(64)))
    cells = (torch.special.ndtr(z.double()) * 64).floor().long().flatten(1)
    assert all(sorted(column.tolist()) == list(range(64)) for column in cells.T)
    assert torch.equal(find_strategy("sobol").choose(task_of(range(5, 9))), z[5:9])


def test_truncation_keeps_signs_and_limits_and_has_the_known_variance():
    z = many(Truncated(2.0))
    plain = many(find_strategy("gaussian").choose)
    assert z.abs().max() <= 2
    assert torch.equal(z.sign(), plain.sign())
    known_variance = scipy.stats.truncnorm(-2, 2).var()
    assert float(z.var()) == pytest.approx(known_variance, rel=0.02)
    assert scipy.stats.kstest(z.flatten().numpy(), scipy.stats.truncnorm(-2, 2).cdf).pvalue > 1e-4


@pytest.mark.parametrize("tilt", [-0.5, 0.05, 1.0])
def test_spectral_shaping_keeps_each_pixels_variance_and_tilts_the_spectrum(tilt):
    z = many(Spectral(tilt), seeds=1000, shape=(1, 8, 8)).view(-1, 8, 8)
    assert float(z.var()) == pytest.approx(1, rel=0.02)
    power = torch.fft.fft2(z).abs().square().mean(0)
    ratio = float(power[0, 1] / power[4, 4])
    expected = (2 / (1 + math.sqrt(32))) ** (-2 * tilt)
    assert ratio == pytest.approx(expected, rel=0.1)
    assert torch.allclose(
        many(Spectral(0.0), 2), many(find_strategy("gaussian").choose, 2), atol=1e-5
    )
