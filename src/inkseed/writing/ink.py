"""Whether a digit stands somewhere at all, whatever a judge reads there.

The judges learn from digits alone: both read blank paper as a "1" with a probability of 0.999. So
they are believed only where there is as much ink as a digit needs, and of its own. Ink is measured
where it stands, before a digit is scaled to MNIST's size: scaled up, a speck is a stroke.
"""

from collections.abc import Sequence

import numpy as np

from inkseed.data.labelled import LabelledImages
from inkseed.data.pairs import INK, ink_boxes

LEAST = (32.0, 13.7, 25.8, 24.1, 23.0, 22.3, 24.9, 21.7, 28.7, 23.0)
"""For 0 to 9, `least_ink` of parts A and B. `pytest tests/test_ink.py` computes it again."""
SHORTEST = 10  # pixels of a digit's longer side: half of what MNIST gives every digit
OVERLAP = 0.6  # of the narrower digit's width: composites have 0.5 at most, to a pixel's rounding


def least_ink(digits: LabelledImages) -> np.ndarray:
    """Half the ink of the thinnest one in a hundred digits of each class: float64 (classes,)."""
    ink = np.array([ink_of(image) for image in digits.images])
    classes = range(len(digits.class_names))
    return np.array([np.percentile(ink[digits.labels == k], 1) / 2 for k in classes])


def ink_of(image: np.ndarray, unit: float = 1) -> float:
    """The ink of an image (h, w), ink 255, in pixels of MNIST that are full of it.

    `unit` is how many of the image's pixels are as long as one of MNIST's.
    """
    ink = np.where(image >= INK, image, 0)
    return float(ink.sum(dtype=np.int64)) / 255 / unit**2


def possible_digits(images: Sequence[np.ndarray], unit: float = 1) -> np.ndarray:
    """Which of 0 to 9 may stand in each image (h, w), ink 255: bool (N, 10).

    A digit needs LEAST ink, and a longer side of SHORTEST; `unit` is as for `ink_of`.
    """
    ink = np.array([ink_of(image, unit) for image in images])
    long = np.array([longer_side(image) for image in images]) >= SHORTEST * unit
    return (ink[:, None] >= np.array(LEAST)) & long[:, None]


def longer_side(image: np.ndarray) -> int:
    """Of the box of an image's ink, in pixels; 0 where there is none."""
    x0, y0, x1, y1 = own_boxes(image[None])[0].tolist()
    return max(x1 - x0, y1 - y0)


def own_boxes(images: np.ndarray) -> np.ndarray:
    """The tight box of each image's ink (n, H, W), int64 (n, 4), empty where there is none."""
    boxes = ink_boxes(images)
    blank = ~(images >= INK).any((1, 2))
    boxes[blank, 2:] = boxes[blank, :2]
    return boxes


def on_each_other(boxes: np.ndarray) -> np.ndarray:
    """Which digits of a line lie on a neighbour, from their boxes (..., K, 4): bool (..., K).

    Two do whose boxes share more than OVERLAP of the narrower one's width. They cannot be told
    apart: what is cut off one is taken for the other.
    """
    left, right = boxes[..., 0], boxes[..., 2]
    shared = np.minimum(right[..., :-1], right[..., 1:]) - np.maximum(left[..., :-1], left[..., 1:])
    widths = right - left
    lie = shared > OVERLAP * np.minimum(widths[..., :-1], widths[..., 1:])
    none = np.zeros((*lie.shape[:-1], 1), bool)
    return np.concatenate((none, lie), -1) | np.concatenate((lie, none), -1)
