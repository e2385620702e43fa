"""Evaluations are counted at the network, whoever asks for them and however it is wrapped."""

import numpy as np
import pytest
import torch

import inkseed
from inkseed.diffusion.counter import BACKWARD, Counter, OverspentError
from inkseed.errors import InkseedError
from inkseed.model.model import Model
from inkseed.noise import Start

W = 0.7
HOW = {"guide_w": 0.0, "sampler": "ddim", "steps": 3}


def small(path) -> Model:
    model = inkseed.load(path)
    model.image_size = (8, 8)
    return model


def rows_of(model: Model) -> list[int]:
    """Have a wrapper round the model's network note the rows of every pass, there and back."""
    rows: list[int] = []

    def network(x, *rest):
        rows.append(len(x))
        output = model.network(x, *rest)
        if output.requires_grad:
            output.register_hook(lambda gradient: rows.append(BACKWARD * len(gradient)))
        return output

    model.denoiser.network = network
    return rows


def autoguidance(good, bad):
    """Guidance by a worse version of the model (arXiv 2406.02507)."""
    return lambda x, t, c: (1 + W) * good(x, t, c) - W * bad(x, t, c)


@pytest.fixture
def pair(tiny_model):
    """A model, a worse one, and the rows that go through their networks."""
    model, bad = small(tiny_model), small(tiny_model)
    with torch.no_grad():
        for parameter in bad.network.parameters():
            parameter.mul_(0.9)
    return model, bad, rows_of(model), rows_of(bad)


def test_a_denoiser_that_is_replaced_by_autoguidance_costs_what_both_networks_cost(pair):
    model, bad, own, others = pair
    model.denoiser = autoguidance(model.denoiser, bad.denoiser)
    heard: list[int] = []
    assert model.cost(**HOW) == 6
    assert own == others == []
    drawn = model.sample([1, 2], on_evaluations=heard.append, **HOW)
    assert drawn.nfe == 6
    assert sum(own) == sum(others) == 2 * 3
    assert sum(heard) == 12
    assert model.cost(1.0, "ddim", 3) == 12  # classifier-free guidance on top of it


def test_a_budget_stops_a_wrapped_denoiser_before_the_network_runs(pair):
    model, bad, own, others = pair
    model.denoiser = autoguidance(model.denoiser, bad.denoiser)
    model.sample([1, 2], budget=6, **HOW)
    own.clear(), others.clear()
    with pytest.raises(OverspentError):
        model.sample([1, 2], budget=5, **HOW)
    assert sum(own) + sum(others) <= 2 * 5


def test_guidance_of_ones_own_is_drawn_with_and_counted(pair):
    model, bad, _, _ = pair

    def by_the_worse(denoiser):
        return autoguidance(denoiser, bad.denoiser)

    how = {"sampler": "ddim", "steps": 3}
    drawn = model.sample([1, 2], guidance=by_the_worse, **how)
    assert drawn.nfe == model.cost(guidance=by_the_worse, **how) == 6
    assert drawn.guide_w.tolist() == [0, 0]
    assert drawn.how.facts()["guidance"] == "by_the_worse"
    never = model.sample([1, 2], guidance=by_the_worse, guide_interval=(1e6, None), **how)
    assert never.nfe == 3
    assert np.array_equal(never.images, model.sample([1, 2], **HOW).images)
    model.denoiser = by_the_worse(model.denoiser)
    assert np.array_equal(drawn.images, model.sample([1, 2], **HOW).images)


@pytest.mark.parametrize(
    ("asked", "complaint"),
    [
        ({"guidance": lambda denoiser: denoiser, "guide_w": 1.0}, "not both"),
        ({"guidance": 2.0}, "a function from a denoiser to a denoiser"),
        ({"guidance": lambda denoiser: None}, "must return a denoiser"),
    ],
)
def test_impossible_guidance_is_told_in_one_line(tiny_model, asked, complaint):
    with pytest.raises(InkseedError, match=complaint):
        small(tiny_model).sample([1], **asked)


@pytest.mark.parametrize("noise", ["stability", "optim_stability", "best_of", "fk_steering"])
def test_strategies_that_search_with_a_wrapped_denoiser_cost_what_is_foretold(pair, noise):
    model, bad, own, others = pair
    model.denoiser = autoguidance(model.denoiser, bad.denoiser)
    cost = model.cost(**HOW, noise=noise, candidates=2)
    assert own == []
    drawn = model.sample([1, 2, 3], **HOW, noise=noise, candidates=2, budget=cost)
    assert drawn.nfe == cost
    assert sum(own) + sum(others) == 3 * cost


def test_a_denoiser_without_any_network_of_ours_is_one_evaluation_a_row(tiny_model):
    model, rows = small(tiny_model), []

    def shrink(x, t, condition):
        rows.append(len(x))
        return x / 2

    model.denoiser = shrink
    assert model.sample([1, 2], **HOW).nfe == model.cost(**HOW) == 3
    assert model.sample([1, 2], 0, 1.0, "ddim", 3).nfe == 6
    rows.clear()
    with pytest.raises(OverspentError):
        model.sample([1, 2], budget=2, **HOW)
    assert sum(rows) == 2 * 2


def test_what_a_compiled_network_does_is_counted(tiny_model):
    model = small(tiny_model)
    plain = model.sample([1, 2], **HOW)
    model.denoiser.network = torch.compile(model.network, backend="eager")
    assert model.cost(**HOW) == 3
    drawn = model.sample([1, 2], **HOW)
    assert drawn.nfe == 3
    assert abs(drawn.images.astype(int) - plain.images).max() <= 1


def test_a_strategy_that_draws_by_another_model_pays_for_it(pair):
    model, other, own, others = pair
    dry: list[int] = []

    def borrowed(task):
        dry.append(other.cost(**HOW))
        return Start(other.sample(task.labels.tolist(), **HOW).noise)

    assert model.cost(**HOW, noise=borrowed) == 6
    drawn = model.sample([1, 2], **HOW, noise=borrowed)
    assert dry == [3, 3]
    assert drawn.nfe == 6
    assert (sum(own), sum(others)) == (6, 6)


def test_a_counter_of_ones_own_counts_what_is_called_by_hand(tiny_model):
    model = small(tiny_model)
    with Counter() as counter:
        model.denoiser(torch.zeros(5, 1, 8, 8), torch.tensor(0.5), torch.zeros(5).long())
        model.sample([1], **HOW)
    assert counter.evaluations == 5 + 3
    model.sample([1], **HOW)
    assert counter.evaluations == 5 + 3


def test_a_denoiser_of_ones_own_is_not_lost_where_the_network_is_left_uncompiled(pair):
    model, bad, _, _ = pair
    model.denoiser = autoguidance(model.denoiser, bad.denoiser)
    assert model.uncompiled().sample([1], **HOW).nfe == 6
    with pytest.raises(InkseedError, match="compile the model first"):
        model.compile()
