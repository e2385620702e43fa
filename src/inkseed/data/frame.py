"""A frame around a picture, or the desk around a sheet: found, so that it can be cut off."""

import numpy as np

OUTSIDE = 0.9  # of the outermost rows and columns is frame
INSIDE = 0.4  # of a row is frame, at most: there the sheet begins
LEAST_SIDE = 8  # pixels of a sheet


def inside_frame(grey: np.ndarray) -> np.ndarray | None:
    """What a frame of another lightness encloses, a part of grey (H, W); None where there is none.

    A digit does not look like a sheet: its outermost rows and columns are not full from side to
    side; nor does a printed form, of which only those are.
    """
    dark = grey < (grey.min() + grey.max()) / 2
    for frame in (dark, ~dark):
        rows, columns = _sheet(frame), _sheet(frame.T)
        if rows is None or columns is None:
            continue
        part = frame[rows, columns]
        if min(part.shape) < LEAST_SIDE:
            continue
        ends = (part[0], part[-1], part[:, 0], part[:, -1], part)
        if max(each.mean() for each in ends) <= INSIDE:
            return grey[rows, columns]
    return None


def _sheet(frame: np.ndarray) -> slice | None:
    """The rows of the sheet within the frame."""
    share = frame.mean(1)
    clear = np.flatnonzero(share <= INSIDE)
    if not len(clear) or min(share[0], share[-1]) < OUTSIDE:
        return None
    return slice(int(clear[0]), int(clear[-1]) + 1)
