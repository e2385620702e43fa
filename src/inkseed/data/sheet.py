"""Cut several digits out of one sheet, without the ink of any other."""

from typing import NamedTuple

import numpy as np
from scipy import ndimage

from inkseed.data.strokes import ALL_ROUND, strokes

LEAST_SIDE = 40  # pixels: a smaller picture is one digit
TALL = 0.4  # of the tallest stroke's height: at least that is a digit, or a large part of one
JOINED = 0.04  # of a digit's height: strokes this close are one stroke with a gap
ATTACHED = 0.25  # of a digit's height: a part so close belongs to the digit
BESIDE = 0.3  # of the smaller box: parts whose boxes share so much are one digit


class Box(NamedTuple):
    """Rows and columns, half-open."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def height(self) -> int:
        return self.bottom - self.top

    @property
    def width(self) -> int:
        return self.right - self.left


def cut_apart(levels: np.ndarray) -> list[np.ndarray]:
    """Ink (H, W), 0 to 1 -> the ink of each digit; [levels] if there is only one."""
    if max(levels.shape) < LEAST_SIDE:
        return [levels]
    parts, boxes = _parts(strokes(levels))
    digits = _grouped(boxes)
    if len(digits) < 2:
        return [levels]
    owner = np.zeros(len(boxes) + 1, np.int64)
    for k, group in enumerate(digits, 1):
        owner[[part + 1 for part in group]] = k
    # every pixel belongs to the digit with the nearest stroke
    nearest = ndimage.distance_transform_edt(
        owner[parts] == 0, return_distances=False, return_indices=True
    )
    of_digit = owner[parts][tuple(nearest)]
    places = enumerate(ndimage.find_objects(of_digit), 1)
    return [np.where(of_digit[place] == k, levels[place], 0) for k, place in places]


def _parts(inked: np.ndarray) -> tuple[np.ndarray, list[Box]]:
    """Number the strokes (H, W), from 1, with their boxes; those that nearly touch are one."""
    found = ndimage.find_objects(ndimage.label(inked, ALL_ROUND)[0])
    gap = round(JOINED / 2 * max((y.stop - y.start for y, _ in found), default=0))
    joined = ndimage.binary_dilation(inked, ALL_ROUND, iterations=gap) if gap else inked
    parts = ndimage.label(joined, ALL_ROUND)[0] * inked
    boxes = [Box(y.start, x.start, y.stop, x.stop) for y, x in ndimage.find_objects(parts)]
    return parts, boxes


def _grouped(boxes: list[Box]) -> list[list[int]]:
    """The strokes of each digit: a large one, those that it crosses, and small ones nearby."""
    if not boxes:
        return []
    tallest = max(box.height for box in boxes)
    usual = float(np.median([box.height for box in boxes if box.height >= TALL * tallest]))
    large = [k for k, box in enumerate(boxes) if box.height >= TALL * usual]
    groups: list[list[int]] = []
    for k in large:
        mine = [
            group for group in groups if any(_one_digit(boxes[k], boxes[j], usual) for j in group)
        ]
        groups = [group for group in groups if group not in mine]
        groups.append([k, *(j for group in mine for j in group)])
    for k in set(range(len(boxes))) - set(large):
        gaps = [min(_gap(boxes[k], boxes[j]) for j in group if j in large) for group in groups]
        if min(gaps) <= ATTACHED * usual:
            groups[int(np.argmin(gaps))].append(k)
    return groups


def _one_digit(a: Box, b: Box, height: float) -> bool:
    """Whether two large strokes are parts of one digit."""
    across = min(a.right, b.right) - max(a.left, b.left)
    down = min(a.bottom, b.bottom) - max(a.top, b.top)
    if across > 0 and down > 0:
        smaller = min(a.height * a.width, b.height * b.width)
        return across * down >= BESIDE * smaller
    above = across >= 0.5 * min(a.width, b.width)
    return above and -down <= JOINED * height


def _gap(a: Box, b: Box) -> int:
    across = max(a.left, b.left) - min(a.right, b.right)
    down = max(a.top, b.top) - min(a.bottom, b.bottom)
    return max(across, down, 0)
