"""Samplers against the closed-form mixture, their theory, and diffusers."""

import functools
import itertools
import math
from functools import partial

import diffusers
import numpy as np
import pytest
import torch

from inkseed.diffusion.predictions import EpsDenoiser
from inkseed.diffusion.schedule import Cosine, Flow, LinearBetas, VarianceExploding, times
from inkseed.errors import InkseedError
from inkseed.samplers import (
    SAMPLERS,
    ancestral,
    ddim,
    dpm_solver,
    find_sampler,
    heun,
    invert,
    invert_fixed_point,
)
from tests.analytic import GaussianMixture

BETAS, N_T = (1e-4, 0.02), 400
REPORT = LinearBetas(BETAS, N_T)
SCHEDULES = [REPORT, Cosine(), Flow(), VarianceExploding()]
MIXTURE = GaussianMixture.example()
LABEL = torch.tensor([0, 1, 2, -1, -1])


def last(steps):
    *_, final = steps
    return final.x


def unit_noise(count=5, seed=0, shape=(1, 4, 4)):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, *shape, generator=generator, dtype=torch.float64)


def relative(found, true):
    return float((found - true).norm() / true.norm())


def silent():
    raise AssertionError("a deterministic sampler drew noise")


def solve(walk, schedule, steps):
    """The overlapping mixture from t 0.95 to t 0.05, in even steps of log(sigma / alpha)."""
    mixture = GaussianMixture.example(spread=0.3, deviation=0.4)
    ends = torch.tensor([0.95, 0.05], dtype=torch.float64)
    high, low = (math.log(schedule.ratio(t)) for t in ends)
    even = torch.linspace(high, low, steps + 1, dtype=torch.float64)
    grid = schedule.time_of(even.exp())
    return last(walk(mixture.denoiser(schedule), schedule, unit_noise(), LABEL, grid, silent))


@functools.cache
def solution(schedule):
    return solve(heun, schedule, 2048)


@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda s: type(s).__name__)
@pytest.mark.parametrize(("sampler", "order"), [(ddim, 1), (heun, 2), (dpm_solver, 2)])
def test_convergence_is_of_the_order_that_the_papers_say(sampler, order, schedule):
    """Between 64 and 512 steps; the reference has 2048 of Heun's."""
    counts = [64, 128, 256, 512]
    errors = [relative(solve(sampler, schedule, n), solution(schedule)) for n in counts]
    slope = -np.polyfit(np.log(counts), np.log(errors), 1)[0]
    assert slope == pytest.approx(order, abs=0.15), errors


@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda s: type(s).__name__)
@pytest.mark.parametrize("name", list(SAMPLERS))
@pytest.mark.parametrize("spacing", ["uniform", "quadratic", "log_snr", "karras"])
def test_every_sampler_draws_the_mixture_on_every_schedule(name, schedule, spacing):
    """Mean and deviation of each component, from 500 draws at 100 steps (400 of the stochastic)."""
    label = torch.arange(3).repeat_interleave(500)
    steps_down = find_sampler(name).posterior_mean
    denoiser = MIXTURE.denoiser(schedule) if steps_down else MIXTURE.path_end(schedule)
    draw = torch.Generator().manual_seed(3)
    # the report's x_T = z is not quite the noisiest data; here the mixture's own x_T is given
    x_T = schedule.level(1.0)[0] * MIXTURE.draw(label, 1)
    x_T = x_T + schedule.level(1.0)[1] * unit_noise(len(label), 2)
    steps = 400 if name in ("ancestral", "dpm_solver_sde") else 100
    grid = times(schedule, steps, spacing)
    images = last(
        SAMPLERS[name].walk(
            denoiser,
            schedule,
            x_T,
            label,
            grid,
            lambda: torch.randn(x_T.shape, generator=draw, dtype=torch.float64),
        )
    )
    for component in range(3):
        own = images[label == component]
        standard_error = float(MIXTURE.deviations[component]) / 500**0.5
        off = (own.mean(0) - MIXTURE.means[component]).abs().max()
        assert off < 5 * standard_error + 0.01
        deviation = float((own - own.mean(0)).square().mean().sqrt())
        assert deviation == pytest.approx(float(MIXTURE.deviations[component]), rel=0.08)


