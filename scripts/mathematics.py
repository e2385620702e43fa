"""The pictures of docs/mathematics.md: schedules, noising and guessing, one step, guidance, paths.

`python scripts/figures.py --only schedules` and so on draw them. The mixture, whose denoiser is
known in closed form, is that of the notebooks in learn/.
"""

import math
import sys
from pathlib import Path

import numpy as np
import torch
from matplotlib.axes import Axes

from inkseed.diffusion.condition import Condition
from inkseed.diffusion.guidance import ClassifierFreeGuidance
from inkseed.diffusion.schedule import Cosine, Flow, VarianceExploding, times
from inkseed.plots import COLOURS, GREY, INK, Plot, line, name_ends, plot, show_images, title
from inkseed.rng import normals
from inkseed.samplers import ancestral, ddim, dpm_solver, heun
from inkseed.samplers.steps import posterior

sys.path.append(str(Path(__file__).parents[1] / "learn"))
from kit import REPORT, THREE, digits_on, each_digit, noise

SCHEDULES = {
    "linear_betas": REPORT,
    "cosine": Cosine(),
    "flow": Flow(),
    "variance_exploding": VarianceExploding(20.0),
}
STEPS = 400
DIGIT = 8
TIMES = (0.05, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 1.0)
TOP = 2  # the component that is asked for


def schedules() -> Plot:
    """alpha, sigma, the signal-to-noise ratio and beta over t, for every schedule."""
    figure, axes = plot(2, 2, (10, 6))
    axes, t = axes.ravel(), torch.arange(STEPS + 1, dtype=torch.float64) / STEPS
    for (name, schedule), colour in zip(SCHEDULES.items(), COLOURS, strict=False):
        alpha, sigma = schedule(t)
        snr = 20 * (alpha[1:-1] / sigma[1:-1]).log10()
        kept = (alpha[1:] / alpha[:-1] * sigma[:-1]).square()
        beta = (sigma[1:].square() - kept)[1:-1]
        line(axes[0], t, alpha, name, colour)
        line(axes[1], t, sigma, name, colour)
        line(axes[2], t[1:-1], snr, name, colour)
        line(axes[3], t[2:-1], beta, name, colour)
    axes[1].set_ylim(0, 1.5)
    axes[2].set_ylim(-45, 60)
    axes[3].set(yscale="log", ylim=(1e-6, 1))
    words = (
        "$\\alpha_t$, the scale of the signal",
        "$\\sigma_t$, the scale of the noise (variance_exploding: to 20)",
        "signal over noise, in decibels",
        f"$\\beta$, the variance that a step of 1/{STEPS} adds",
    )
    for axis, each in zip(axes, words, strict=True):
        title(axis, each)
        axis.set_xlabel("t")
    for axis in (axes[0], axes[2], axes[3]):
        name_ends(axis)
    return figure


def noised() -> Plot:
    """One digit at eight times, with the guess of x_0 below each."""
    x_0, guess = each_digit()[[DIGIT]], digits_on(REPORT)
    eps, label = noise(*x_0.shape, seed=1), torch.tensor([DIGIT])
    figure, axes = plot(3, len(TIMES), (10, 4.3))
    for column, t in zip(axes.T, TIMES, strict=True):
        alpha, sigma = REPORT.level(t)
        x_t = alpha * x_0 + sigma * eps
        rows = torch.cat((x_t, guess(x_t, t, label), guess(x_t, t, -torch.ones_like(label))))
        show_images(column, rows[:, 0], [f"t = {t}"])
    for axis, words in zip(axes[:, 0], ("$x_t$", "$D(x_t, t, 8)$", "$D(x_t, t)$"), strict=True):
        axis.set_ylabel(words, rotation=0, ha="right", va="center", color=INK)
    return figure


