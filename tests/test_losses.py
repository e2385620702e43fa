"""Four losses against a closed form, on every schedule; how training draws its times."""

import itertools

import pytest
import torch

from inkseed.diffusion.condition import Condition
from inkseed.diffusion.loss import TrainingLoss
from inkseed.diffusion.predictions import PREDICTIONS
from inkseed.diffusion.schedule import Cosine, Flow, LinearBetas, VarianceExploding
from inkseed.diffusion.training_times import LogNormal, Uniform, times_from
from inkseed.errors import InkseedError
from inkseed.nn import PatchUnet
from inkseed.registry import TRAINING_TIMES

MEAN, DEVIATION = -0.7, 0.6  # of Gaussian data
REPORT = LinearBetas((1e-4, 0.02), 400)
SCHEDULES = [REPORT, Cosine(), Flow(), VarianceExploding(20.0, sigma_min=0.02)]
PAIRS = [
    *itertools.product(["v", "x0", "edm"], SCHEDULES),
    ("eps", REPORT),  # the others leave no signal at t = 1
    ("eps", VarianceExploding(20.0, sigma_min=0.02)),
]
TIMES = [Uniform(), LogNormal(-0.7, 1.4)]


def name_of(value):
    return value if isinstance(value, str) else type(value).__name__


every_pair = pytest.mark.parametrize(("kind", "schedule"), PAIRS, ids=name_of)
both_times = pytest.mark.parametrize("times", TIMES, ids=name_of)


def denoiser_of(kind, network, schedule):
    more = {"data_mean": MEAN, "sigma_data": DEVIATION} if kind == "edm" else {}
    return PREDICTIONS[kind](network, schedule, **more)


def optimum(kind, schedule):
    """What a network says that knows the posterior mean of the Gaussian data."""

    def network(x, c, time, dropped):
        if kind == "edm":
            return torch.zeros_like(x)
        alpha, sigma = (scale[:, None, None, None] for scale in schedule(time))
        variance = alpha**2 * DEVIATION**2 + sigma**2
        x_0 = MEAN + alpha * DEVIATION**2 / variance * (x - alpha * MEAN)
        eps = sigma / variance * (x - alpha * MEAN)
        return {"eps": eps, "v": alpha * eps - sigma * x_0, "x0": x_0}[kind]

    return network


def least_loss(kind, schedule, t):
    """What no network can go below at the times t: the posterior's variance, as the loss counts."""
    alpha, sigma = schedule(t)
    total = alpha**2 + sigma**2
    posterior = DEVIATION**2 * sigma**2 / (alpha**2 * DEVIATION**2 + sigma**2)
    of_image = {"eps": alpha**2 / sigma**2, "v": total / sigma**2, "x0": 1, "edm": 1 / posterior}
    return float((posterior * of_image[kind]).mean())


def gaussian_data(n):
    draw = torch.Generator().manual_seed(0)
    x_0 = MEAN + DEVIATION * torch.randn(n, 1, 4, 4, generator=draw, dtype=torch.float64)
    return x_0, Condition.of(torch.zeros(n, dtype=torch.int64))


@every_pair
@both_times
def test_the_closed_form_has_the_least_loss_and_no_gradient(kind, schedule, times):
    x_0, told = gaussian_data(8192)
    best = optimum(kind, schedule)
    shift = torch.zeros(2, dtype=torch.float64, requires_grad=True)

    def network(x, c, time, dropped):
        return best(x, c, time, dropped) + shift[0] + shift[1] * x / x.detach().std()

    loss_of = TrainingLoss(denoiser_of(kind, network, schedule), times, 0.1)
    loss = loss_of(x_0, told, torch.Generator().manual_seed(1))
    t = times(schedule, len(x_0), torch.Generator().manual_seed(1))
    assert float(loss.detach()) == pytest.approx(least_loss(kind, schedule, t), rel=0.02)
    loss.backward()
    assert shift.grad.abs().max() < 0.04  # of predictions and targets near 1


