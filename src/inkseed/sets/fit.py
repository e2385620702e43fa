"""Put a typeset number on paper of the size that a trainer wants: whole, and never distorted.

A number is fitted into what its margins leave, then padded with paper. Its digits are scaled and
set one by one, so each box is the tight box of its own digit's ink, whatever lies beside it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor

import numpy as np
from PIL import Image

from inkseed.checks import brief, real_number, whole_number
from inkseed.errors import InkseedError, warn
from inkseed.rng import Purpose, uniforms
from inkseed.sets.digit import Digit
from inkseed.sets.labelled_number import Box

MOST_SIDE = 1024  # pixels
LEAST_SIDE = 8
LEGIBLE = 4  # pixels across a digit, at least
LEAST_INK = 4  # pixels that margins must leave
ALIGNMENTS = {"left": 0.0, "centre": 0.5, "right": 1.0, "anywhere": None}
REACH = 3  # pixels beyond a digit's ink that its smooth edge may reach
PALE = 32  # of 255: what is fainter at a digit's edge counts as paper
HELD = 0.98  # of a digit's ink, which its box holds in any case
MOST_GAPS = 0.5  # of the room: the rest is for ink
Range = tuple[float, float]


@dataclass(frozen=True)
class Fit:
    """How numbers stand on their paper; distances in pixels of the finished image.

    Raises InkseedError for impossible values.

    Attributes:
        height: of every image.
        width: of every image; None gives each what it needs.
        margin: the range of the paper left free at each of the four sides.
        gap: the range of what is added between neighbours.
        align: where a number stands on paper that is wider: left, centre, right, or anywhere.
        cells: whether digits stand in the middle of cells of one width, as in a form; `gap` is then
            the paper between the widest digit and the sides of its cell.
    """

    height: int = 32
    width: int | None = 128
    margin: Range = (2, 2)
    gap: Range = (0, 0)
    align: str = "centre"
    cells: bool = False

    def __post_init__(self) -> None:
        whole_number(self.height, "height", LEAST_SIDE, MOST_SIDE)
        if self.width is not None:
            whole_number(self.width, "width", LEAST_SIDE, MOST_SIDE)
        least = min(self.height, self.width or self.height)
        check_range(self.margin, "margin", 0, (least - LEAST_INK) / 2)
        check_range(self.gap, "gap", 0, self.height)
        if self.align not in ALIGNMENTS:
            raise InkseedError(f"align is one of {', '.join(ALIGNMENTS)}, not {brief(self.align)}")

    def check_legible(self, digits: int) -> None:
        """Warn if numbers of so many digits will probably be too small to read."""
        if self.width is None:
            return
        room = (self.width - 2 * self.margin[1] - self.gap[1] * (digits - 1)) / digits
        if room < LEGIBLE:
            warn(
                f"{digits} digits in images {self.width} wide have {max(room, 0):.1f} pixels each,"
                " too few to be read: raise --width, or give --width 0"
            )


def check_range(value: Range, name: str, least: float, most: float) -> None:
    """Raise InkseedError, naming it, unless `value` is two numbers in order and within limits."""
    if not isinstance(value, (list, tuple)) or len(value) != 2:
        raise InkseedError(f"{name} is a range of two numbers, not {brief(value)}")
    low, high = (real_number(each, name, least, most) for each in value)
    if low > high:
        raise InkseedError(f"{name} must go from the smaller to the larger, not {brief(value)}")


def fit_digits(
    digits: Sequence[Digit], how: Fit, seed: int, index: int
) -> tuple[np.ndarray, list[Box]]:
    """Fit a number, one digit or more: uint8 (height, width), ink 255, and each digit's tight box.

    The same digits, settings, seed and index make the same image. A digit without ink has an empty
    box.
    """
    drawn = uniforms(seed, Purpose.PLACE, [(index,)], 5 + len(digits))[0]
    left, right, top, bottom = within(how.margin, drawn[:4])
    place = ALIGNMENTS[how.align]
    place = drawn[4] if place is None else place
    gaps = within(how.gap, drawn[5:])
    inked = [digit for digit in digits if digit.ink.any()] or digits
    y0, y1 = min(digit.box[1] for digit in inked), max(digit.box[3] for digit in inked)
    line = _cells(digits, gaps[0]) if how.cells else _line(digits, gaps[1:])
    scale = (how.height - top - bottom) / max(y1 - y0, 1)
    if how.width is not None:
        line, scale = line.into(how.width - left - right, scale)
    width = how.width or max(LEAST_SIDE, ceil(line.width(scale) + left + right))
    x = left + place * (width - left - right - line.width(scale))
    y = top + (how.height - top - bottom - scale * (y1 - y0)) / 2 - scale * y0
    page = np.zeros((how.height, width), np.int32)
    starts = x + line.starts(scale)
    found = [_set(page, digit, scale, at, y) for digit, at in zip(digits, starts, strict=True)]
    return page.clip(max=255).astype(np.uint8), found


def within(limits: Range, drawn: np.ndarray) -> np.ndarray:
    """Uniform numbers from 0 to 1 as numbers in a range."""
    low, high = limits
    return low + (high - low) * drawn


@dataclass(frozen=True)
class Line:
    """Digits on a line: digit k begins at `at[k] * scale + add[k]`; it is `long * scale + more`."""

    at: np.ndarray
    add: np.ndarray
    long: float
    more: float

    def starts(self, scale: float) -> np.ndarray:
        """Where page column 0 lies for each digit."""
        return self.at * scale + self.add

    def width(self, scale: float) -> float:
        """From the first ink, or cell, to the last."""
        return self.long * scale + self.more

    def into(self, room: float, scale: float) -> "tuple[Line, float]":
        """The line, with less between its digits if it must be, and the scale at which it fits."""
        most = MOST_GAPS * room
        less = most / self.more if self.more > most else 1.0
        line = Line(self.at, self.add * less, self.long, self.more * less)
        return line, min(scale, (room - line.more) / max(self.long, 1))


def _line(digits: Sequence[Digit], gaps: np.ndarray) -> Line:
    """Digits as they were typeset, with so much more between neighbours."""
    x0, x1 = min(digit.box[0] for digit in digits), max(digit.box[2] for digit in digits)
    add = np.concatenate(([0.0], np.cumsum(gaps)))
    return Line(np.full(len(digits), -float(x0)), add, x1 - x0, float(add[-1]))


def _cells(digits: Sequence[Digit], free: float) -> Line:
    """Each digit in the middle of a cell as wide as the widest, with so much free at both sides."""
    widest = max(digit.box[2] - digit.box[0] for digit in digits)
    places = np.arange(len(digits)) + 0.5
    middles = np.array([(digit.box[0] + digit.box[2]) / 2 for digit in digits])
    count = len(digits)
    return Line(places * widest - middles, places * 2 * free, count * widest, count * 2 * free)


def _set(page: np.ndarray, digit: Digit, scale: float, x: float, y: float) -> Box:
    """Add a scaled digit to the page, where page column 0 lies at x and row 0 at y: its box."""
    height, width = digit.ink.shape
    x0, x1 = _reach(scale * digit.x + x, scale * width, page.shape[1])
    y0, y1 = _reach(scale * digit.y + y, scale * height, page.shape[0])
    if not digit.ink.any() or x0 >= x1 or y0 >= y1:
        x0, y0 = min(max(x0, 0), page.shape[1]), min(max(y0, 0), page.shape[0])
        return x0, y0, x0, y0
    edge = ceil((REACH + 1) / scale)
    source = Image.fromarray(digit.ink).crop((-edge, -edge, width + edge, height + edge))
    left, top = edge - digit.x - x / scale, edge - digit.y - y / scale
    region = np.array((x0 / scale + left, y0 / scale + top, x1 / scale + left, y1 / scale + top))
    inside = tuple(region.clip(0, source.size * 2))  # rounding may put it just outside
    small = np.asarray(source.resize((x1 - x0, y1 - y0), Image.Resampling.BICUBIC, inside))
    page[y0:y1, x0:x1] += small
    u0, v0, u1, v1 = tight(small)
    return x0 + u0, y0 + v0, x0 + u1, y0 + v1


def _reach(start: float, length: float, limit: int) -> tuple[int, int]:
    return max(0, floor(start) - REACH), min(limit, ceil(start + length) + REACH)


def tight(ink: np.ndarray) -> Box:
    """The tight box of one digit's ink (H, W), which holds 98 % of it; empty if there is none.

    It goes by pixels that are PALE or darker; where strokes are so thin that this leaves out more,
    by fainter ones.
    """
    total, level = ink.sum(dtype=np.int64), PALE
    while total:
        inked = ink >= level
        columns, rows = np.flatnonzero(inked.any(0)), np.flatnonzero(inked.any(1))
        if len(columns):
            x0, y0, x1, y1 = columns[0], rows[0], columns[-1] + 1, rows[-1] + 1
            if ink[y0:y1, x0:x1].sum(dtype=np.int64) >= HELD * total:
                return int(x0), int(y0), int(x1), int(y1)
        level //= 2
    return 0, 0, 0, 0
