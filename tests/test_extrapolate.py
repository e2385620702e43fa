"""The Fréchet distance at infinite N, and the limits that no interval leaves."""

import numpy as np
import pytest
import torch

from inkseed.data import LabelledImages, split_mnist
from inkseed.evaluation import EvaluatedSet, evaluate, intervals, measure
from inkseed.evaluation.extrapolate import LEAST, endless_frechet
from inkseed.evaluation.frechet import Gaussian, fit_gaussian, frechet_distance
from inkseed.evaluation.intervals import paired_t, wilson
from inkseed.evaluation.metrics import Metric
from inkseed.evaluation.reference import Reference
from inkseed.study.ruler import METRICS, Ruler

D = 24
SHARES = {"accuracy", "precision", "recall", "coverage", "near_copies"}
SHARES |= {"memorisation", "memorisation_features"}


@pytest.mark.parametrize(("shift", "scale"), [(0.0, 1.0), (0.1, 1.0), (0.0, 1.2)])
def test_a_line_over_1_over_n_ends_at_the_known_distance(shift, scale, monkeypatch):
    monkeypatch.setattr(intervals, "RESAMPLES", 20)
    generator = torch.Generator().manual_seed(0)
    reference = Gaussian(torch.zeros(D).double(), torch.eye(D).double())
    truth = D * (shift**2 + (scale - 1) ** 2)
    raw, found = [], []
    for seed in range(30):
        x = torch.randn(LEAST, D, generator=generator).double() * scale + shift
        labels = np.random.default_rng(seed).integers(0, 10, LEAST)
        found.append(endless_frechet(x, labels, reference, seed, np.ones(LEAST)))
        raw.append(frechet_distance(fit_gaussian(x), reference))
    values = np.array([each.value for each in found])
    luck = values.std(ddof=1) / len(values) ** 0.5
    assert np.mean(raw) - truth > 2 * luck + 0.05
    assert abs(values.mean() - truth) < 3 * luck
    assert luck < 0.02
    assert sum(each.low <= truth <= each.high for each in found) >= 26


def test_weights_are_heeded():
    generator = torch.Generator().manual_seed(1)
    reference = Gaussian(torch.zeros(D).double(), torch.eye(D).double())
    labels = np.repeat([0, 1], [3000, 1000])
    shift = torch.from_numpy(np.where(labels == 0, 2.0, -2.0))
    x = torch.randn(4000, D, generator=generator).double()
    x[:, 0] = x[:, 0] / 10 + shift / 2  # of even halves, the mean is 0 and the variance 1.01
    even = endless_frechet(x, labels, reference, 0, np.where(labels == 0, 2 / 3, 2.0))
    as_is = endless_frechet(x, labels, reference, 0, np.ones(4000))
    assert abs(even.value) < 0.02
    assert as_is.value > 0.2


def test_what_lies_above_real():
    found = Metric(0.5, 0.2, 0.8, 0.1, 0.0, 0.5).excess
    assert found == pytest.approx((0.4, -0.1, 0.9))  # reaches of 0.3 and 0.4 make one of 0.5


def test_a_large_set_is_told_at_infinite_n(ready, monkeypatch):
    monkeypatch.setattr(measure, "LEAST", 600)  # of the 2,000, to be quick
    validation = split_mnist().validation
    few, many = (
        evaluate([EvaluatedSet(validation.subset(np.arange(n)))]).sets[0].metrics
        for n in (400, 700)
    )
    assert "frechet_endless" not in few
    endless, frechet = many["frechet_endless"], many["frechet"]
    assert endless.low < 0.03 < endless.high  # other hands than part A's
    assert endless.value < frechet.value - 0.02  # of the 35 / 700 by which few are too far
    assert list(many).index("frechet_endless") == list(many).index("frechet") + 1


@pytest.mark.parametrize("right", [True, False])
def test_no_share_leaves_its_limits(ready, right):
    validation = split_mnist().validation
    rows = np.concatenate([np.flatnonzero(validation.labels == digit)[:2] for digit in range(10)])
    source = validation.subset(rows)
    labels = source.labels if right else (source.labels + 1) % 10
    found = evaluate(
        [EvaluatedSet(LabelledImages(source.images, labels, source.class_names))]
    ).sets[0]
    assert found.metrics["accuracy"].value == right
    for name in SHARES:
        metric = found.metrics[name]
        assert 0 <= metric.low <= metric.value <= metric.high <= 1, name
        assert metric.low < metric.high, name  # 20 images are never proof
        assert 0 <= metric.baseline_low <= metric.baseline <= metric.baseline_high <= 1, name


def test_no_share_of_the_study_leaves_its_limits():
    validation = split_mnist().validation
    rows = np.concatenate([np.flatnonzero(validation.labels == digit)[:2] for digit in range(10)])
    ruler = Ruler(validation.labels[rows], Reference.shared())
    wrong = np.roll(validation.images[rows], 2, 0)
    half = np.where((np.arange(20) % 2)[:, None, None] == 0, validation.images[rows], wrong)
    found = [ruler.measure(images) for images in (validation.images[rows], wrong, half)]
    assert [each.values["accuracy"] for each in found] == [1, 0, 0.5]
    for one in found:
        assert one.estimate("accuracy") == wilson(int(one.right.sum()), 20)
        for name in METRICS:
            estimate = one.estimate(name)
            assert 0 <= estimate.low <= estimate.value <= estimate.high
            assert name == "frechet" or (estimate.high <= 1 and estimate.low < estimate.high)
            for other in found:
                low, high = one.minus(other, name)[1:]
                assert low <= one.values[name] - other.values[name] <= high
                assert name == "frechet" or -1 <= low <= high <= 1


def test_a_difference_of_shares_stays_one():
    assert paired_t([0.9, 1.0, 0.4, 1.0, 1.0]).high == 1
    assert paired_t([-0.9, -1.0, -0.4, -1.0, -1.0]).low == -1
