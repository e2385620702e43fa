"""Find a frame around a picture, or the desk around a sheet, to cut it off."""

import numpy as np

OUTSIDE = 0.9  # of the outermost rows and columns is frame, at least
INSIDE = 0.4  # of a row is frame, at most, where the sheet begins
LEAST_SIDE = 8  # pixels of a sheet


def inside_frame(grey: np.ndarray) -> np.ndarray | None:
    """The part of grey (H, W) inside a frame of another lightness; None if there is no frame.

    A digit is not taken for a frame, since its outermost rows and columns are not filled from side
    to side; nor is a printed form, in which only those are.
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
    """The rows inside the frame."""
    share = frame.mean(1)
    clear = np.flatnonzero(share <= INSIDE)
    if not len(clear) or min(share[0], share[-1]) < OUTSIDE:
        return None
    return slice(int(clear[0]), int(clear[-1]) + 1)
