"""Schedules against their definitions, their inverses, and the lists of times."""

import math

import pytest
import torch

from inkseed.diffusion.schedule import (
    MAX_RATIO,
    SCHEDULES,
    SPACINGS,
    Cosine,
    Flow,
    LinearBetas,
    VarianceExploding,
    schedule_from,
    times,
)
from inkseed.errors import InkseedError

REPORT = LinearBetas((1e-4, 0.02), 400)
ALL = [REPORT, Cosine(), Flow(), VarianceExploding()]


def named(schedule):
    return type(schedule).__name__


@pytest.mark.parametrize("schedule", ALL, ids=named)
def test_noise_rises_from_none_to_its_most(schedule):
    alpha, sigma = schedule(torch.linspace(0, 1, 101, dtype=torch.float64))
    assert (float(alpha[0]), float(sigma[0])) == (pytest.approx(1), pytest.approx(0, abs=1e-12))
    assert (alpha.diff() <= 0).all()
    assert (sigma.diff() > 0).all()


@pytest.mark.parametrize("schedule", [REPORT, Cosine()], ids=named)
def test_variance_preserving_schedules_preserve_variance(schedule):
    alpha, sigma = schedule(torch.linspace(0, 1, 57, dtype=torch.float64))
    assert torch.allclose(alpha**2 + sigma**2, torch.ones(57, dtype=torch.float64))


def test_definitions():
    t = torch.tensor([0.25, 1.0], dtype=torch.float64)
    alpha, sigma = Flow()(t)
    assert (alpha.tolist(), sigma.tolist()) == ([0.75, 0.0], [0.25, 1.0])
    assert VarianceExploding(80, 7)(t)[1].tolist() == pytest.approx([80 * 0.25**7, 80])
    f = [math.cos((s + 0.008) / 1.008 * math.pi / 2) ** 2 for s in (0.25, 0)]  # equation 17
    assert float(Cosine()(t)[0][0]) ** 2 == pytest.approx(f[0] / f[1])
    assert float(Cosine()(t)[0][1]) == pytest.approx(0, abs=1e-12)


def test_the_reports_schedule_is_its_table_at_the_steps_and_log_linear_between():
    grid = torch.arange(401, dtype=torch.float64) / 400
    alpha, _ = REPORT(grid)
    assert torch.allclose(alpha**2, REPORT.alpha_bar, rtol=1e-12)
    between = REPORT(torch.tensor([100.25 / 400], dtype=torch.float64))[0] ** 2
    abar = REPORT.alpha_bar
    assert float(between) == pytest.approx(float(abar[100] ** 0.75 * abar[101] ** 0.25))


@pytest.mark.parametrize("schedule", ALL, ids=named)
def test_time_of_is_the_inverse(schedule):
    t = torch.linspace(0.01, 0.99, 203, dtype=torch.float64)
    alpha, sigma = schedule(t)
    assert torch.allclose(schedule.time_of(sigma / alpha), t, atol=1e-9)
    assert schedule.ratio(0.5) == pytest.approx(float(schedule(t)[1][101] / schedule(t)[0][101]))


@pytest.mark.parametrize("schedule", ALL, ids=named)
@pytest.mark.parametrize("spacing", SPACINGS)
@pytest.mark.parametrize("steps", [1, 2, 7, 1000])
def test_times_fall_from_noise_to_data(schedule, spacing, steps):
    grid = times(schedule, steps, spacing)
    assert len(grid) == steps + 1
    assert (float(grid[0]), float(grid[-1])) == (1, 0)
    assert (grid.diff() < 0).all()


@pytest.mark.parametrize("schedule", ALL, ids=named)
def test_spacings_are_even_in_what_they_say(schedule):
    def evenness(values):
        gaps = values.diff()[1:]  # the first time is 1, whatever ratio that has
        return float((gaps.max() - gaps.min()).abs() / gaps.mean().abs())

    def ratios(spacing):
        return torch.tensor([schedule.ratio(t) for t in times(schedule, 20, spacing)[:-1]])

    assert evenness(times(schedule, 20)) < 1e-9
    assert evenness(times(schedule, 20, "quadratic").sqrt()) < 1e-9
    assert evenness(ratios("log_snr").log()) < 1e-4
    assert evenness(ratios("karras") ** (1 / 7)) < 1e-4
    assert float(ratios("karras")[-1]) == pytest.approx(schedule.least_ratio, rel=1e-5)
    assert float(ratios("karras")[1]) <= min(schedule.ratio(1.0), MAX_RATIO)


def test_the_reports_chain_is_the_uniform_list():
    assert torch.equal(times(REPORT, 400), torch.arange(400, -1, -1, dtype=torch.float64) / 400)


def test_starting_noise_is_unit_in_the_reports_convention_and_sigma_1_elsewhere():
    assert REPORT.start_scale == 1
    assert Flow().start_scale == 1
    assert VarianceExploding(sigma_max=20).start_scale == pytest.approx(20)


@pytest.mark.parametrize("steps", [0, -1, 2.5, 10**6])
def test_impossible_step_counts_are_refused(steps):
    with pytest.raises(InkseedError, match="steps must be"):
        times(REPORT, steps)


def test_an_unknown_spacing_is_told_in_one_line():
    with pytest.raises(InkseedError, match="give one of uniform, quadratic, log_snr, karras"):
        times(REPORT, 10, "cubic")


def test_schedules_are_built_by_their_configuration():
    assert schedule_from({"betas": [1e-4, 0.02], "n_T": 30}).n_T == 30  # as 0.1 wrote it
    assert schedule_from({"name": "linear_betas", "betas": [1e-4, 0.02], "n_T": 30}).n_T == 30
    assert schedule_from({"name": "variance_exploding", "sigma_max": 5}).sigma_max == 5
    assert set(SCHEDULES) == {"linear_betas", "cosine", "flow", "variance_exploding"}
    with pytest.raises(InkseedError, match="sigma_max"):
        VarianceExploding(-1)


@pytest.mark.parametrize("spacing", ["log_snr", "karras"])
def test_grids_over_ratios_begin_where_the_schedule_does(spacing):
    """Even from the first step on, however large sigma_max; one more point where it is infinite."""

    def even(ratio):
        return ratio.log() if spacing == "log_snr" else ratio ** (1 / 7)

    for schedule in (VarianceExploding(1000.0), VarianceExploding(20.0, sigma_min=0.02), Cosine()):
        grid = times(schedule, 12, spacing)
        assert len(grid) == 13
        assert (grid[0], grid[-1]) == (1, 0)
        ratios = torch.tensor([schedule.ratio(t) for t in grid[:-1]]).double()
        if isinstance(schedule, Cosine):
            assert ratios[0] == torch.inf
            ratios = ratios[1:]
            assert ratios[0] == pytest.approx(80, rel=1e-3)
        gaps = even(ratios).diff()
        assert gaps.tolist() == pytest.approx([gaps.mean().item()] * len(gaps), rel=1e-3)
        assert ratios[-1] == pytest.approx(schedule.least_ratio, rel=1e-3)
        assert times(schedule, 1, spacing).tolist() == [1, 0]


@pytest.mark.parametrize(
    "build",
    [
        lambda: LinearBetas((1e-4, 0.02), 1),
        lambda: LinearBetas((1e-17, 0.02), 10),
        lambda: VarianceExploding(1e-3),
        lambda: VarianceExploding(80, 1e-3),
        lambda: VarianceExploding(80, 7, sigma_min=100),
    ],
)
def test_schedules_that_no_sampler_can_walk_are_refused(build):
    with pytest.raises(InkseedError) as refused:
        build()
    assert "\n" not in str(refused.value)
