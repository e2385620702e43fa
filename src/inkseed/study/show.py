"""The plots and pictures that a study leaves in its folder."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from inkseed.data.labelled import to_uint8
from inkseed.model.drawing import draw
from inkseed.model.model import Model
from inkseed.model.request import Request
from inkseed.model.sampling import SamplingOptions
from inkseed.noise.stability import ddim_stability
from inkseed.pictures import Band, draw_bands, save_picture
from inkseed.plots import COLOURS, Plot, plot, save_plot, title
from inkseed.study.quality import quality_figure
from inkseed.study.result import Study
from inkseed.study.study import Tell

EXTREME_OF, EXTREMES = 200, 10  # noises of a digit that are scored, and shown from either end


def save_study(study: Study, model: Model, folder: Path, tell: Tell = lambda _: None) -> list[Path]:
    """Write the plots and pictures and return their paths; `tell` is called with evaluations."""
    save_plot(quality_figure(study), folder / "quality.png")
    save_plot(stability_figure(study), folder / "stability.png")
    save_picture(extremes(model, 3, study.settings.how, tell), folder / "extremes.png")
    return [folder / name for name in ("quality.png", "stability.png", "extremes.png")]


def stability_figure(study: Study) -> Plot:
    """The distribution of the stability of Gaussian noise, by either inversion."""
    figure, axes = plot(1, 2, (8, 3.2))
    names = (("stability", "DDIM both ways"), ("renoise", "noised again, as the report lists it"))
    for axis, (name, words) in zip(axes, names, strict=True):
        axis.hist(study.pool.scores[name].ravel(), 60, color=COLOURS[0])
        title(axis, words)
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
    """The most and the least stable noises of a digit, with their images."""
    labels = model.indices([str(digit)]) * EXTREME_OF
    run = model.bind(Request(labels, sampling=SamplingOptions(**how)), tell)
    drawn = draw(run)
    table = ddim_stability(run, drawn.noise, run.condition).numpy()
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
        bands += [Band(caption, noise), Band("and their images", drawn.images[rows])]
    return draw_bands(bands, EXTREMES)
