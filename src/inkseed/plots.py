"""One look for every plot: a figure that shows itself, lines named at their ends, bands, a file.

One font; the colours of Okabe and Ito, which colour-blind people can tell apart; names beside the
lines instead of a legend; at most six lines; intervals as bands.
"""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from inkseed.errors import InkseedError
from inkseed.files import write_atomically

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#56b4e9", "#e69f00", "#cc79a7")
INK, GREY = "#222222", "#c4c4c4"
MOST_LINES = len(COLOURS)
DPI = 130
NAME_SIZE, TITLE_SIZE = 8.5, 10
APART = 0.065  # of an axis' height, which a name needs
STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",  # matplotlib's own: the same on every machine
    "font.size": 9,
    "axes.titlesize": TITLE_SIZE,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.facecolor": "white",
}

End = tuple[str, float, str]  # of a line: its name, the height of its end, its colour


class Plot(Figure):
    """A figure that a notebook shows when it is a cell's last value."""

    def _repr_png_(self) -> bytes:
        buffer = io.BytesIO()
        self.savefig(buffer, format="png", dpi=100)
        return buffer.getvalue()


def plot(rows: int = 1, columns: int = 1, size: tuple[float, float] = (7, 3)) -> tuple[Plot, Any]:
    """A new figure of `size` inches and its axes: one, or an array (rows, columns) squeezed."""
    with rc_context(STYLE):
        figure = Plot(figsize=size, layout="constrained")
        return figure, figure.subplots(rows, columns)


def title(axis: Axes, words: str) -> None:
    """What the axis shows, at its upper left."""
    axis.set_title(words, loc="left", fontsize=TITLE_SIZE, color=INK)


def line(
    axis: Axes,
    x: ArrayLike,
    y: ArrayLike,
    name: str = "",
    colour: str = COLOURS[0],
    band: tuple[ArrayLike, ArrayLike] | None = None,
    **how: Any,
) -> None:
    """A line, with the interval (low, high) as a band around it; `name_ends` writes its name."""
    if band is not None:
        axis.fill_between(x, *band, color=colour, alpha=0.2, linewidth=0)
    label = name or "_nameless"
    axis.plot(x, y, color=colour, label=label, **{"linewidth": 1.8, **how})


def name_ends(axis: Axes, ends: Sequence[End] | None = None) -> None:
    """Write each line's name to the right of the axis, as close to its end as there is room.

    Call it last: it fixes the limits. `ends` are those of the lines that `line` named.

    Raises:
        InkseedError: for more than six, which nobody can tell apart.
    """
    if ends is None:
        named = [each for each in axis.get_lines() if not str(each.get_label()).startswith("_")]
        ends = [
            (str(each.get_label()), float(np.asarray(each.get_ydata())[-1]), str(each.get_color()))
            for each in named
        ]
    if len(ends) > MOST_LINES:
        raise InkseedError(f"a plot has at most {MOST_LINES} named lines, not {len(ends)}")
    low, high = axis.get_ylim()
    axis.set_ylim(low, high)
    to_axis = axis.transData + axis.transAxes.inverted()
    x = axis.get_xlim()[1]
    heights = [to_axis.transform((x, value))[1] for _, value, _ in ends]
    wanted = np.clip(heights, 0, 1)  # a line may leave the axis
    for (name, _, colour), height, place in zip(ends, wanted, spread(wanted, APART), strict=True):
        how: dict[str, Any] = {"transform": axis.transAxes, "color": colour}
        axis.plot((1.01, 1.05), (height, place), clip_on=False, linewidth=0.7, **how)
        axis.text(1.06, place, name, fontsize=NAME_SIZE, va="center", **how)


def spread(heights: np.ndarray, apart: float) -> np.ndarray:
    """Heights (n,), moved as little as possible (least squares) to be `apart`, in order."""
    order = np.argsort(heights, kind="stable")
    steps = apart * np.arange(len(heights))
    blocks: list[tuple[float, int]] = []  # sums and counts: isotonic regression by pooling
    for value in heights[order] - steps:
        total, count = float(value), 1
        while blocks and blocks[-1][0] / blocks[-1][1] > total / count:
            before = blocks.pop()
            total, count = total + before[0], count + before[1]
        blocks.append((total, count))
    level = np.concatenate([np.full(count, total / count) for total, count in blocks])
    found = np.empty(len(heights))
    found[order] = level + steps
    return found


def show_images(axes: Sequence[Axes], images: ArrayLike, names: Sequence[str] = ()) -> None:
    """One image (H, W) in [-1, 1] on each axis, dark ink on light paper, its name above it."""
    for k, (axis, image) in enumerate(zip(axes, np.asarray(images), strict=True)):
        axis.imshow(image, cmap="gray_r", vmin=-1, vmax=1)
        axis.set(xticks=[], yticks=[])
        axis.spines[:].set_visible(False)
        if k < len(names):
            axis.set_title(names[k], fontsize=NAME_SIZE, color=INK)


def save_plot(figure: Figure, path: Path) -> None:
    """Write a figure as PNG, whole or not at all."""
    write_atomically(path, lambda opened: figure.savefig(opened, format="png", dpi=DPI))
