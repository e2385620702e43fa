"""The study for people: a table in the terminal, plots and pictures in its folder."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, ScalarFormatter
from PIL import Image
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from inkseed.data.labelled import to_uint8
from inkseed.evaluate.intervals import Z
from inkseed.evaluate.metrics import READINGS, shown
from inkseed.files import write_atomically
from inkseed.model import Model
from inkseed.noise import Start, Task
from inkseed.noise.stability import ddim_stability
from inkseed.pictures import Band, draw_bands, save_picture
from inkseed.study.rows import CEILING, CONTROL, STRATEGY
from inkseed.study.study import Result, Study, Tell

CHANCE, Z_999 = 0.001, 3.290527
PLOTTED = ("accuracy", "frechet", "coverage")
STYLES = {STRATEGY: "-", CONTROL: "--", CEILING: ":"}
EXTREME_OF, EXTREMES = 200, 10  # noises of a digit that are scored, and shown of either end


def print_study(study: Study, console: Console) -> None:
    """Print one line a row, and what each score is worth."""
    console.print(study_table(study))
    for line in score_lines(study):
        console.print(Text(f"  {line}", style="dim"))


def study_table(study: Study) -> Table:
    """Strategies and controls, with differences from Gaussian noise at as many evaluations."""
    how = ", ".join(
        f"{key} {value}" for key, value in study.settings.how.items() if value is not None
    )
    title = f"{study.settings.model}, {how or 'defaults'}: {study.n:,} images a row, judge B"
    table = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD)
    for column in COLUMNS:
        table.add_column(column, justify="left" if column == COLUMNS[0] else "right")
    budget = None
    for result in study.results:
        if result.row.budget != budget:
            table.add_section()
            budget = result.row.budget
        table.add_row(*cells(result), style="" if result.row.role == STRATEGY else "dim")
    return table


COLUMNS = ("noise", "NFE", "accuracy", "points", "Fréchet", "±", "coverage", "±")


def cells(result: Result) -> list[str]:
    """A row's texts, for the terminal and for Markdown."""
    texts = [result.row.name, str(result.row.nfe)]
    for metric in PLOTTED:
        texts.append(shown(metric, result.measure.values[metric]))
        texts.append(difference(result, metric))
    return texts


def difference(result: Result, metric: str) -> str:
    """The difference from Gaussian noise of equal cost, and half its 95 % interval.

    An asterisk stands where chance would go so far less than once in a thousand: among the hundred
    and more comparisons of a table, 95 % intervals alone would find five effects where none is.
    """
    if result.measure is result.equal:
        return ""
    found = result.measure.minus(result.equal, metric)
    scale, digits = (100, 2) if metric == "accuracy" else (1, 3)
    reach = (found.high - found.low) / 2
    star = "*" if certain(result, metric) else ""
    return f"{scale * found.value:+.{digits}f} ± {scale * reach:.{digits}f}{star}"


def certain(result: Result, metric: str) -> bool:
    """Whether chance would tell the row so far from Gaussian noise less than once in 1,000."""
    found = result.measure.minus(result.equal, metric)
    beyond = abs(found.value) > Z_999 / Z * (found.high - found.low) / 2
    if metric == "accuracy":
        return beyond and result.measure.sign_test(result.equal) < CHANCE
    return beyond


def score_lines(study: Study) -> list[str]:
    """What the selectors' scores say about B's reading."""
    lines = ["correlation of a score with B reading the label, within class; partial on ink mass:"]
    for name, kinds in study.correlations.items():
        both = [f"{e.value:+.3f} ({e.low:+.3f} to {e.high:+.3f})" for e in kinds.values()]
        lines.append(f"{name}: {'; '.join(both)}")
    agreed = ", ".join(f"{value:.2f} at {steps}" for steps, value in study.rank_agreement.items())
    lines.append(f"rank agreement of stability at 10 steps with that at more: {agreed}")
    lines.append("variance of a mean of 8 images of a digit, over that of independent images:")
    for name, kinds in study.variance.items():
        figures = [f"{what} {e.value:.2f} ± {e.high - e.value:.2f}" for what, e in kinds.items()]
        lines.append(f"{name}: {', '.join(figures)}")
    return lines