@pytest.mark.parametrize("sampler", [ddim, heun, dpm_solver, ancestral])
def test_samplers_hold_no_state_and_yield_every_step(sampler):
    schedule = Flow()
    grid = times(schedule, 7)
    z = unit_noise()
    run = partial(sampler, MIXTURE.denoiser(schedule), schedule, z, LABEL, grid, lambda: z)
    first, second = list(run()), list(run())
    assert [step.t for step in first] == grid[1:].tolist()
    assert all(torch.equal(a.x, b.x) for a, b in zip(first, second, strict=True))
    paused, other = run(), run()  # two at once do not meddle
    for step in first:
        assert torch.equal(next(paused).x, step.x)
        assert torch.equal(next(other).x, step.x)


def test_noise_is_drawn_once_a_step_but_the_last():
    calls = []

    def noise():
        calls.append(1)
        return unit_noise()

    grid = times(REPORT, 10)
    list(ancestral(MIXTURE.denoiser(REPORT), REPORT, unit_noise(), LABEL, grid, noise))
    assert len(calls) == 9


def test_eta_0_is_ddim():
    grid = times(REPORT, 20)
    walk = (MIXTURE.denoiser(REPORT), REPORT, unit_noise(), LABEL, grid)
    still = ancestral(*walk, torch.zeros(()).clone, eta=0.0)
    assert relative(last(still), last(ddim(*walk))) < 1e-12


# --- against diffusers -----------------------------------------------------------------------


def eps_of(x, *_):
    """A stand-in network, in any precision: some smooth, nonlinear function of the image."""
    return torch.tanh(1.3 * x + 0.2)


def widened(scheduler):
    """diffusers' tables in double precision, as ours are."""
    scheduler.betas = torch.linspace(*BETAS, N_T, dtype=torch.float64)
    scheduler.alphas = 1 - scheduler.betas
    scheduler.alphas_cumprod = torch.cumprod(scheduler.alphas, 0)
    scheduler.one = torch.tensor(1.0, dtype=torch.float64)
    for name in ("final_alpha_cumprod", "initial_alpha_cumprod"):
        if hasattr(scheduler, name):
            setattr(scheduler, name, scheduler.one)
    if hasattr(scheduler, "alpha_t"):
        scheduler.alpha_t = scheduler.alphas_cumprod.sqrt()
        scheduler.sigma_t = (1 - scheduler.alphas_cumprod).sqrt()
        scheduler.lambda_t = scheduler.alpha_t.log() - scheduler.sigma_t.log()
        scheduler.sigmas = scheduler.sigma_t / scheduler.alpha_t
    return scheduler


def settings(**more):
    return {
        "num_train_timesteps": N_T,
        "beta_start": BETAS[0],
        "beta_end": BETAS[1],
        "beta_schedule": "linear",
        "timestep_spacing": "trailing",
        **more,
    }


def theirs_along(scheduler, steps, x, **each):
    scheduler = widened(scheduler)
    scheduler.set_timesteps(steps)
    states = []
    for t in scheduler.timesteps:
        x = scheduler.step(eps_of(x), t, x, **each).prev_sample
        states.append(x)
    return states


def agree(ours, theirs):
    for mine, other in zip(ours, theirs, strict=True):
        assert mine.x.dtype == torch.float64
        scale = max(1.0, float(other.abs().max()))  # diffusers keeps its sigmas in float32
        assert (mine.x - other).abs().max() < 1e-4 * scale


def our_walk(sampler, steps, x, noise=silent):
    denoiser = EpsDenoiser(eps_of, REPORT)
    return sampler(denoiser, REPORT, x, LABEL, times(REPORT, steps), noise)


@pytest.mark.parametrize("steps", [20, 50, 400])
def test_ddim_equals_diffusers(steps):
    x = unit_noise()
    scheduler = diffusers.DDIMScheduler(**settings(clip_sample=False))
    agree(our_walk(ddim, steps, x), theirs_along(scheduler, steps, x))


@pytest.mark.parametrize("eta", [0.3, 1.0])
def test_ddim_eta_equals_diffusers(eta):
    x, z = unit_noise(), unit_noise(seed=1)
    scheduler = diffusers.DDIMScheduler(**settings(clip_sample=False))
    theirs = theirs_along(scheduler, 50, x, eta=eta, variance_noise=z)
    agree(our_walk(partial(ancestral, eta=eta), 50, x, lambda: z), theirs)


