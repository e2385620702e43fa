"""Whether there is enough ink for a digit, whatever a judge reads.

A classifier of digits must name one whatever it sees: one that learned from digits alone reads
blank paper as a "1". So a reading counts only if there is enough ink for the digit. Ink is measured
before a digit is scaled to MNIST's size, since scaling up turns a speck into a stroke.
"""

import numpy as np

from inkseed.data.labelled import LabelledImages
from inkseed.data.pairs import INK, ink_boxes

LEAST = (32.1, 13.5, 26.8, 24.5, 22.9, 22.3, 25.4, 22.1, 29.2, 23.1)
"""For 0 to 9, `least_ink` of parts A and B. `pytest tests/test_ink.py` computes it again."""
SHORTEST = 10  # pixels of a digit's longer side: half of MNIST's 20
NOTHING = -1  # what is read if there is no digit


def least_ink(digits: LabelledImages) -> np.ndarray:
    """Half of the first percentile of each class's ink: float64 (classes,)."""
    ink, classes = ink_of(digits.images), range(len(digits.class_names))
    return np.array([np.percentile(ink[digits.labels == k], 1) / 2 for k in classes])


def ink_of(images: np.ndarray, unit: float = 1) -> np.ndarray:
    """The ink of images (..., h, w), ink 255, in full pixels of MNIST's size: (...).

    `unit` is the side of a pixel of MNIST in pixels of the image.
    """
    ink = np.where(images >= INK, images, 0).sum((-2, -1), dtype=np.int64)
    return np.asarray(ink / 255 / unit**2)


def possible_digits(images: np.ndarray, unit: float = 1) -> np.ndarray:
    """Which of 0 to 9 have enough ink in each image (N, h, w), ink 255: bool (N, 10).

    A digit needs LEAST ink, and a longer side of SHORTEST; `unit` is as for `ink_of`.
    """
    boxes = own_boxes(images)
    long = (boxes[:, 2:] - boxes[:, :2]).max(1) >= SHORTEST * unit
    return (ink_of(images, unit)[:, None] >= np.array(LEAST)) & long[:, None]


def believed(found: np.ndarray, possible: np.ndarray) -> np.ndarray:
    """The digits that a judge reads (N,), or NOTHING where they are not `possible` (N, 10)."""
    return np.where(possible[np.arange(len(found)), found], found, NOTHING)


def own_boxes(images: np.ndarray) -> np.ndarray:
    """The tight box of each image's ink (n, H, W), int64 (n, 4); empty if there is none."""
    boxes = ink_boxes(images)
    blank = ~(images >= INK).any((1, 2))
    boxes[blank, 2:] = boxes[blank, :2]
    return boxes
