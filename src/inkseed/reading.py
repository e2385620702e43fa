"""What a judge reads in digits that were cut out of a larger picture."""

from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image

from inkseed.data.pairs import CELL, ink_boxes
from inkseed.pictures import PAPER

INNER = 20  # pixels that MNIST scales a digit's longer side to


def read_number(
    picture: Image.Image, boxes: Sequence[Sequence[int]], read: Callable[[np.ndarray], np.ndarray]
) -> str:
    """The digits that stand in the boxes of a picture, dark on light, as `read` has them.

    `read` takes uint8 (N, 28, 28), ink 255, and gives int (N,).
    """
    return "".join(map(str, read(digits_in(picture, boxes))))


def digits_in(picture: Image.Image, boxes: Sequence[Sequence[int]]) -> np.ndarray:
    """What stands in each box of a picture, dark on light: uint8 (N, 28, 28), ink 255, as MNIST."""
    ink = PAPER - np.asarray(picture)
    return np.stack([as_mnist(ink[y0:y1, x0:x1]) for x0, y0, x1, y1 in boxes])


def as_mnist(cut: np.ndarray) -> np.ndarray:
    """One digit's ink (h, w), ink 255 -> uint8 (28, 28), scaled and placed as MNIST does.

    The longer side of the ink's box becomes 20 pixels, and its centre of mass the image's centre
    (LeCun et al., 1998, and MNIST's own page).
    """
    x0, y0, x1, y1 = ink_boxes(cut[None])[0]
    digit = Image.fromarray(np.ascontiguousarray(cut[y0:y1, x0:x1]))
    scale = INNER / max(digit.size)
    size = tuple(max(1, round(side * scale)) for side in digit.size)
    if size != digit.size:
        digit = digit.resize(
            (size[0], size[1]), Image.Resampling.BOX if scale < 1 else Image.Resampling.BILINEAR
        )
    small = np.asarray(digit).astype(float)
    mass = max(small.sum(), 1e-9)
    height, width = small.shape
    top = CELL / 2 - (small.sum(1) @ (np.arange(height) + 0.5)) / mass
    left = CELL / 2 - (small.sum(0) @ (np.arange(width) + 0.5)) / mass
    top = int(np.clip(round(top), 0, CELL - height))
    left = int(np.clip(round(left), 0, CELL - width))
    image = np.zeros((CELL, CELL), np.uint8)
    image[top : top + height, left : left + width] = small
    return image