def save_study(study: Study, model: Model, folder: Path, tell: Tell = lambda _: None) -> list[Path]:
    """Write the plots and the pictures; return their paths. `tell` hears of evaluations."""
    save_figure(quality_figure(study), folder / "quality.png")
    save_figure(stability_figure(study), folder / "stability.png")
    save_picture(extremes(model, 3, study.settings.how, tell), folder / "extremes.png")
    return [folder / name for name in ("quality.png", "stability.png", "extremes.png")]


def save_figure(figure: Figure, path: Path) -> None:
    """A figure as PNG, whole or not at all."""
    write_atomically(path, lambda temporary: figure.savefig(temporary, dpi=130))


def quality_figure(study: Study) -> Figure:
    """Each strategy's figures over the network evaluations an image cost."""
    figure = Figure(figsize=(13, 4.6), layout="constrained")
    axes = figure.subplots(1, len(PLOTTED))
    names = list(dict.fromkeys(r.row.name for r in study.results if r.row.budget is not None))
    colours = colormaps["tab20"].colors  # type: ignore[attr-defined]
    for axis, metric in zip(axes, PLOTTED, strict=True):
        for k, name in enumerate(names):
            own = sorted((r for r in study.results if r.row.name == name), key=lambda r: r.row.nfe)
            axis.plot(
                [r.row.nfe for r in own],
                [r.measure.values[metric] for r in own],
                STYLES[own[0].row.role],
                color=colours[k % len(colours)],
                marker="o" if own[0].row.role == STRATEGY else ".",
                markersize=4,
                linewidth=1.2,
                label=name,
            )
        plain = study.results[0]
        estimate = plain.measure.estimate(metric)
        error = [[estimate.value - estimate.low], [estimate.high - estimate.value]]
        axis.errorbar(
            [plain.row.nfe], [estimate.value], error, fmt="ks", capsize=3, label="gaussian"
        )
        axis.set_xscale("log")
        axis.xaxis.set_major_formatter(ScalarFormatter())
        axis.xaxis.set_minor_formatter(NullFormatter())
        axis.set_xticks(sorted({r.row.nfe for r in study.results if r.row.name == "best_of"}))
        axis.set_xlabel("network evaluations an image")
        axis.set_title(READINGS[metric].title)
        axis.grid(alpha=0.25)
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right center", fontsize=8, frameon=False)
    return figure


def stability_figure(study: Study) -> Figure:
    """How the stability of Gaussian noise is distributed, by either inversion."""
    figure = Figure(figsize=(8, 3.2), layout="constrained")
    axes = figure.subplots(1, 2)
    names = (("stability", "DDIM both ways"), ("renoise", "noised again, as the report lists it"))
    for axis, (name, title) in zip(axes, names, strict=True):
        axis.hist(study.pool.scores[name].ravel(), 60, color="#1f4e9c")
        axis.set_title(title, fontsize=10)
        axis.set_xlabel("cosine with the starting noise")
        axis.set_yticks([])
    return figure


def extremes_cost(model: Model, how: Mapping[str, Any]) -> int:
    """Network evaluations of `extremes`."""
    draw = model.cost(**how)
    return EXTREME_OF * (draw + (model.cost(**how, noise="stability", candidates=2) - draw) // 2)


def extremes(
    model: Model, digit: int, how: Mapping[str, Any], tell: Tell = lambda _: None
) -> Image.Image:
    """The most and the least stable noises of a digit, with the images that they become."""
    scores: list[np.ndarray] = []

    def collect(task: Task) -> Start:
        scores.append(ddim_stability(task, task.gaussian(), task.condition).numpy())
        return Start(task.gaussian())

    label = model.indices([str(digit)])[0]
    drawn = model.sample([label] * EXTREME_OF, 0, **how, noise=collect, on_evaluations=tell)
    table = np.concatenate(scores)
    order = table.argsort()
    bands: list[Band] = []
    ends: Sequence[tuple[str, np.ndarray]] = (
        ("most stable", order[: -EXTREMES - 1 : -1].copy()),
        ("least stable", order[:EXTREMES]),
    )
    for words, rows in ends:
        low, high = sorted(table[rows[[0, -1]]])
        caption = f"{words} of {EXTREME_OF}: cosine {low:.3f} to {high:.3f}"
        noise = to_uint8(drawn.noise[rows] / 3)
        bands += [Band(caption, noise), Band("and what they become", drawn.images[rows])]
    return draw_bands(bands, EXTREMES)
