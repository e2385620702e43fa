"""The metrics against public libraries, closed forms and known answers."""

import numpy as np
import prdc
import pytest
import torch
from scipy import stats
from torchmetrics.image.fid import FrechetInceptionDistance
from torchmetrics.image.kid import KernelInceptionDistance

from inkseed.data import split_mnist
from inkseed.evaluation.frechet import Gaussian, fit_gaussian, frechet, frechet_distance
from inkseed.evaluation.intervals import T_4, Z, bootstrap_mean, paired_t, resamples, wilson
from inkseed.evaluation.kernel import KernelReference
from inkseed.evaluation.memorisation import HeldOut, closer_share
from inkseed.evaluation.mix import choose
from inkseed.evaluation.neighbours import Draws, Neighbourhood, compare, nearest, radii
from inkseed.judges import JudgeB


@pytest.fixture(scope="module", params=["random", "real"])
def two_sets(request) -> tuple[torch.Tensor, torch.Tensor]:
    """Features of two sets of 600: correlated Gaussians, and judge B's of real digits."""
    if request.param == "random":
        generator = torch.Generator().manual_seed(3)
        mix = torch.randn(32, 32, generator=generator) / 4
        a = torch.randn(600, 32, generator=generator) @ mix
        return a, torch.randn(600, 32, generator=generator) @ mix * 1.2 + 0.3
    split, judge = split_mnist(), JudgeB()
    even = split.validation.labels % 2 == 0
    return (
        judge.read(split.part_a.images[:600])[1],
        judge.read(split.validation.images[even][:600])[1],
    )


