"""Real digits score as real, whatever their labels: classes are weighed to the data's mix."""

import json

import numpy as np
import pytest
import torch

from inkseed.data import split_mnist
from inkseed.evaluation import EvaluatedSet, evaluate
from inkseed.evaluation.frechet import fit_gaussian, frechet, frechet_distance
from inkseed.evaluation.intervals import Estimate, resamples
from inkseed.evaluation.kernel import KernelReference
from inkseed.evaluation.metrics import Metric
from inkseed.evaluation.mix import Mix, count_digits, effective_size
from inkseed.evaluation.sets import natural_labels

N = 400
WEIGHED = {"frechet", "kernel", "slant", "thickness"}


@pytest.fixture(scope="module")
def validation():
    return split_mnist().validation


@pytest.fixture(scope="module")
def mix():
    return Mix.of(split_mnist().part_a.labels)


def drawn(labels: np.ndarray, kind: str, seed: int, n: int = N) -> np.ndarray:
    """Indices of n labels: drawn at random, as many of each digit, or every other one a 1."""
    rng = np.random.default_rng(seed)
    if kind == "at random":
        return rng.choice(len(labels), n, replace=False)
    each = np.full(10, n // 10)
    if kind == "half are 1":
        each = np.where(np.arange(10) == 1, n // 2, n // 18)
    if kind == "one is 4":
        each[4] = 1
    own = [np.flatnonzero(labels == digit) for digit in range(10)]
    return np.concatenate(
        [rng.choice(rows, k, replace=False) for rows, k in zip(own, each, strict=True)]
    )


def test_weights_bring_labels_to_the_mix(validation, mix):
    assert mix.holds(natural_labels(60_000))
    for n in (20, 33, 500, 10_000):
        assert mix.holds(natural_labels(n))
    for kind in ("at random", "as many of each", "half are 1", "one is 4"):
        labels = validation.labels[drawn(validation.labels, kind, 0)]
        assert not mix.holds(labels), kind
        weights = mix.weights(labels)
        assert np.bincount(labels, weights) / len(labels) == pytest.approx(mix.shares), kind
        stand_ins = validation.labels[mix.like(labels, validation.labels)]
        assert np.array_equal(np.sort(stand_ins), np.sort(labels)), kind
    without = labels[labels != 3]
    shares = np.bincount(without, mix.weights(without)) / mix.weights(without).sum()
    assert shares[3] == 0
    assert shares[7] / shares[8] == pytest.approx(mix.shares[7] / mix.shares[8])
    assert (validation.labels[mix.like(without, validation.labels)] == 3).sum() > 0.1 * len(without)
    assert count_digits(validation.labels[mix.like(np.full(9000, 6), validation.labels)])[6] == (
        (validation.labels == 6).sum()
    )


def test_effective_size():
    assert effective_size(np.full(7, 0.3)) == pytest.approx(7)
    assert effective_size(np.array([1.0, 1.0, 1e-9])) == pytest.approx(2)


def test_a_weighted_gaussian_is_numpys():
    rng = np.random.default_rng(0)
    x, counts, weights = rng.normal(size=(50, 4)), rng.integers(0, 4, 50), rng.random(50) + 0.1
    found = fit_gaussian(
        torch.from_numpy(x), torch.from_numpy(counts).double(), torch.from_numpy(weights)
    )
    expected = np.cov(x.T, fweights=counts, aweights=weights)
    assert found.covariance.numpy() == pytest.approx(expected)
    assert found.mean.numpy() == pytest.approx(np.average(x, 0, counts * weights))
    plain = fit_gaussian(torch.from_numpy(x))
    assert plain.covariance.numpy() == pytest.approx(np.cov(x.T))
    same = fit_gaussian(torch.from_numpy(x), weights=torch.full((50,), 3.0).double())
    assert same.covariance.numpy() == pytest.approx(np.cov(x.T))


def test_a_weighted_kernel_distance_is_the_sum_over_pairs():
    rng = np.random.default_rng(1)
    x, y, w = rng.normal(size=(30, 5)), rng.normal(size=(40, 5)), rng.random(30) + 0.1

    def kernel(a, b):
        return (a @ b.T / 5 + 1) ** 3

    def over_pairs(a, weights):
        pairs = np.outer(weights, weights) * (1 - np.eye(len(a)))
        return (pairs * kernel(a, a)).sum() / pairs.sum()

    expected = (
        over_pairs(x, w) + over_pairs(y, np.ones(40)) - 2 * (w @ kernel(x, y)).mean() / w.sum()
    )
    reference, labels = KernelReference(torch.from_numpy(y)), np.arange(30) % 3
    found = reference.distance(torch.from_numpy(x), labels, 0, w)
    assert found.value == pytest.approx(expected)
    plain = reference.distance(torch.from_numpy(x), labels, 0)
    same = reference.distance(torch.from_numpy(x), labels, 0, np.full(30, 0.2))
    assert same == pytest.approx(plain, rel=1e-4)


@pytest.mark.parametrize("kind", ["at random", "as many of each", "half are 1", "one is 4"])
def test_real_digits_score_as_real(ready, validation, kind):
    for seed in range(2 if kind == "at random" else 1):
        source = validation.subset(drawn(validation.labels, kind, seed))
        found = evaluate([EvaluatedSet(source)]).sets[0]
        frechet = found.metrics["frechet"]
        assert frechet.excess.low <= 0 <= frechet.excess.high
        assert kind == "one is 4" or frechet.value < 0.2  # 0.3 to 11 if all weigh the same
        for name, metric in found.metrics.items():
            reach = (metric.high - metric.low + metric.baseline_high - metric.baseline_low) / 2
            assert abs(metric.value - metric.baseline) <= reach, name
        described = found.as_json()
        assert described["label_mix"]["weighed"]
        assert described["label_mix"]["effective_n"] < N
        assert described["label_mix"]["baseline_n"] == len(source)
        weighed = {name for name, each in described["metrics"].items() if each["weighed"]}
        assert weighed == WEIGHED
        assert sum("not in MNIST's mix" in note for note in found.notes) == 1
        assert any("one image of 4" in note for note in found.notes) == (kind == "one is 4")


def test_the_datas_own_mix_is_left_as_it_is(ready, validation, real_digits):
    rows = [np.flatnonzero(validation.labels == digit) for digit in range(10)]
    counts = count_digits(natural_labels(400))
    chosen = np.concatenate([own[:n] for own, n in zip(rows, counts, strict=True)])
    found = evaluate([EvaluatedSet(validation.subset(chosen))]).sets[0]
    plain = fit_gaussian(real_digits.held_out_judged.features[chosen])
    expected = frechet_distance(plain, real_digits.reference.gaussian)
    assert found.metrics["frechet"].value == pytest.approx(expected, rel=1e-4)  # other batches
    assert found.as_json()["label_mix"] == {
        **{"weighed": False, "effective_n": 400.0},
        **{"baseline_n": 400, "baseline_effective_n": 400.0},
    }
    assert not found.notes


def test_the_mix_is_told_wherever_people_read(ready, inkseed, validation, tmp_path):
    for name, kind in (("mixed", "at random"), ("even", "half are 1")):
        rows = drawn(validation.labels, kind, 0, 200)
        arrays = {"images": validation.images[rows], "labels": validation.labels[rows]}
        np.savez(tmp_path / f"{name}.npz", **arrays)
    page = tmp_path / "page.html"
    table = inkseed("evaluate", tmp_path / "mixed.npz", "--out", page).out
    for text in (table, page.read_text("utf-8").replace("&#39;", "'")):
        assert "Fréchet distance *" in text
        assert "kernel distance x1000 *" in text
        assert "precision *" not in text
        assert "above real" in text
        assert "not in MNIST's mix" in " ".join(text.split())
        assert "a finite number of images adds about" in " ".join(text.split())
    found = json.loads(inkseed("evaluate", tmp_path / "even.npz", "--json").out)
    excess, frechet = found["metrics"]["frechet"]["excess"], found["metrics"]["frechet"]
    assert excess["value"] == pytest.approx(frechet["value"] - frechet["baseline"])
    assert excess["low"] < excess["value"] < excess["high"]
    assert found["label_mix"]["effective_n"] == pytest.approx(123, abs=3)


def test_an_image_alone_with_its_label_is_drawn_as_if_from_all():
    labels = np.array([3] * 30 + [8])
    lone = [counts[-1] for counts in resamples(labels, 0)]
    assert np.mean(lone) == pytest.approx(1, abs=0.25)
    assert np.var(lone) == pytest.approx(1, abs=0.4)
    assert all(counts[:-1].sum() == 30 for counts in resamples(labels, 0))


def share_with_nothing_above_real(
    validation, mix, real_digits, kind: str, n: int, draws: int
) -> float:
    """In how many draws of n real digits the interval of what lies above real holds 0."""
    features, gaussian = real_digits.held_out_judged.features, real_digits.reference.gaussian

    def distance(rows: np.ndarray) -> Estimate:
        labels = validation.labels[rows]
        return frechet(features[rows], labels, gaussian, 0, mix.weights(labels))

    held = 0
    for seed in range(draws):
        rows = drawn(validation.labels, kind, seed, n)
        real = mix.like(validation.labels[rows], validation.labels)
        excess = Metric(*distance(rows), *distance(real)).excess
        held += excess.low <= 0 <= excess.high
    return held / draws


def test_nothing_lies_above_real_for_labels_drawn_at_random(validation, mix, real_digits):
    assert share_with_nothing_above_real(validation, mix, real_digits, "at random", 300, 8) == 1


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["at random", "as many of each", "half are 1", "one is 4"])
def test_nothing_lies_above_real_for_a_thousand(validation, mix, real_digits, kind):
    share = share_with_nothing_above_real(validation, mix, real_digits, kind, 1_000, 100)
    assert share >= 0.8  # not 0.95: one and the same draw of real digits stands beside all
