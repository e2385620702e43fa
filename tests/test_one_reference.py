"""`evaluate` and the study measure with one reference, and resample both sides of a comparison."""

import numpy as np
import pytest
import torch

from inkseed.data import split_mnist
from inkseed.evaluation import EvaluatedSet, evaluate
from inkseed.evaluation.intervals import stacked_resamples
from inkseed.evaluation.neighbours import Draws, Neighbourhood, compare, radii
from inkseed.evaluation.reference import Reference
from inkseed.study.ruler import METRICS, Ruler

N, SETS = 200, 25
NAMES = ("precision", "density", "recall", "coverage")


def test_the_study_measures_what_evaluate_does(ready):
    validation = split_mnist().validation
    source = validation.subset(np.arange(150))
    found = evaluate([EvaluatedSet(source)]).sets[0].metrics
    row = Ruler(source.labels, Reference.shared()).measure(source.images)
    for name in METRICS:
        assert row.values[name] == found[name].value
        assert row.estimate(name) == pytest.approx(found[name][:3]), name


def test_intervals_see_the_luck_of_both_sides():
    """Over many pairs of sets, figures spread as the intervals say: not half as much again."""
    generator, alike = torch.Generator().manual_seed(0), np.zeros(N, np.int64)
    draws = Draws(stacked_resamples(alike, 0), stacked_resamples(alike, 1))
    values = {name: [] for name in NAMES}
    claimed = {name: [] for name in NAMES}
    for _ in range(SETS):
        real = torch.randn(N, 8, generator=generator)
        features = 0.9 * torch.randn(N, 8, generator=generator) + 0.5
        _, found = compare(features, Neighbourhood(real, alike, radii(real)), draws)
        for name in NAMES:
            values[name].append(found[name].value)
            claimed[name].append(np.std(found[name].replicates, ddof=1))
    for name in NAMES:  # with one side alone: 0.5 to 0.75
        assert 0.8 < np.mean(claimed[name]) / np.std(values[name], ddof=1) < 1.8, name


def test_a_part_of_the_draws_gives_what_that_part_would():
    """A resample without some images is the comparison without them, with the balls kept."""
    generator = torch.Generator().manual_seed(1)
    real, features = torch.randn(2, 60, 4, generator=generator)
    own, theirs = (torch.from_numpy(np.random.default_rng(k).integers(0, 3, 60)) for k in range(2))
    alike = np.zeros(60, np.int64)
    neighbourhood = Neighbourhood(real, alike, radii(real))
    draws = Draws(own[:, None].double(), theirs[:, None].double())
    _, found = compare(features, neighbourhood, draws)
    distance = torch.cdist(features.double(), real.double())
    rows = torch.repeat_interleave(torch.arange(60), own)
    columns = torch.repeat_interleave(torch.arange(60), theirs)
    in_real = (distance < radii(real))[rows][:, columns]
    in_own = (distance < radii(features)[:, None])[rows][:, columns]
    expected = {
        "precision": in_real.any(1).double().mean(),
        "density": in_real.double().sum(1).mean() / 5,
        "recall": in_own.any(0).double().mean(),
        "coverage": in_real.any(0).double().mean(),
    }
    for name in NAMES:
        assert found[name].replicates[0] == pytest.approx(float(expected[name])), name
