"""Four kinds of prediction, guidance and the counter, against the closed-form mixture."""

import itertools

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from inkseed.diffusion.condition import Condition
from inkseed.diffusion.counter import Counter
from inkseed.diffusion.guidance import ClassifierFreeGuidance, GuidanceInterval, guided
from inkseed.diffusion.predictions import (
    PREDICTIONS,
    EdmDenoiser,
    EpsDenoiser,
    VDenoiser,
    X0Denoiser,
)
from inkseed.diffusion.schedule import Cosine, Flow, LinearBetas, VarianceExploding, times
from inkseed.errors import InkseedError
from inkseed.samplers import ddim, dpm_solver, heun, invert
from tests.analytic import GaussianMixture

MIXTURE = GaussianMixture.example()
TOLD = Condition.of(torch.tensor([0, 1, 2, -1]))  # the last is free
REPORT = LinearBetas((1e-4, 0.02), 400)
SCHEDULES = [REPORT, Cosine(), Flow(), VarianceExploding()]


def noisy(schedule, t):
    alpha, sigma = schedule.level(t)
    generator = torch.Generator().manual_seed(2)
    x_0 = MIXTURE.draw(TOLD.label, 1)
    return alpha * x_0 + sigma * torch.randn(x_0.shape, generator=generator, dtype=x_0.dtype)


def perfect(kind, schedule, t, x_t):
    """A network that predicts exactly what its kind is asked for, at time t, for x_t."""
    alpha, sigma = schedule.level(t)
    x_0 = MIXTURE.denoiser(schedule)(x_t, torch.tensor(t), TOLD)
    eps = (x_t - alpha * x_0) / sigma
    mean, deviation = -0.7, 0.6
    scale = (alpha**2 * deviation**2 + sigma**2) ** 0.5
    skip = alpha * deviation**2 / scale**2
    centred = x_t - alpha * mean
    wanted = {
        "eps": eps,
        "v": alpha * eps - sigma * x_0,
        "x0": x_0,
        "edm": (x_0 - mean - skip * centred) * scale / (sigma * deviation),
    }[kind]
    seen = []

    def network(x, c, time, dropped):
        seen.append((x, c, time, dropped))
        return wanted

    more = {"data_mean": mean, "sigma_data": deviation} if kind == "edm" else {}
    return PREDICTIONS[kind](network, schedule, **more), seen, x_0


