"""Draw every picture in docs/pictures again, from the bundled weights: python docs/figures.py

Takes some minutes on two cores: the chains of 400 steps cost 20,000 evaluations.
"""

import argparse
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from inkseed.cli import main
from inkseed.data import to_uint8
from inkseed.model import Model, load
from inkseed.pictures import Band, draw_bands, save_picture
from inkseed.rng import ImageStreams
from inkseed.samplers import ancestral
from inkseed.schedule import times

PICTURES = Path(__file__).parent / "pictures"
SHAPE = (1, 28, 28)
SHOWN = (("ancestral", 400), ("dpm_solver_sde", 20), ("dpm_solver", 20), ("ddim", 20), ("heun", 10))
HANDS = ((None, None), (-10, None), (10, None), (30, None), (None, 1.6), (None, 3.5), (25, 3))


def command(*words: object) -> None:
    """Run a command line as a user types it."""
    try:
        main([str(word) for word in words])
    except SystemExit as stopped:
        if stopped.code:
            raise


def printed_chain(
    model: Model, x_T: Tensor, label: Tensor, noise: ImageStreams
) -> Iterator[Tensor]:
    """The report's equation (2) as printed: no division by sqrt(1 - abar_t)."""
    schedule, x = model.schedule, x_T
    for i in range(schedule.n_T, 0, -1):
        t = torch.full((len(x),), i / schedule.n_T)
        alpha, beta = 1 - float(schedule.beta[i]), float(schedule.beta[i])
        mean = (x - (1 - alpha) * model.denoiser.predict(x, t, label)) / alpha**0.5
        x = mean + beta**0.5 * noise.normal(SHAPE) if i > 1 else mean
        yield x


def listed_chain(model: Model, x_T: Tensor, label: Tensor, noise: ImageStreams) -> Iterator[Tensor]:
    """The listing's update with its names read literally: alpha_bar is the cumulative product."""
    schedule, x = model.schedule, x_T
    for i in range(schedule.n_T, 0, -1):
        t = torch.full((len(x),), i / schedule.n_T)
        abar, beta = float(schedule.alpha_bar[i]), float(schedule.beta[i])
        one_over_sqrt = abar**-0.5
        mean = one_over_sqrt * x - (1 - abar) * one_over_sqrt * model.denoiser.predict(x, t, label)
        x = mean + beta**0.5 * noise.normal(SHAPE) if i > 1 else mean
        yield x


def draw_printed_update(model: Model) -> None:
    """One digit a class by each update, from the same noise."""
    label = torch.arange(10)
    bands = []
    for caption, chain in (
        ("DDPM, Algorithm 2: divided by sqrt(1 - abar_t)", None),
        ("equation (2) as printed: not divided", printed_chain),
        ("the listing, alpha_bar taken as the cumulative product", listed_chain),
    ):
        noise = ImageStreams(0, [(k,) for k in range(10)])
        x_T = noise.normal(SHAPE)
        if chain is None:
            grid = times(model.schedule, model.schedule.n_T)
            draw = partial(noise.normal, SHAPE)
            steps = ancestral(model.denoiser, model.schedule, x_T, label, grid, draw)
            *_, last = (step.x for step in steps)
        else:
            *_, last = chain(model, x_T, label, noise)
        finite = torch.nan_to_num(last, nan=0.0, posinf=9.0, neginf=-9.0)
        size = f"largest value {float(last.abs().max()):.3g}"
        print(f"{caption}: {size}")
        bands.append(Band(f"{caption} ({size})", to_uint8(finite)))
    save_picture(draw_bands(bands, 10), PICTURES / "printed_update.png")


def draw_samplers(model: Model) -> None:
    """The same digits from the same noise by several samplers."""
    bands = []
    for name, steps in SHOWN:
        drawn = model.sample(range(10), 3, sampler=name, steps=steps)
        caption = f"{name}, {steps} steps: {drawn.nfe} evaluations a digit"
        bands.append(Band(caption, drawn.images))
    save_picture(draw_bands(bands, 10), PICTURES / "samplers.png")


def draw_styles(model: Model) -> None:
    """The same digits from the same noise, asked for in several hands."""
    bands = []
    for slant, thickness in HANDS:
        drawn = model.sample(range(10), 3, slant=slant, thickness=thickness)
        asked = {"slant": slant, "thickness": thickness}
        words = [f"--{name} {value:g}" for name, value in asked.items() if value is not None]
        bands.append(Band(" ".join(words) or "both left free", drawn.images))
    save_picture(draw_bands(bands, 10), PICTURES / "styles.png")


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__).parse_args()
    command("write", "00297375", "--seed", 7, "--out", PICTURES / "number.png")
    draw_printed_update(load("report"))
    draw_samplers(load("report"))
    draw_styles(load("digits"))
    command(
        *("sample", "--labels", "0-9", "--count", 4, "--guide-w", "0,0.5,2"),
        *("--out", PICTURES / "figure1.png"),
    )
