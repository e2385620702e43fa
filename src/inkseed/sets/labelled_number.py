"""One image of a set: a number, where each of its digits stands, and what it says."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from inkseed.outline import Outlined

Box = tuple[int, int, int, int]


@dataclass(frozen=True, repr=False, eq=False)
class LabelledNumber(Outlined):
    """A finished image of a set and its truth.

    Attributes:
        index: its place in the whole set, from 0.
        label: its digits, leading zeros included.
        image: uint8 (H, W), or (H, W, 3) where paper has a tint; ink as the set asks for it.
        boxes: each digit's tight ink box (x0, y0, x1, y1), half-open, in pixels of `image`.
    """

    index: int
    label: str
    image: np.ndarray
    boxes: Sequence[Box]
