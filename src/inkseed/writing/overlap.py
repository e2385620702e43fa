"""Which digits on a line lie on each other."""

import numpy as np

OVERLAP = 0.6  # of the narrower digit's width: composites have 0.5 at most, to a pixel's rounding


def on_each_other(boxes: np.ndarray) -> np.ndarray:
    """Which digits on a line lie on a neighbour, from their boxes (..., K, 4): bool (..., K).

    Two do if their boxes share more than OVERLAP of the narrower one's width. They cannot be
    separated: what is cut off one is taken for the other.
    """
    left, right = boxes[..., 0], boxes[..., 2]
    shared = np.minimum(right[..., :-1], right[..., 1:]) - np.maximum(left[..., :-1], left[..., 1:])
    widths = right - left
    lie = shared > OVERLAP * np.minimum(widths[..., :-1], widths[..., 1:])
    none = np.zeros((*lie.shape[:-1], 1), bool)
    return np.concatenate((none, lie), -1) | np.concatenate((lie, none), -1)
