"""Read one picture by itself: its digits, in the size and the form that are wanted."""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from inkseed.data.form import fitted, full_contrast
from inkseed.data.frame import inside_frame
from inkseed.data.ink import Ink, Paper, tell_ink
from inkseed.data.levels import to_bytes
from inkseed.data.pen import legible_as_mnist
from inkseed.data.sheet import LEAST_SIDE, cut_apart
from inkseed.data.strokes import away_from_border, only_strokes, strokes, without_lines


@dataclass
class Found:
    """What a picture gave: uint8 images of the wanted size, ink 255; none unless it is "ink"."""

    state: Literal["ink", "blank", "unsure", "unreadable"]
    images: list[np.ndarray] = field(default_factory=list)
    paper: Paper | None = None
    formed: bool = False  # brought to MNIST's form
    mended: bool = False  # its contrast, light or surroundings were corrected


def read_own(
    grey: np.ndarray,
    size: tuple[int, int],
    formed: bool,
    several: bool,
    known: Paper | None = None,
) -> Found:
    """Grey levels (H, W), 0 to 1 -> what a picture holds.

    `formed` brings it to MNIST's form, `several` looks for more than one digit, and `known` is the
    paper of other pictures, for one that is not clear by itself.
    """
    sheet = inside_frame(grey)
    ink = "blank" if sheet is None else tell_ink(sheet)
    framed = isinstance(ink, Ink)  # what encloses no ink is not a frame
    if not framed:
        ink = tell_ink(grey, known)
    if not isinstance(ink, Ink):
        return Found(ink)
    levels = ink.levels
    if max(grey.shape) >= LEAST_SIDE:
        levels = without_lines(levels)
    if framed:
        levels = away_from_border(levels)
    if formed or max(grey.shape) >= LEAST_SIDE or not ink.clean:
        levels = only_strokes(levels)
    if not strokes(levels).any():
        return Found("blank")
    cuts = [to_bytes(cut) for cut in (cut_apart(levels) if several else [levels])]
    if not cuts:
        return Found("unreadable")
    if formed:
        images = [legible_as_mnist(cut, size) for cut in cuts]
    else:
        images = [full_contrast(fitted(cut, size)) for cut in cuts]
    return Found("ink", images, ink.paper, formed, framed or not ink.clean)
