"""Cut several digits out of one sheet, without the ink of any other."""

import numpy as np
from scipy import ndimage

from inkseed.data.strokes import ALL_ROUND, strokes

LEAST_SIDE = 40  # pixels: a smaller picture is one digit
TALL = 0.4  # of the tallest stroke's height: at least that is a digit, or a large part of one
JOINED = 0.04  # of a digit's height: strokes this close are one stroke with a gap
ATTACHED = 0.25  # of a digit's height: a part so close belongs to the digit
MOST = 10_000  # strokes: the time to group them grows with their square
BESIDE = 0.3  # of the smaller box: parts whose boxes share so much are one digit
TOP, LEFT, BOTTOM, RIGHT = range(4)  # of a box: rows and columns, half-open


def cut_apart(levels: np.ndarray) -> list[np.ndarray]:
    """Ink (H, W), 0 to 1 -> the ink of each digit; [levels] if there is only one.

    Nothing for more than 10,000 strokes, which are a pattern and not handwriting.
    """
    if max(levels.shape) < LEAST_SIDE:
        return [levels]
    parts, boxes = _parts(strokes(levels))
    if len(boxes) > MOST:
        return []
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


def _parts(inked: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Number the strokes (H, W), from 1, with their boxes (n, 4); those that nearly touch are one.

    If there are more than 10,000 strokes, they are not joined.
    """
    found, count = ndimage.label(inked, ALL_ROUND)
    boxes = _boxes(found)
    if count > MOST:
        return found, boxes
    tallest = int((boxes[:, BOTTOM] - boxes[:, TOP]).max(initial=0))
    gap = round(JOINED / 2 * tallest)
    joined = ndimage.binary_dilation(inked, ALL_ROUND, iterations=gap) if gap else inked
    parts = ndimage.label(joined, ALL_ROUND)[0] * inked
    return parts, _boxes(parts)


def _boxes(parts: np.ndarray) -> np.ndarray:
    found = [(y.start, x.start, y.stop, x.stop) for y, x in ndimage.find_objects(parts)]
    return np.array(found, np.int64).reshape(-1, 4)


def _grouped(boxes: np.ndarray) -> list[np.ndarray]:
    """The strokes of each digit: a large one, those that it crosses, and small ones nearby."""
    if not len(boxes):
        return []
    heights = boxes[:, BOTTOM] - boxes[:, TOP]
    usual = float(np.median(heights[heights >= TALL * heights.max()]))
    large = np.flatnonzero(heights >= TALL * usual)
    last = np.arange(len(large))  # of the large strokes of the same digit
    for k in range(len(large)):
        before = last[:k]
        mine = before[_one_digit(boxes[large[k]], boxes[large[:k]], usual)]
        before[np.isin(before, mine)] = k
    digits, of_large = np.unique(last, return_inverse=True)
    group = np.full(len(boxes), -1)
    group[large] = of_large
    for small in np.flatnonzero(group < 0):
        gaps = _gaps(boxes[small], boxes[large])
        if (least := gaps.min()) <= ATTACHED * usual:
            group[small] = of_large[gaps == least].min()
    return [np.flatnonzero(group == digit) for digit in range(len(digits))]


def _one_digit(a: np.ndarray, others: np.ndarray, height: float) -> np.ndarray:
    """Which of several large strokes are parts of one digit with the large stroke a."""
    corners = np.minimum(a[2:], others[:, 2:]) - np.maximum(a[:2], others[:, :2])
    down, across = corners.T
    areas = (others[:, 2:] - others[:, :2]).prod(1)
    widths = others[:, RIGHT] - others[:, LEFT]
    smaller = np.minimum(areas, (a[2:] - a[:2]).prod())
    above = (across >= 0.5 * np.minimum(widths, a[RIGHT] - a[LEFT])) & (-down <= JOINED * height)
    crossing = across * down >= BESIDE * smaller
    joined: np.ndarray = np.where((across > 0) & (down > 0), crossing, above)
    return joined


def _gaps(a: np.ndarray, others: np.ndarray) -> np.ndarray:
    """How far a stroke's box is from others'."""
    apart = np.maximum(a[:2], others[:, :2]) - np.minimum(a[2:], others[:, 2:])
    gaps: np.ndarray = apart.max(1).clip(min=0)
    return gaps
