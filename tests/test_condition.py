"""What an image is to be: rows stay together, what is free stays so, and labels alone will do."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from inkseed.diffusion.condition import Condition
from inkseed.diffusion.guidance import ClassifierFreeGuidance
from inkseed.diffusion.predictions import X0Denoiser
from inkseed.diffusion.schedule import Flow

NAN = float("nan")
PARTS = ("label", "free_label", "style", "hand")


@st.composite
def conditions(draw) -> Condition:
    """Of any number of rows and any parts, some of it free."""
    n = draw(st.integers(1, 6))
    numbers = st.one_of(st.just(NAN), st.floats(-50, 50, width=32))

    def table(columns):
        rows = st.lists(
            st.lists(numbers, min_size=columns, max_size=columns), min_size=n, max_size=n
        )
        return st.one_of(st.none(), rows.map(torch.tensor))

    labels = draw(st.lists(st.integers(-1, 99), min_size=n, max_size=n))
    hand = draw(table(3))
    told = Condition.of(torch.tensor(labels), draw(table(2)))
    return Condition(told.label, told.free_label, told.style, hand)


def same(one: Condition, other: Condition) -> bool:
    pairs = [(getattr(one, part), getattr(other, part)) for part in PARTS]
    return all(
        (a is None and b is None) or torch.equal(a.nan_to_num(1e9), b.nan_to_num(1e9))
        for a, b in pairs
    )


def free(condition: Condition) -> torch.Tensor:
    """bool (N, 1 + S + H): what is left free."""
    parts = [condition.free_label[:, None]]
    parts += [each.isnan() for each in (condition.style, condition.hand) if each is not None]
    return torch.cat(parts, 1)


@given(condition=conditions(), seed=st.integers(0, 100))
def test_rows_stay_together(condition, seed):
    n = len(condition)
    cut = seed % n
    assert same(Condition.cat([condition[:cut], condition[cut:]]), condition)
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
    shuffled = condition[order]
    assert len(shuffled) == n
    assert same(shuffled[order.argsort()], condition)
    assert same(condition[order.numpy()], shuffled)
    twice = condition.repeat(2)
    assert same(twice[::2], condition)
    assert same(twice[1::2], condition)
    assert same(shuffled.null(), condition.null()[order])


@given(condition=conditions(), seed=st.integers(0, 100), prob=st.sampled_from([0.0, 0.4, 1.0]))
def test_what_is_dropped_is_free_and_what_is_kept_is_as_it_was(condition, seed, prob):
    draws = torch.Generator().manual_seed(seed)
    dropped = condition.drop(prob, draws)
    before, after = free(condition), free(dropped)
    assert (after >= before).all()
    for part in ("style", "hand"):
        was, now = getattr(condition, part), getattr(dropped, part)
        assert (was is None) == (now is None)
        assert now is None or torch.equal(now[~now.isnan()], was[~now.isnan()])
    assert torch.equal(dropped.label, condition.label)
    newly = dropped.free_label & ~condition.free_label
    assert after[newly].all()  # with the label goes all the rest
    if prob == 1.0:
        assert same(dropped, condition.null())
    if prob == 0.0 and condition.hand is not None:
        assert torch.equal(dropped.hand.isnan(), condition.hand.isnan())
    again = torch.Generator().manual_seed(seed)  # a run that goes on draws what it drew before
    columns = 0 if condition.style is None else condition.style.shape[1]
    torch.rand(len(condition), generator=again)
    if columns:
        torch.rand(len(condition), 1, generator=again)
        torch.rand(len(condition), columns, generator=again)
    assert torch.equal(draws.get_state(), again.get_state())


@given(condition=conditions())
def test_nothing_is_asked_of_the_null(condition):
    assert free(condition.null()).all()
    assert same(condition.null().null(), condition.null())
    assert len(condition.null()) == len(condition)


def test_conditions_are_dropped_as_often_as_told():
    n = 20_000
    condition = Condition.of(torch.full((n,), 4), torch.ones(n, 2))
    dropped = condition.drop(0.1, torch.Generator().manual_seed(0))
    kept = dropped.style.isnan()[~dropped.free_label]
    assert float(dropped.free_label.float().mean()) == pytest.approx(0.1, abs=0.01)
    assert float(kept.all(1).float().mean()) == pytest.approx(0.5 + 0.5 * 0.04, abs=0.015)
    assert float((~kept).all(1).float().mean()) == pytest.approx(0.5 * 0.64, abs=0.015)
    labels = Condition.of(torch.full((n,), 4)).drop(0.1, torch.Generator().manual_seed(0))
    assert torch.equal(labels.free_label, dropped.free_label)


def test_a_network_is_told_plain_tensors_and_labels_alone_will_do():
    heard = []

    def network(*inputs):
        heard.append(inputs)
        return inputs[0]

    denoiser = X0Denoiser(network, Flow())
    x, t = torch.zeros(3, 1, 4, 4), torch.tensor(0.5)
    style = torch.tensor([[1.5, NAN], [2.5, -7.0], [NAN, NAN]])
    denoiser(x, t, torch.tensor([3, 9, -1]))
    denoiser(x, t, Condition.of(torch.tensor([3, 9, -1])))
    denoiser(x, t, Condition.of(torch.tensor([3, 9, -1]), style))
    assert [len(inputs) for inputs in heard] == [4, 4, 5]
    for inputs in heard:
        assert all(type(each) is torch.Tensor for each in inputs)
        assert inputs[1].tolist() == [3, 9, 0]
        assert inputs[3].tolist() == [0, 0, 1]
    torch.testing.assert_close(heard[2][4], style, equal_nan=True)


def test_guidance_contrasts_with_nothing_asked():
    condition = Condition.of(torch.tensor([3]), torch.tensor([[10.0, 2.0]]))
    seen = []

    def denoiser(x, t, asked):
        seen.append(asked)
        return torch.where(asked.free_label, -1.0, asked.label)[:, None, None, None].expand_as(x)

    x = torch.zeros(1, 1, 4, 4)
    mixed = ClassifierFreeGuidance(denoiser, 2.0)(x, torch.tensor(0.5), condition)
    torch.testing.assert_close(mixed, torch.full_like(x, 3 * 3.0 - 2 * -1.0))
    assert same(seen[0][1:], condition.null())
    labels = ClassifierFreeGuidance(denoiser, 2.0)(x, torch.tensor(0.5), torch.tensor([3]))
    assert torch.equal(labels, mixed)