@pytest.mark.parametrize(("variance", "eta"), [("fixed_large", None), ("fixed_small", 1.0)])
@pytest.mark.parametrize("steps", [50, 400])
def test_ddpm_equals_diffusers_in_both_its_variances(variance, eta, steps):
    x = unit_noise()
    scheduler = diffusers.DDPMScheduler(**settings(clip_sample=False, variance_type=variance))
    theirs = theirs_along(scheduler, steps, x, generator=torch.Generator().manual_seed(4))
    generator = torch.Generator().manual_seed(4)
    ours = our_walk(
        partial(ancestral, eta=eta),
        steps,
        x,
        lambda: torch.randn(x.shape, generator=generator, dtype=x.dtype),
    )
    ours = list(ours)
    agree(ours[:-1], theirs[:-1])
    if eta is not None or steps == N_T:  # else diffusers adds noise in the very last step too
        agree(ours[-1:], theirs[-1:])


@pytest.mark.parametrize("steps", [20, 50, 400])
def test_dpm_solver_equals_diffusers(steps):
    x = unit_noise()
    scheduler = diffusers.DPMSolverMultistepScheduler(
        **settings(algorithm_type="dpmsolver++", solver_order=2, solver_type="midpoint")
    )
    agree(our_walk(dpm_solver, steps, x), theirs_along(scheduler, steps, x))


@pytest.mark.parametrize("steps", [20, 50, 400])
def test_the_stochastic_dpm_solver_equals_diffusers(steps):
    x, z = unit_noise(), unit_noise(seed=1)
    scheduler = diffusers.DPMSolverMultistepScheduler(
        **settings(algorithm_type="sde-dpmsolver++", solver_order=2, solver_type="midpoint")
    )
    ours = our_walk(SAMPLERS["dpm_solver_sde"].walk, steps, x, lambda: z)
    agree(ours, theirs_along(scheduler, steps, x, variance_noise=z))


@pytest.mark.parametrize("steps", [20, 50, 400])
def test_inverse_ddim_equals_diffusers(steps):
    x = unit_noise()
    scheduler = diffusers.DDIMInverseScheduler(**settings(clip_sample=False))
    theirs = theirs_along(scheduler, steps, x)
    denoiser = EpsDenoiser(eps_of, REPORT)
    agree(invert(denoiser, REPORT, x, LABEL, times(REPORT, steps)), theirs)


# --- inversion -------------------------------------------------------------------------------


def there_and_back(schedule, steps, inversion=invert, label=LABEL):
    """Relative error of an image inverted to noise and sampled again, by DDIM both ways."""
    denoiser = MIXTURE.denoiser(schedule)
    grid = times(schedule, steps)
    x_0 = MIXTURE.draw(label.clamp(min=0), 5)
    noise = last(inversion(denoiser, schedule, x_0, label, grid))
    return relative(last(ddim(denoiser, schedule, noise, label, grid)), x_0)


def test_inversion_comes_back_within_5_percent_and_halves_as_steps_double():
    errors = [there_and_back(REPORT, steps) for steps in (200, 400, 800)]
    assert errors[0] <= 5e-2
    for coarse, fine in itertools.pairwise(errors):
        assert coarse / fine == pytest.approx(2, abs=0.3)


@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda s: type(s).__name__)
@pytest.mark.parametrize("steps", [200, 50])
def test_fixed_point_inversion_is_exact(schedule, steps):
    exact = partial(invert_fixed_point, tolerance=1e-10, max_iterations=500)
    assert there_and_back(schedule, steps, exact) < 1e-6


def test_inversion_is_stable_as_steps_grow():
    """Cosine of the starting noise with the one inverted from its image, and relative length."""
    denoiser, z = MIXTURE.denoiser(REPORT), unit_noise()
    cosines, lengths = [], []
    for steps in (10, 50, 400):
        grid = times(REPORT, steps)
        image = last(ddim(denoiser, REPORT, z, LABEL, grid))
        back = last(invert(denoiser, REPORT, image, LABEL, grid))
        cosines.append(float(torch.cosine_similarity(z.flatten(1), back.flatten(1)).min()))
        lengths.append(abs(float(back.norm() / z.norm()) - 1))
    assert cosines == sorted(cosines)
    assert cosines[-1] > 0.999
    assert lengths[-1] < 0.02


def test_an_unknown_sampler_is_told_in_one_line():
    with pytest.raises(
        InkseedError, match=r"no sampler 'euler': give one of ancestral, consistency, ddim"
    ):
        find_sampler("euler")
