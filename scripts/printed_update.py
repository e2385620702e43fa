"""Equation (2) of the report, as DDPM has it, as printed, and as the listing reads: one picture.

`python scripts/figures.py --only printed_update` draws it.
"""

import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from matplotlib.axes import Axes
from torch import Tensor

from inkseed import say
from inkseed.diffusion.guidance import ClassifierFreeGuidance
from inkseed.model.model import Model
from inkseed.plots import COLOURS, Plot, title
from inkseed.rng import normals
from inkseed.samplers.fresh_noise import SamplerNoise

LABELS, GUIDE_W, SEED = (2, 3), 2.0, 4
TO_GO = (400, 395, 300, 200, 100, 50, 20, 0)  # steps, of 400: the states that are shown
TOP = 2.0  # of the chart

Mean = Callable[[Tensor, Tensor, float, float], Tensor]
"""(x_t, eps, beta_t, abar_t) -> the mean of x_{t-1}."""


class Update(NamedTuple):
    """One way to read the equation."""

    title: str
    formula: str
    colour: str
    mean: Mean


def right(x: Tensor, eps: Tensor, beta: float, abar: float) -> Tensor:
    """DDPM's Algorithm 2."""
    return (x - beta / math.sqrt(1 - abar) * eps) / math.sqrt(1 - beta)


def printed(x: Tensor, eps: Tensor, beta: float, abar: float) -> Tensor:
    """The report's equation (2): no division by sqrt(1 - abar_t)."""
    return (x - beta * eps) / math.sqrt(1 - beta)


def listed(x: Tensor, eps: Tensor, beta: float, abar: float) -> Tensor:
    """The listing of Puzzle 2 with its names read literally: alpha_bar is the product."""
    return (x - (1 - abar) * eps) / math.sqrt(abar)


UPDATES = (
    Update(
        "DDPM's Algorithm 2",
        r"$(x_t - \frac{1 - \alpha_t}{\sqrt{1 - \bar\alpha_t}}\,\epsilon)\,/\,\sqrt{\alpha_t}$",
        COLOURS[0],
        right,
    ),
    Update(
        "equation (2) as printed",
        r"$(x_t - (1 - \alpha_t)\,\epsilon)\,/\,\sqrt{\alpha_t}$",
        COLOURS[1],
        printed,
    ),
    Update(
        "the listing of Puzzle 2",
        r"$(x_t - (1 - \bar\alpha_t)\,\epsilon)\,/\,\sqrt{\bar\alpha_t}$",
        COLOURS[2],
        listed,
    ),
)


def chain(model: Model, mean: Mean) -> Iterator[tuple[int, Tensor]]:
    """Steps to go, and the state there (N, 1, 28, 28), while its numbers are finite."""
    schedule, label = model.schedule, torch.tensor(LABELS)
    denoiser = ClassifierFreeGuidance(model.denoiser, GUIDE_W)
    keys, shape = [(k,) for k in range(len(LABELS))], (1, *model.image_size)
    noise = SamplerNoise(SEED, keys, shape, model.device)
    x = torch.from_numpy(normals(SEED, keys, shape))
    yield schedule.n_T, x
    for i in range(schedule.n_T, 0, -1):
        beta, abar = float(schedule.beta[i]), float(schedule.alpha_bar[i])
        x_0 = denoiser(x, torch.tensor(i / schedule.n_T), label)
        eps = (x - math.sqrt(abar) * x_0) / math.sqrt(1 - abar)
        x = mean(x, eps, beta, abar)
        if i > 1:
            x = x + math.sqrt(beta) * noise()
        if not torch.isfinite(x).all():
            return
        yield i - 1, x


def draw_printed_update(model: Model) -> Plot:
    """The three updates from the same noise: states on the way, and how far their values reach."""
    figure = Plot(figsize=(13.5, 4.8), layout="constrained")
    rows, columns = len(UPDATES), len(TO_GO)
    grid = figure.add_gridspec(rows, columns + 1, width_ratios=[1] * columns + [6])
    chart = figure.add_subplot(grid[:, -1])
    for row, update in enumerate(UPDATES):
        states = dict(chain(model, update.mean))
        for column, to_go in enumerate(TO_GO):
            axis = figure.add_subplot(grid[row, column])
            _state(axis, states.get(to_go))
            if row == 0:
                axis.set_title("the image" if to_go == 0 else f"{to_go} to go", fontsize=9)
            if column == 0:
                words = f"{update.title}\n{update.formula}"
                axis.set_ylabel(words, fontsize=9, color=update.colour, rotation=0, ha="right")
                axis.yaxis.set_label_coords(-0.1, 0.4)
        _deviation(chart, update, states, model.schedule.n_T)
    chart.set_xlim(model.schedule.n_T, 0)
    chart.set_ylim(0, TOP)
    chart.set_xlabel("steps to go")
    title(chart, "standard deviation of the pixels")
    chart.spines[["top", "right"]].set_visible(False)
    return figure


def _state(axis: Axes, x: Tensor | None) -> None:
    """Both digits, one above the other; or that there is nothing to show."""
    axis.set_xticks([])
    axis.set_yticks([])
    if x is None:
        axis.text(0.5, 0.5, "no finite\nnumber left", fontsize=7, ha="center", va="center")
        axis.set_box_aspect(len(LABELS))
    else:
        axis.imshow(x.flatten(0, 2).clamp(-1, 1).numpy(), cmap="gray_r", vmin=-1, vmax=1)


def _deviation(chart: Axes, update: Update, states: dict[int, Tensor], n_T: int) -> None:
    values = {to_go: float(x.double().std()) for to_go, x in states.items()}
    chart.plot(list(values), list(values.values()), color=update.colour, linewidth=1.8)
    last, ended = min(values), values[min(values)]
    how = {"color": update.colour, "fontsize": 9}
    say.out(f"{update.title}: deviation {ended:.3g} with {last} steps to go")
    if last == 0:
        highest = max(value for to_go, value in values.items() if to_go < n_T / 2)
        beside = highest + 0.05 if ended > 0.9 else ended - 0.12  # clear of its own line
        chart.text(4, beside, f"{update.title}: ends at {ended:.2f}", ha="right", **how)
    else:
        size = f"$10^{{{round(math.log10(ended))}}}$"
        words = f"{update.title}: {size} after {n_T - last} steps,\nthen no finite number is left"
        chart.text(n_T - 12, 0.93 * TOP, words, va="top", **how)
