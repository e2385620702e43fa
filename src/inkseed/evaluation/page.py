"""The evaluation as one self-contained HTML page of tables, pictures and curves."""

import base64
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from matplotlib import rc_context
from matplotlib.figure import Figure
from PIL import Image

from inkseed.data.labelled import LabelledImages
from inkseed.data.least_ink import NOTHING
from inkseed.data.style import measure_style
from inkseed.evaluation.evaluation import Evaluation, SetResult
from inkseed.evaluation.metrics import READINGS
from inkseed.evaluation.registry import readings
from inkseed.evaluation.table import rows, usefulness_lines
from inkseed.files import write_text
from inkseed.pictures import PAPER, Band, draw_bands, png
from inkseed.plots import COLOURS, plot, title

PER_CLASS = 10  # random images shown of each class
WORST = 40
PAIRS = 12
OWN, REAL = COLOURS[0], "#8a8a8a"


def save_page(evaluation: Evaluation, path: str | Path) -> None:
    """Write the page, whole or not at all; its pictures show the first set."""
    shown, held_out = evaluation.sets[0], evaluation.real_digits.held_out
    environment = Environment(
        loader=PackageLoader("inkseed.evaluation", ""), autoescape=True, undefined=StrictUndefined
    )
    useful = evaluation.usefulness
    text = environment.get_template("page.html.j2").render(
        held_out=evaluation.held_out,
        sha256=evaluation.real_digits.reference.judge.sha256,
        seconds=round(evaluation.seconds),
        sets=[(each, rows(each)) for each in evaluation.sets],
        meanings=[(reading.title, reading.meaning) for reading in readings().values()],
        usefulness=[str(line) for line in usefulness_lines(useful, evaluation.held_out).renderables]
        if useful
        else [],
        grid=_grid(shown.judged.source, "the set"),
        real_grid=_grid(held_out, "real"),
        worst=_worst(shown),
        nearest=_nearest(shown, evaluation.real_digits.training),
        per_class=shown.per_class(),
        confusion=shown.confusion(),
        style=_style_chart(shown.judged.source, held_out),
        curve=_curve(evaluation.sets),
    )
    write_text(path, text)


def random_rows(source: LabelledImages) -> np.ndarray:
    """Ten random images of each digit, one row per digit: uint8 (100, H, W).

    If a digit has fewer, the rest of its row is paper.
    """
    rng = np.random.default_rng(0)
    rows = np.zeros((10 * PER_CLASS, *source.images.shape[1:]), np.uint8)
    for digit in range(10):
        drawn = rng.permutation(np.flatnonzero(source.labels == digit))[:PER_CLASS]
        rows[digit * PER_CLASS : digit * PER_CLASS + len(drawn)] = source.images[drawn]
    return rows


def _grid(source: LabelledImages, caption: str) -> str:
    picture = draw_bands([Band(caption, random_rows(source))], PER_CLASS)
    return _png(picture)


def _worst(result: SetResult) -> list[dict[str, Any]]:
    """The images whose labels judge B finds least probable, worst first."""
    source, measured = result.judged.source, result.measured
    order = np.argsort(measured.probability, kind="stable")[:WORST]
    return [
        {
            "image": _digit(source.images[k]),
            "asked": int(source.labels[k]),
            "read": _read(measured.read[k]),
            "probability": float(measured.probability[k]),
        }
        for k in order
    ]


def _read(digit: int) -> str:
    return "nothing" if digit == NOTHING else str(digit)


def _nearest(result: SetResult, training: LabelledImages) -> dict[str, list[dict[str, Any]]]:
    """Images beside their nearest training images: the closest ones, and random ones."""
    measured, images = result.measured, result.judged.source.images
    closest = np.argsort(measured.distance_pixels, kind="stable")[:PAIRS]
    random = np.random.default_rng(0).permutation(len(measured.chosen))[:PAIRS]
    return {
        words: [
            {
                "image": _digit(images[measured.chosen[k]]),
                "training": _digit(training.images[measured.nearest_pixels[k]]),
                "distance": float(measured.distance_pixels[k]),
            }
            for k in which
        ]
        for words, which in (("closest", closest), ("random", random))
    }


def _style_chart(source: LabelledImages, held_out: LabelledImages) -> str:
    figure, axes = plot(1, 2, (8, 2.4))
    units = ("slant, degrees to the right", "stroke thickness, pixels")
    for axis, own, real, unit in zip(
        axes, measure_style(source.images), measure_style(held_out.images), units, strict=True
    ):
        least, most = np.quantile(np.concatenate((own, real)), (0.001, 0.999))
        edges = np.linspace(least, most, 40).tolist()
        axis.hist(real, edges, density=True, color=REAL, alpha=0.5, label="real")
        axis.hist(own, edges, density=True, color=OWN, histtype="step", lw=1.5, label="the set")
        axis.set_xlabel(unit)
        axis.set_yticks([])
        axis.spines["left"].set_visible(False)
    axes[0].legend(frameon=False)
    return _svg(figure)


def _curve(sets: Sequence[SetResult]) -> str | None:
    """Accuracy and coverage over guide_w: the trade-off of guidance; None for one set."""
    guided = [each for each in sets if each.judged.guide_w is not None]
    if len(sets) < 2 or len(guided) < len(sets):
        return None
    sets = sorted(guided, key=lambda each: each.judged.guide_w or 0.0)
    strengths = [each.judged.guide_w for each in sets]
    figure, axes = plot(1, 2, (8, 2.8))
    for axis, name in zip(axes, ("accuracy", "coverage"), strict=True):
        metrics = [each.metrics[name] for each in sets]
        value = np.array([metric.value for metric in metrics])
        reach = np.array([(m.value - m.low, m.high - m.value) for m in metrics]).T
        axis.errorbar(strengths, value, reach, color=OWN, marker="o", capsize=3, label="the set")
        axis.axhline(metrics[0].baseline, color=REAL, ls="--", label="real")
        axis.set_xlabel("guide_w")
        title(axis, READINGS[name].title)
        axis.legend(frameon=False)
    return _svg(figure)


def _svg(figure: Figure) -> str:
    buffer = io.StringIO()
    with rc_context({"svg.hashsalt": "inkseed"}):  # the same names in every page
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    svg = buffer.getvalue()
    return svg[svg.index("<svg") :]


def _digit(image: np.ndarray) -> str:
    return _png(Image.fromarray(PAPER - image))


def _png(picture: Image.Image) -> str:
    return "data:image/png;base64," + base64.b64encode(png(picture)).decode("ascii")
