"""Which ink of a picture is handwriting, and not dust, print-through or printed lines."""

import numpy as np
from scipy import ndimage

STRONG, WEAK = 0.5, 0.3  # a stroke has some ink so dark, and continues in ink so dark
SPECK = 0.02  # of the largest stroke's area: less is dust
ALL_ROUND = np.ones((3, 3), bool)  # neighbours, including corners
FAINTEST_LINE = 0.15  # ink at least so dark: paler lines do not hold strokes together
RULE = 0.9  # of a side: a printed line covers at least this
RULE_WIDTH = 0.04  # of the other side: its width, at most
RULES = 2  # at least so many lines, since a single one may be the bar of a 7
ALONG = 0.04  # of a side: a stroke mostly so close to the border lies along it
LEFT = 0.02  # of the ink: if less is left, what was removed was not lines


def strokes(levels: np.ndarray) -> np.ndarray:
    """Ink (H, W), 0 to 1 -> where strokes are, bool: strong ink, and weaker ink joined to it."""
    labels, count = ndimage.label(levels >= WEAK, ALL_ROUND)
    if count == 0:
        return np.zeros(levels.shape, bool)
    areas = np.bincount(labels.ravel(), minlength=count + 1)
    kept = np.zeros(count + 1, bool)
    kept[labels[levels >= STRONG]] = True
    if kept.any():
        kept &= areas >= SPECK * areas[kept].max()
    found: np.ndarray = kept[labels]
    return found


def only_strokes(levels: np.ndarray) -> np.ndarray:
    """The ink of strokes alone, with their soft edges."""
    edge = 1 + max(levels.shape) // 200
    near = ndimage.binary_dilation(strokes(levels), ALL_ROUND, iterations=edge)
    return np.where(near, levels, 0)


def without_lines(levels: np.ndarray) -> np.ndarray:
    """The ink without printed lines across the whole picture; strokes that cross them stay whole.

    Lines are horizontal or vertical, thin, and at least two.
    """
    dark = levels >= FAINTEST_LINE
    rows, columns = _lines(dark), _lines(dark.T)
    if len(rows) + len(columns) < RULES:
        return levels
    bridged = _bridged(_bridged(levels, rows).T, columns).T
    left = strokes(bridged)
    return bridged if left.sum() > LEFT * dark.sum() else levels


def _lines(dark: np.ndarray) -> list[slice]:
    """Runs of rows that are ink nearly all the way across, plus one row on either side."""
    across = np.flatnonzero(dark.mean(1) >= RULE)
    runs = np.split(across, np.flatnonzero(np.diff(across) > 1) + 1) if len(across) else []
    most = max(1, round(RULE_WIDTH * len(dark)))
    return [slice(max(run[0] - 1, 0), run[-1] + 2) for run in runs if len(run) <= most]


def _bridged(levels: np.ndarray, lines: list[slice]) -> np.ndarray:
    """Replace lines by the ink that is both above and below them."""
    levels = levels.copy()
    for line in lines:
        paper = np.zeros(levels.shape[1], levels.dtype)
        above = levels[line.start - 1] if line.start > 0 else paper
        below = levels[line.stop] if line.stop < len(levels) else paper
        levels[line] = np.minimum(above, below)
    return levels


def away_from_border(levels: np.ndarray) -> np.ndarray:
    """The ink without strokes along the border, which are remains of a frame."""
    labels, count = ndimage.label(strokes(levels), ALL_ROUND)
    y, x = (1 + round(ALONG * side) for side in levels.shape)
    areas = np.bincount(labels.ravel(), minlength=count + 1)
    inner = np.bincount(labels[y:-y, x:-x].ravel(), minlength=count + 1)
    along = (inner < areas / 2) & (np.arange(count + 1) > 0)
    return np.where(ndimage.binary_dilation(along[labels], ALL_ROUND), 0, levels)