@pytest.mark.parametrize(
    ("kind", "schedule"),
    [
        *itertools.product(["v", "x0", "edm"], SCHEDULES),
        ("eps", REPORT),  # the others leave no signal at t = 1
        ("eps", VarianceExploding()),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
@pytest.mark.parametrize("t", [0.02, 0.5, 0.97])
def test_every_prediction_is_seen_as_the_same_x_0(kind, schedule, t):
    x_t = noisy(schedule, t)
    denoiser, seen, x_0 = perfect(kind, schedule, t, x_t)
    found = denoiser(x_t, torch.tensor(t, dtype=torch.float64), TOLD)
    assert torch.allclose(found, x_0, atol=1e-7)
    (_, c, time, dropped) = seen[0]
    assert c.tolist() == [0, 1, 2, 0]
    assert dropped.tolist() == [0, 0, 0, 1]
    assert time.shape == (4,)


@pytest.mark.parametrize("schedule", [Cosine(), Flow()], ids=lambda s: type(s).__name__)
def test_noise_cannot_be_predicted_where_no_signal_is_left(schedule):
    with pytest.raises(InkseedError, match="predict v or x0"):
        EpsDenoiser(lambda *inputs: inputs[0], schedule)


@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda s: type(s).__name__)
@pytest.mark.parametrize("build", [VDenoiser, X0Denoiser, EdmDenoiser])
def test_predictions_are_finite_at_both_ends(schedule, build):
    denoiser = build(lambda x, c, t, dropped: x + t[:, None, None, None], schedule)
    for t in (0.0, 1.0):
        assert denoiser(torch.ones(4, 1, 4, 4), torch.tensor(t), TOLD).isfinite().all()


def test_edm_feeds_its_network_unit_variance_and_asks_for_unit_variance():
    """Table 1 of the EDM paper, on Gaussian data whose moments are the ones it is told."""
    mean, deviation = -0.7, 0.6
    draw = torch.Generator().manual_seed(0)
    for schedule in SCHEDULES:
        for t in (0.1, 0.5, 0.9):
            alpha, sigma = schedule.level(t)
            x_0 = mean + deviation * torch.randn(20_000, 1, 1, 1, generator=draw)
            x_t = alpha * x_0 + sigma * torch.randn(x_0.shape, generator=draw)
            seen = []

            def network(x, c, time, dropped, seen=seen):
                seen.append(x)
                return torch.zeros_like(x)

            label = torch.zeros(len(x_t)).long()
            denoiser = EdmDenoiser(network, schedule, data_mean=mean, sigma_data=deviation)
            skipped = denoiser(x_t, torch.tensor(t), label)
            assert float(seen[0].mean()) == pytest.approx(0, abs=0.03)
            assert float(seen[0].std()) == pytest.approx(1, abs=0.03)
            c_out = sigma * deviation / (alpha**2 * deviation**2 + sigma**2) ** 0.5
            assert float((x_0 - skipped).std() / c_out) == pytest.approx(1, abs=0.03)


# --- guidance and the counter ---------------------------------------------------------------


def test_guidance_interval_guides_inside_and_costs_one_evaluation_outside():
    schedule, counter = Flow(), Counter()
    plain = counter.watch(MIXTURE.denoiser(schedule))
    inside_only = guided(plain, 1.5, schedule, (0.5, 2.0))
    x = noisy(schedule, 0.5)
    for t, rows in ((0.2, 4), (0.5, 8), (0.8, 4)):  # ratios 0.25, 1, 4
        time, before = torch.tensor(t, dtype=torch.float64), counter.evaluations
        found = inside_only(x, time, TOLD)
        assert counter.evaluations - before == rows
        w = 1.5 if rows == 8 else 0
        assert torch.equal(found, ClassifierFreeGuidance(plain, w)(x, time, TOLD))
    assert isinstance(guided(plain, 0.0, schedule, (0, 1)), ClassifierFreeGuidance)
    with pytest.raises(InkseedError, match="interval"):
        GuidanceInterval(plain, plain, schedule, 2, 1)


@given(
    rows=st.integers(1, 5),
    steps=st.integers(1, 6),
    guide_w=st.sampled_from([0.0, 1.0]),
    walk=st.sampled_from([ddim, heun, dpm_solver, invert]),
)
def test_the_counter_equals_the_rows_that_a_wrapper_round_the_network_counts(
    rows, steps, guide_w, walk
):
    counted = 0

    def network(x, c, t, dropped):
        nonlocal counted
        counted += len(x)
        return torch.tanh(x)

    counter = Counter()
    denoiser = guided(counter.watch(EpsDenoiser(network, REPORT)), guide_w, REPORT)
    x = torch.ones(rows, 1, 2, 2)
    label = torch.zeros(rows).long()
    for _ in walk(denoiser, REPORT, x, label, times(REPORT, steps)):
        pass
    assert counter.evaluations == counted
    passes = 2 * steps - 1 if walk is heun else steps
    assert counted == rows * passes * (1 if guide_w == 0 else 2)


def test_a_backward_pass_counts_as_two_evaluations():
    counter = Counter()
    denoiser = counter.watch(EpsDenoiser(lambda x, *_: torch.tanh(x), REPORT))
    x = torch.ones(3, 1, 2, 2, requires_grad=True)
    x_0 = denoiser(x, torch.tensor(0.5), torch.zeros(3).long())
    assert counter.evaluations == 3
    x_0.sum().backward()
    assert counter.evaluations == 3 + 2 * 3
