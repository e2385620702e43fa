"""Noise strategies: what each image costs, and what its noise depends on."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from inkseed.errors import InkseedError
from inkseed.model.model import Model
from inkseed.noise import (
    CHANGED,
    SAME,
    available,
    find_strategy,
)
from tests.noise_tasks import FREE, NAMES, SEARCHING, counting, small


@pytest.fixture(scope="module")
def model(tiny_model) -> Model:
    return small(tiny_model)


def test_the_strategies_are_those_of_the_design():
    assert sorted(available()) == sorted(NAMES)
    assert {find_strategy(name).kind for name in FREE} == {SAME, CHANGED}
    assert all(find_strategy(name).summary.endswith(".") for name in NAMES)


@settings(deadline=None, max_examples=50)
@given(
    name=st.sampled_from(NAMES),
    count=st.integers(1, 4),
    candidates=st.integers(1, 4),
    guide_w=st.sampled_from([0.0, 1.5]),
    sampler=st.sampled_from(["dpm_solver", "dpm_solver_sde", "heun", "ancestral"]),
    batch_size=st.integers(1, 5),
)
def test_every_evaluation_is_counted_and_the_dry_run_foretells_them(
    tiny_model, name, count, candidates, guide_w, sampler, batch_size
):
    model, heard = small(tiny_model), []
    counted = counting(model)
    how = (guide_w, sampler, 2)
    tried = candidates if name in SEARCHING else None
    cost = model.cost(*how, name, tried)
    assert counted[0] == 0
    drawn = model.sample(
        *(range(count), 5, *how),
        noise=name,
        candidates=tried,
        budget=cost,
        batch_size=batch_size,
        on_evaluations=heard.append,
    )
    assert drawn.nfe == cost
    assert cost * count == counted[0] == sum(heard)
    if cost > 1:
        with pytest.raises(InkseedError, match="budget"):
            model.sample([1], 5, *how, noise=name, candidates=tried, budget=cost - 1)


@pytest.mark.parametrize("name", NAMES)
def test_an_images_noise_hangs_on_its_seed_and_number_alone(model, name):
    labels, how = [3, 1, 4, 1, 5], {"noise": name, "steps": 3, "guide_w": 0.0}
    if name in SEARCHING:
        how["candidates"] = 3
    whole = model.sample(labels, 7, **how)
    batched = model.sample(labels, 7, **how, batch_size=3)
    part = model.sample(labels[2:], 7, **how, first=2)
    assert whole.noise.shape == (5, 1, 8, 8)
    # rounding differs between batches, and what gradients make of it
    allowed = 0 if name in FREE else 1e-3
    assert (whole.noise - batched.noise).square().mean() <= allowed
    assert (whole.noise[2:] - part.noise).square().mean() <= allowed
    assert not torch.equal(whole.noise, model.sample(labels, 8, **how).noise)


@pytest.mark.parametrize("sampler", ["ddim", "dpm_solver_sde"])
@pytest.mark.parametrize("name", ["best_of", "early_prune", "zero_order", "stability"])
def test_the_image_is_what_its_noise_becomes(model, name, sampler):
    """For the image's own stream; a candidate's stream is not the caller's to give again."""
    drawn = model.sample([0, 1, 2], 3, 0.0, sampler, 5, noise=name, candidates=4)
    if sampler == "ddim" or name == "zero_order":
        again = model.sample([0, 1, 2], 3, 0.0, sampler, 5, noise=drawn.noise)
        gap = again.images.astype(int) - drawn.images.astype(int)
        assert np.abs(gap).max() <= 1
    one = model.sample([0, 1, 2], 3, 0.0, sampler, 5, noise=name, candidates=1)
    assert np.array_equal(one.images, model.sample([0, 1, 2], 3, 0.0, sampler, 5).images)


def test_an_images_number_has_an_end(model):
    with pytest.raises(InkseedError, match="first"):
        model.sample([1, 2], first=2**32 - 1, steps=2)
    assert model.sample([1], first=2**32 - 1, steps=2).seeds[0, 1] == 2**32 - 1


def test_the_command_line_knows_them_all(inkseed, tiny_model, tmp_path):
    words = " ".join(inkseed("write", "--help").out.split())
    out = tmp_path / "set.npz"
    for name in NAMES:
        assert name in words
        tried = ("--candidates", 2) if name in SEARCHING else ()
        command = ("sample", "--model", tiny_model, "--labels", "0-2", "--count", 1, "--steps", 2)
        assert inkseed(*command, "--out", out, "--noise", name, *tried).status == 0
    refused = inkseed(*command, "--out", out, "--noise", "best")
    assert refused.status == 2
    assert "gaussian" in refused.err
    refused = inkseed(*command, "--out", out, "--candidates", 3)
    assert refused.status == 2
    assert "search" in refused.err