class Identity(torch.nn.Module):
    """torchmetrics' custom feature module, for features that are made already."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.num_features = width

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.flatten(1)


def one_label(features) -> np.ndarray:
    return np.zeros(len(features), np.int64)


def fed(metric, real: torch.Tensor, fake: torch.Tensor):
    metric.set_dtype(torch.float64)
    metric.update(real.double()[:, :, None, None], real=True)
    metric.update(fake.double()[:, :, None, None], real=False)
    return metric


def test_frechet_agrees_with_torchmetrics(two_sets):
    a, b = two_sets
    size = (a.shape[1], 1, 1)
    theirs = FrechetInceptionDistance(feature=Identity(a.shape[1]), input_img_size=size)
    ours = frechet(b, one_label(b), fit_gaussian(a), seed=0)
    assert ours.value == pytest.approx(float(fed(theirs, a, b).compute()), rel=1e-3)
    assert ours.low < ours.value < ours.high


def test_kernel_distance_agrees_with_torchmetrics(two_sets):
    a, b = two_sets
    theirs = KernelInceptionDistance(feature=Identity(a.shape[1]), subsets=1, subset_size=len(a))
    ours = KernelReference(a).distance(b, one_label(b), seed=0)
    assert ours.value == pytest.approx(float(fed(theirs, a, b).compute()[0]), rel=1e-3)


def neighbourhood(features):
    return Neighbourhood(features, one_label(features), radii(features))


def once(*sides):
    """A resample in which each image of both sides is drawn once."""
    return Draws(*(torch.ones(len(side), 1).double() for side in sides))


def test_manifolds_agree_with_prdc(two_sets):
    a, b = two_sets
    theirs = prdc.compute_prdc(a.double().numpy(), b.double().numpy(), nearest_k=5)
    _, ours = compare(b, neighbourhood(a), once(b, a))
    for name, found in ours.items():
        assert found.value == pytest.approx(theirs[name], rel=1e-3), name
        assert found.replicates == pytest.approx(found.value)  # each image drawn once


def test_frechet_distance_of_gaussians_has_a_closed_form():
    deviations = torch.tensor([[1.0, 2.0, 0.5], [1.5, 0.1, 0.5]], dtype=torch.float64)
    turn = torch.linalg.qr(torch.randn(3, 3, generator=torch.Generator().manual_seed(0)))[0]
    turn = turn.double()
    a, b = (turn @ torch.diag(row**2) @ turn.T for row in deviations)
    shift = torch.tensor([0.3, -1.0, 2.0], dtype=torch.float64)
    expected = float(shift.square().sum() + (deviations[0] - deviations[1]).square().sum())
    found = frechet_distance(Gaussian(torch.zeros(3).double(), a), Gaussian(shift, b))
    assert found == pytest.approx(expected, rel=1e-6)


def test_frechet_distance_of_shifted_samples():
    generator = torch.Generator().manual_seed(1)
    a = torch.randn(20_000, 4, generator=generator)
    b = torch.randn(20_000, 4, generator=generator) + 1.5
    found = frechet(b, one_label(b), fit_gaussian(a), seed=0)
    assert found.value == pytest.approx(4 * 1.5**2, rel=0.03)
    assert found.low < 9 < found.high


def test_few_images_leave_a_singular_covariance_finite():
    generator = torch.Generator().manual_seed(2)
    few = torch.randn(20, 64, generator=generator)
    assert np.isfinite(
        frechet(few, one_label(few), fit_gaussian(torch.randn(99, 64, generator=generator)), 0)
    ).all()


def test_identical_sets(two_sets):
    a, _ = two_sets
    assert frechet_distance(fit_gaussian(a), fit_gaussian(a)) < 1e-5
    assert (
        KernelReference(a).distance(a, one_label(a), seed=0).value <= 0
    )  # unbiased: below 0 for the same set
    found, _ = compare(a, neighbourhood(a), once(a, a))
    for name in ("precision", "recall", "coverage"):
        assert getattr(found, name).mean() == 1
    assert nearest(a, a)[0].max() == 0


def test_bootstrap_of_the_kernel_distance_sees_the_sampling_spread():
    generator = torch.Generator().manual_seed(4)
    reference = KernelReference(torch.randn(500, 8, generator=generator))
    found = [
        reference.distance(torch.randn(200, 8, generator=generator) + 0.3, np.zeros(200, int), 0)
        for _ in range(30)
    ]
    spread = np.std([each.value for each in found], ddof=1)
    claimed = np.mean([(each.high - each.low) / (2 * Z) for each in found])
    assert 0.6 < claimed / spread < 1.7


@pytest.mark.parametrize(("right", "n"), [(0, 20), (20, 20), (17, 20), (9950, 10_000), (1, 3)])
def test_wilson_agrees_with_scipy(right, n):
    theirs = stats.binomtest(right, n).proportion_ci(method="wilson")
    ours = wilson(right, n)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-6)


def test_the_other_intervals():
    values = np.random.default_rng(0).normal(2.0, 3.0, 4000)
    found = bootstrap_mean(values, one_label(values), 0, (-np.inf, np.inf))
    assert (found.high - found.low) / 2 == pytest.approx(Z * 3 / 4000**0.5, rel=0.15)
    assert bootstrap_mean(np.ones(50), np.arange(50) % 3, 0, (0, 1)) == wilson(50, 50)
    assert stats.t.ppf(0.975, 4) == pytest.approx(T_4, abs=1e-6)
    differences = [0.1, 0.3, 0.2, 0.4, 0.0]
    low, high = stats.ttest_1samp(differences, 0).confidence_interval()
    assert paired_t(differences) == pytest.approx((0.2, low, high), rel=1e-5)


def test_closer_share_ranks_within_the_class():
    held_out = HeldOut(np.array([1.0, 2.0, 3.0, 4.0, 10.0, 20.0]), np.array([0, 0, 0, 0, 1, 1]))
    shares = closer_share(np.array([0.0, 2.5, 9.0, 9.0, 2.0]), np.array([0, 0, 0, 1, 0]), held_out)
    assert shares.tolist() == [1.0, 0.5, 0.0, 1.0, 0.625]


def test_resampling_keeps_every_labels_share():
    labels = np.array([7] * 5 + [2] * 3 + [7] * 4 + [9] * 2)
    for counts in resamples(labels, 0):
        assert [int(counts[labels == label].sum()) for label in (2, 7, 9)] == [3, 9, 2]
    assert len({tuple(counts) for counts in resamples(labels, 0)}) > 100


def test_a_chosen_sample_keeps_the_proportions():
    labels = np.random.default_rng(0).choice(10, 5000, p=np.arange(1, 11) / 55)
    chosen = choose(labels, 500)
    assert len(np.unique(chosen)) == 500
    share = np.bincount(labels, minlength=10) / 10
    assert (abs(np.bincount(labels[chosen], minlength=10) - share) <= 1).all()
