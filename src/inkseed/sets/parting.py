"""Which ink of a typeset number belongs to which of its digits."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import ndimage

from inkseed.data.pairs import INK
from inkseed.errors import InkseedError
from inkseed.sets.labelled_number import Box

FAR = 1 << 30
EIGHT = np.ones((3, 3), int)  # strokes may meet at a corner


class Digit(NamedTuple):
    """The ink of one digit, uint8 (h, w), the page's pixel at its corner, and its box there."""

    ink: np.ndarray
    x: int
    y: int
    box: Box


def part(ink: np.ndarray, boxes: Sequence[Box]) -> list[Digit]:
    """Part the ink (H, W) of a number: each pixel goes to one digit, so that together they are all.

    Ink outside all boxes, a stroke's faint edge, goes to the nearest. Where boxes overlap, a
    stroke goes to the digit that it is connected with; one that joins two is cut in the middle.
    """
    if not boxes:
        raise InkseedError("a number without digits cannot be fitted")
    columns = np.arange(ink.shape[1])
    nearest = np.stack([_away(columns, box) for box in boxes]).argmin(0).astype(np.int16)
    owners = np.broadcast_to(nearest, ink.shape)
    for k in range(len(boxes) - 1):
        begin, end = max(boxes[k][0], boxes[k + 1][0]), min(boxes[k][2], boxes[k + 1][2])
        if begin < end:
            owners = owners if owners.flags.writeable else owners.copy()
            owners[:, begin:end] = np.where(_later(ink, boxes, k, begin, end), k + 1, k)
    return [_digit(ink, owners, nearest, k, box) for k, box in enumerate(boxes)]


def _away(columns: np.ndarray, box: Box) -> np.ndarray:
    """How far each column lies from a box; very far if that is empty."""
    x0, _, x1, _ = box
    if x0 >= x1:
        return np.full(len(columns), FAR)
    return np.maximum(np.maximum(x0 - columns, columns - x1 + 1), 0)


def _later(ink: np.ndarray, boxes: Sequence[Box], k: int, begin: int, end: int) -> np.ndarray:
    """Which pixels of the columns that the boxes of digits k and k + 1 share are of the later."""
    left, right = min(boxes[k][0], boxes[k + 1][0]), max(boxes[k][2], boxes[k + 1][2])
    region = ink[:, left:right]
    pieces, count = ndimage.label(region >= INK, EIGHT)
    first, last = (
        np.bincount(side.ravel(), minlength=count + 1) > 0
        for side in (pieces[:, : begin - left], pieces[:, end - left :])
    )
    shared = pieces[:, begin - left : end - left]
    near = ndimage.distance_transform_edt(shared == 0, return_distances=False, return_indices=True)
    shared = shared[tuple(near)]  # faint edges go with the stroke that they are closest to
    middle = np.arange(begin, end) >= (begin + end) / 2  # of one that joins both, or neither
    found: np.ndarray = np.where((first == last)[shared], middle, last[shared])
    return found


def _digit(ink: np.ndarray, owners: np.ndarray, nearest: np.ndarray, k: int, box: Box) -> Digit:
    own = np.flatnonzero(nearest == k)
    x0, x1 = box[0], box[2]
    if len(own):
        x0, x1 = min(x0, int(own[0])), max(x1, int(own[-1]) + 1)
    layer, mine = ink[:, x0:x1], owners[:, x0:x1] == k
    layer = layer if mine.all() else np.where(mine, layer, 0)
    rows, columns = np.flatnonzero(layer.any(1)), np.flatnonzero(layer.any(0))
    if box[0] >= box[2] or not len(rows):
        return Digit(np.zeros((1, 1), np.uint8), box[0], box[1], box)
    y0, y1 = int(rows[0]), int(rows[-1]) + 1
    u0, u1 = int(columns[0]), int(columns[-1]) + 1
    return Digit(layer[y0:y1, u0:u1], x0 + u0, y0, box)