def one_step() -> Plot:
    """What x_0 says of x_s, what x_t says of it, and both together."""
    t, s, x_0, x_t = 0.6, 0.5, 1.0, -0.6
    (alpha_t, sigma_t), (alpha_s, sigma_s) = REPORT.level(t), REPORT.level(s)
    a = alpha_t / alpha_s
    beta = sigma_t**2 - (a * sigma_s) ** 2
    mean, deviation = posterior(REPORT, torch.tensor(x_t).double(), x_0, t, s, eta=1.0)
    figure, axis = plot(size=(8, 3))
    x = np.linspace(-2.6, 2.6, 400)
    known = (
        (f"$x_0$ = {x_0:g} says", alpha_s * x_0, sigma_s, COLOURS[0], "left"),
        (f"$x_t$ = {x_t:g} says", x_t / a, math.sqrt(beta) / a, COLOURS[1], "right"),
        ("both say", float(mean), deviation, INK, "left"),
    )
    for name, middle, spread, colour, side in known:
        bell = np.exp(-(((x - middle) / spread) ** 2) / 2) / (spread * math.sqrt(2 * math.pi))
        line(axis, x, bell, colour=colour)
        top = (middle, bell.max())
        away = {"xytext": (14 if side == "left" else -14, 0), "textcoords": "offset points"}
        axis.annotate(f"{name} {middle:.2f} ± {spread:.2f}", top, **away, color=colour, ha=side)
    axis.set(xlabel="$x_s$", yticks=[], ylim=(0, None))
    title(axis, f"one pixel at s = {s}, between t = {t} and the image")
    return figure


def guidance_field() -> Plot:
    """Arrows from x_t towards the guess: without the label, with it, and guided."""
    t = 0.4
    alpha, sigma = REPORT.level(t)
    even = torch.linspace(-2.4, 2.4, 11, dtype=torch.float64)
    points = torch.cartesian_prod(even, even)
    told, untold = THREE.guess(points, alpha, sigma, TOP), THREE.guess(points, alpha, sigma)
    figure, axes = plot(1, 3, (10.5, 3.9))
    shown = (
        ("without a label: $D(x_t, t)$", untold),
        ("with the label: $D(x_t, t, c)$", told),
        ("guided, $w$ = 2", 3 * told - 2 * untold),
    )
    cloud = alpha * THREE.draw(1500) + sigma * noise(1500, 2, seed=1)
    for axis, (words, guess) in zip(axes, shown, strict=True):
        axis.scatter(*cloud.T, s=1, color=GREY)
        arrows = 0.18 * (guess - points)
        axis.quiver(*points.T, *arrows.T, angles="xy", scale_units="xy", scale=1, color=COLOURS[0])
        _plane(axis, words)
        axis.plot(*(alpha * THREE.means[TOP]), "o", color=COLOURS[1], markersize=7)
    return figure


def sampler_paths() -> Plot:
    """The ways of four samplers from the same noise, with and without guidance."""
    starts, keys = 8, [(k,) for k in range(8)]
    z = torch.from_numpy(normals(4, keys, (1, 1, 2))).double()
    fresh = torch.Generator().manual_seed(1)
    denoiser, label = THREE.denoiser(REPORT), torch.full((starts,), -1)
    asked = Condition.of(torch.full((starts,), TOP))
    guided = ClassifierFreeGuidance(denoiser, 2.0)
    shown = (
        ("ancestral, 200 steps", ancestral, denoiser, label, 200),
        ("ddim, 8 steps", ddim, denoiser, label, 8),
        ("heun, 8 steps", heun, denoiser, label, 8),
        ("dpm_solver, 8 steps", dpm_solver, denoiser, label, 8),
        ("the top asked for, $w$ = 2", dpm_solver, guided, asked, 8),
    )
    figure, axes = plot(1, len(shown), (13, 3))
    exact = list(dpm_solver(denoiser, REPORT, z, label, times(REPORT, 400, "log_snr")))[-1].x
    for axis, (words, sampler, guess, condition, steps) in zip(axes, shown, strict=True):
        spacing = "uniform" if sampler is ancestral else "log_snr"
        walk = sampler(
            guess,
            REPORT,
            z,
            condition,
            times(REPORT, steps, spacing),
            lambda: torch.randn(z.shape, generator=fresh, dtype=torch.float64),
        )
        path = torch.stack([z, *(step.x for step in walk)])[:, :, 0, 0]
        axis.scatter(*THREE.draw(600).T, s=1, color=GREY)
        for k in range(2 if sampler is ancestral else starts):
            marks = {} if sampler is ancestral else {"marker": ".", "markersize": 3}
            line(axis, *path[:, k].T, colour=COLOURS[k % len(COLOURS)], linewidth=0.9, **marks)
            axis.plot(*path[-1, k], "o", color=INK, markersize=4)
            if sampler is not ancestral and guess is denoiser:
                axis.plot(*exact[k, 0, 0], "x", color=INK, markersize=7)
        _plane(axis, words)
    return figure


def _plane(axis: Axes, words: str) -> None:
    axis.set(xlim=(-2.7, 2.7), ylim=(-2.7, 2.9), aspect="equal", xticks=[], yticks=[])
    title(axis, words)


DRAWN = (schedules, noised, one_step, guidance_field, sampler_paths)
