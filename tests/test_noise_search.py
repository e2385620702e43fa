"""Strategies that search: stability, what a judge likes, gradients, particles."""

import math

import numpy as np
import pytest
import torch

from inkseed.diffusion.schedule import Flow, LinearBetas, VarianceExploding, times
from inkseed.errors import InkseedError
from inkseed.model.model import Model
from inkseed.noise import (
    find_strategy,
    judge_a,
)
from inkseed.noise.fk_steering import _resample
from inkseed.noise.search import neighbours
from inkseed.noise.stability import cosine, ddim_stability, renoise_stability
from inkseed.rng import normals
from inkseed.samplers import invert_fixed_point
from tests.analytic import GaussianMixture
from tests.noise_tasks import small, task_of


@pytest.fixture(scope="module")
def model(tiny_model) -> Model:
    return small(tiny_model)


@pytest.mark.parametrize(
    "schedule", [LinearBetas((1e-4, 0.02), 400), VarianceExploding(20.0), Flow()]
)
def test_ddims_stability_tends_to_one_and_renoisings_stays_at_chance(schedule):
    mixture = GaussianMixture.example(spread=0.5, deviation=0.4)
    task = task_of(
        *(range(300), (1, 4, 4), 1, schedule, mixture.denoiser(schedule), 1),
        np.arange(300) % 3,
    )
    tries = task.tries()
    z, condition = tries.z.double(), tries.condition
    means = [float(ddim_stability(task.sampler, z, condition, n).mean()) for n in (4, 16, 64, 256)]
    assert means == sorted(means)
    assert means[-1] > 0.99
    assert 1 - means[-1] < (1 - means[-2]) / 2  # of first order at least
    chance = renoise_stability(task.sampler, tries, 16).double()
    assert abs(float(chance.mean())) < 3 * float(chance.std()) / math.sqrt(300)
    assert float(chance.std()) == pytest.approx(1 / math.sqrt(16), rel=0.15)


def test_an_exact_inverter_gives_stability_one():
    schedule = LinearBetas((1e-4, 0.02), 400)
    mixture = GaussianMixture.example(spread=0.5, deviation=0.4)
    task = task_of(range(20), seed=2, schedule=schedule, denoiser=mixture.denoiser(schedule))
    z = task.gaussian().double()
    x = task.sampler.ddim(z, 20)
    grid = times(schedule, 20, task.sampler.spacing)
    inverted = invert_fixed_point(task.sampler.plain, schedule, x, task.condition, grid, 1e-10, 500)
    *_, last = inverted
    assert float((1 - cosine(z, last.x)).abs().max()) < 1e-6


def test_the_most_stable_candidate_is_chosen():
    task = task_of(candidates=7)
    tries = task.tries()
    scores = ddim_stability(task.sampler, tries.z, tries.condition).view(6, 7)
    start = find_strategy("stability").choose(task)
    assert torch.equal(start.z, tries.z.view(6, 7, 1, 4, 4)[torch.arange(6), scores.argmax(1)])
    assert torch.equal(tries.z.view(6, 7, 1, 4, 4)[:, 0], task.gaussian())


def test_not_a_number_never_wins_and_the_first_of_equals_does():
    tries = task_of(numbers=range(2), candidates=3).tries()
    start = tries.best(torch.tensor([math.nan, 1.0, 1.0, math.nan, math.nan, math.nan]))
    assert start.keys == [(0, 1), (1,)]


def test_neighbours_keep_the_norm_and_lie_at_the_angle():
    z, aside = torch.randn(2, 9, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    near = neighbours(z, aside, 0.9)
    assert torch.allclose(near.flatten(1).norm(dim=1), z.flatten(1).norm(dim=1), rtol=1e-5)
    assert torch.allclose(cosine(z, near), torch.tensor(0.9), atol=1e-5)


def wish(task, x, labels):
    """A judge that likes pixels near 1, in closed form."""
    return -(x - 1).square().sum((1, 2, 3))


@pytest.mark.parametrize(
    "name", ["best_of", "zero_order", "early_prune", "fk_steering", "optim_judge"]
)
def test_a_search_finds_what_its_judge_likes_better_the_longer_it_looks(name, monkeypatch):
    monkeypatch.setattr(judge_a, "log_probability", wish)

    def liked(candidates):
        task = task_of(range(60), candidates=candidates, labels=np.full(60, 0))
        start = find_strategy(name).choose(task)
        x = start.x
        if x is None:
            x = task.sampler.images(start.z, start.keys or task.keys)
        return float(wish(task, x, task.labels).mean())

    few, some, more = liked(1), liked(6), liked(24)
    assert few < some < more


def test_gradient_steps_raise_stability_and_keep_the_norm():
    task = task_of(candidates=8)
    start = find_strategy("optim_stability").choose(task)
    before, after = (
        ddim_stability(task.sampler, z, task.condition) for z in (task.gaussian(), start.z)
    )
    assert (after >= before).all()
    assert float(after.mean()) > float(before.mean())
    norms = [z.flatten(1).norm(dim=1) for z in (task.gaussian(), start.z)]
    assert torch.allclose(*norms, rtol=1e-4)


def test_resampling_is_unbiased_and_rests_while_enough_particles_count():
    weights = torch.tensor([[0.05, 0.85, 0.1, 0.0]]).log().expand(4000, 4)
    draws = torch.rand(4000, 1, generator=torch.Generator().manual_seed(0))
    parents = _resample(weights, draws)
    children = torch.stack([(parents == k).sum(1) for k in range(4)], 1).double().mean(0)
    assert torch.allclose(children, 4 * weights[0].double().exp(), atol=0.05)
    even = _resample(torch.zeros(1, 4), draws[:1])
    assert even.tolist() == [[0, 1, 2, 3]]


def test_streams_of_candidates_are_their_own():
    tries = task_of(range(2), candidates=3).tries()
    assert tries.keys == [(0,), (0, 1), (0, 2), (1,), (1, 1), (1, 2)]
    assert np.array_equal(tries.z[4], normals(0, [(1, 1)], (1, 4, 4))[0])
    assert tries.condition.label.tolist() == tries.labels.tolist() == [0, 0, 0, 1, 1, 1]


@pytest.mark.parametrize("off", [torch.no_grad, torch.inference_mode])
def test_gradient_steps_work_where_the_caller_has_switched_gradients_off(model, off):
    plain = model.sample([1, 2], noise="optim_judge", steps=2, candidates=3)
    with off():
        found = model.sample([1, 2], noise="optim_judge", steps=2, candidates=3)
    assert torch.allclose(plain.noise, found.noise, atol=1e-3)


def test_judge_a_is_not_asked_about_other_classes(tiny_model):
    model = small(tiny_model)
    model.class_names = tuple("abcdefghij")
    with pytest.raises(InkseedError, match="judge A"):
        model.sample([1], noise="best_of", steps=2)
    assert model.sample([1], noise="stability", steps=2, candidates=2).nfe > 0