@every_pair
def test_every_prediction_learns_on_every_schedule_that_it_is_sampled_on(kind, schedule):
    x_0, told = (each[:32] for each in gaussian_data(32))
    x_0 = x_0.float() + torch.linspace(-1, 1, 4)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = PatchUnet(1, 2, [16, 64])
    denoiser = denoiser_of(kind, network, schedule)
    loss_of = TrainingLoss(denoiser, Uniform(), 0.1)

    def held_out():
        with torch.no_grad():
            return float(loss_of(x_0.repeat(4, 1, 1, 1), told.repeat(4), seeded(10**6)))

    def seeded(step):
        return torch.Generator().manual_seed(step)

    before = held_out()
    adam = torch.optim.Adam(network.parameters(), 3e-3)
    for step in range(20):
        adam.zero_grad()
        loss = loss_of(x_0, told, seeded(step))
        loss.backward()
        adam.step()
    assert held_out() < 0.9 * before


@both_times
@pytest.mark.parametrize("kind", PREDICTIONS)
def test_a_batch_shared_out_is_the_same_batch(kind, times):
    def network(x, c, t, dropped):
        return x * t[:, None, None, None] + c.sum()

    loss_of = TrainingLoss(denoiser_of(kind, network, REPORT), times, 0.5)
    x_0, told = gaussian_data(8)

    def loss(part):
        return float(loss_of(x_0, told, torch.Generator().manual_seed(1), part))

    halves = (loss(slice(0, 4)) + loss(slice(4, 8))) / 2
    assert halves == pytest.approx(loss(slice(None)), rel=1e-5)


@pytest.mark.parametrize("p_mean", [-2.0, 1.0])
def test_edm_weighs_all_levels_alike(p_mean):
    """With F = 0 the loss is 1 at each, on Gaussian data: table 1's choice of c_out."""
    x_0, told = gaussian_data(4096)
    silent = denoiser_of("edm", lambda x, *_: torch.zeros_like(x), Flow())
    loss_of = TrainingLoss(silent, LogNormal(p_mean, 0.5), 0.1)
    loss = loss_of(x_0, told, torch.Generator().manual_seed(1))
    assert float(loss) == pytest.approx(1, abs=0.04)


@pytest.mark.parametrize("schedule", SCHEDULES[1:], ids=name_of)
def test_uniform_times_reach_from_the_least_noise_of_a_grid_to_1(schedule):
    t = Uniform()(schedule, 40_000, torch.Generator().manual_seed(0))
    least = float(schedule.time_of(torch.tensor(schedule.least_ratio).double()))
    assert t.dtype == torch.float64
    assert least <= float(t.min()) < least + 0.001
    assert 0.999 < float(t.max()) <= 1
    quarters = ((t - least) / (1 - least)).histc(4, 0, 1) / len(t)
    assert quarters.tolist() == pytest.approx([0.25] * 4, abs=0.01)


def test_log_normal_levels_have_their_moments_and_keep_to_the_schedule():
    t = LogNormal(-0.7, 1.4)(Flow(), 40_000, torch.Generator().manual_seed(0))
    levels = (t / (1 - t)).log()
    assert float(levels.mean()) == pytest.approx(-0.7, abs=0.03)
    assert float(levels.std()) == pytest.approx(1.4, abs=0.03)
    assert float(LogNormal(9.0, 0.1)(VarianceExploding(20.0), 10).max()) == 1  # as far as it goes
    with pytest.raises(InkseedError, match="p_std"):
        LogNormal(0.0, 0.0)


def test_a_choice_of_times_of_ones_own_goes_by_its_name(forget):
    @TRAINING_TIMES.register("middle")
    def middle(p_mean, p_std):
        return lambda schedule, n, generator=None: torch.full((n,), 0.5, dtype=torch.float64)

    assert times_from("middle", 0.0, 1.0)(Flow(), 3).tolist() == [0.5] * 3
    assert times_from("uniform", -0.7, 1.4) == Uniform()
    assert times_from("log_normal", -0.7, 1.4) == LogNormal(-0.7, 1.4)
    with pytest.raises(InkseedError, match="no choice of training times 'often': give one of"):
        times_from("often", 0.0, 1.0)
