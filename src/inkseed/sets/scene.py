"""What is printed around a number before it is written: the comb of a form, or a line."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from inkseed.errors import InkseedError
from inkseed.rng import Purpose, uniforms
from inkseed.sets.fit import Range, within
from inkseed.sets.labelled_number import Box

SCENES = ("comb", "line")
UNIT = 32  # pixels: the height of an image whose lines are one pixel wide
PRINT: Range = (70, 150)  # of 255: how dark what is printed is; ink is darker
FREE: Range = (0.5, 2)  # pixels of an image 32 high: between ink and what is printed


def check_scene(name: str) -> None:
    """Raise InkseedError for a scene that nobody can draw."""
    if name not in SCENES:
        raise InkseedError(f"a scene is {' or '.join(SCENES)}, not {name!r}")


def draw_scene(
    ink: np.ndarray, boxes: Sequence[Box], scene: str, seed: int, index: int
) -> np.ndarray:
    """Print a scene under a number, uint8 (H, W), ink 255: the same with grey lines.

    A comb has a cell for each digit, of one width if the digits stand evenly (`Fit.cells`). Boxes
    stay as they are. The same number, scene, seed and index make the same image.
    """
    check_scene(scene)
    grey, free = uniforms(seed, Purpose.SCENE, [(index,)], 2)[0]
    unit = ink.shape[0] / UNIT
    printed = Image.new("L", ink.shape[::-1])
    draw = ImageDraw.Draw(printed)
    grey_level, gap = round(float(within(PRINT, grey))), unit * float(within(FREE, free))
    lines = _comb(ink.shape, boxes, gap) if scene == "comb" else _line(ink.shape, boxes, gap)
    for line in lines:
        draw.line(line, fill=grey_level, width=max(1, round(unit)))
    return np.maximum(ink, np.asarray(printed))


Segment = tuple[float, float, float, float]


def _line(shape: tuple[int, ...], boxes: Sequence[Box], gap: float) -> list[Segment]:
    """A rule from edge to edge, under where most digits end."""
    height, width = shape
    y = min(float(np.median([box[3] for box in boxes])) + gap, height - 1)
    return [(0, y, width - 1, y)]


def _comb(shape: tuple[int, ...], boxes: Sequence[Box], gap: float) -> list[Segment]:
    """Cells from above the highest ink to below the lowest, evenly along the number."""
    height, width = shape
    top = max(min(box[1] for box in boxes) - gap - 1, 0)
    bottom = min(max(box[3] for box in boxes) + gap, height - 1)
    sides = _sides(boxes, gap).clip(0, width - 1).tolist()
    across = [(sides[0], y, sides[-1], y) for y in (top, bottom)]
    return [*across, *[(x, top, x, bottom) for x in sides]]


def _sides(boxes: Sequence[Box], gap: float) -> np.ndarray:
    """Where a comb's upright lines are (n + 1,): evenly spaced, as the digits' middles are."""
    middles = np.array([(box[0] + box[2]) / 2 for box in boxes])
    widest = max(box[2] - box[0] for box in boxes) + 2 * gap
    if len(boxes) == 1:
        return middles[0] + np.array([-0.5, 0.5]) * widest
    step, first = np.polyfit(np.arange(len(boxes)), middles, 1)
    return first + step * (np.arange(len(boxes) + 1) - 0.5)
