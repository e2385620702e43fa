"""Digits set side by side on one line: the picture of a number, and each digit's box in it."""

from collections.abc import Sequence

import numpy as np
from PIL import Image

from inkseed.data.pairs import CELL, Layout, ink_boxes
from inkseed.pictures import PAPER

SCALE = 4  # picture pixels for each of the model's, so that a person need not squint
EDGE = 4  # pixels of MNIST's 28 left as paper at both ends, and under the line

Box = tuple[int, int, int, int]


def gaps(count: int, seed: int, layout: Layout | None = None) -> np.ndarray:
    """The paper between neighbours (count,) in pixels of MNIST's digits, as two-digit images have.

    The k-th depends on the seed and k alone.
    """
    mean, deviation = (layout or Layout()).gap
    streams = [np.random.SeedSequence(seed, spawn_key=(k, 0, 0)) for k in range(count)]
    return np.array([np.random.default_rng(each).normal(mean, deviation) for each in streams])


def typeset(blocks: Sequence[np.ndarray], between: np.ndarray) -> tuple[Image.Image, list[Box]]:
    """Set blocks on one line, `between` (len(blocks) - 1,) apart: the picture, a box a digit.

    A block is uint8 (digits, H, W), ink 255: digits that stay as they stand to each other. Its
    lowest ink, the mean over its digits, stands on the line. A digit without ink has its whole
    image for a box.
    """
    height = blocks[0].shape[1]
    unit = height / CELL
    edge = round(EDGE * unit)
    places, right = [], edge
    for k, block in enumerate(blocks):
        boxes = ink_boxes(block)
        gap = round(float(between[k - 1]) * unit) if k else 0
        x = right + gap - int(boxes[:, 0].min())
        y = height - edge - round(float(boxes[:, 3].mean()))
        y = max(min(y, height - int(boxes[:, 3].max())), -int(boxes[:, 1].min()))
        places.append((x, y))
        right = x + int(boxes[:, 2].max())
    page = np.zeros((height * SCALE, (right + edge) * SCALE), np.uint8)
    found: list[Box] = []
    for block, (x, y) in zip(blocks, places, strict=True):
        _print(page, block.max(0), x * SCALE, y * SCALE)
        for x0, y0, x1, y1 in ink_boxes(np.stack([_enlarged(digit) for digit in block])).tolist():
            dx, dy = x * SCALE, y * SCALE
            far = (min(x1 + dx, page.shape[1]), min(y1 + dy, page.shape[0]))
            found.append((max(x0 + dx, 0), max(y0 + dy, 0), *far))
    return Image.fromarray(PAPER - page), found


def _print(page: np.ndarray, image: np.ndarray, left: int, top: int) -> None:
    """Add an image's ink to the page, enlarged; what stands over the page's edge is lost."""
    large = _enlarged(image)
    rows = slice(max(top, 0), min(top + large.shape[0], page.shape[0]))
    columns = slice(max(left, 0), min(left + large.shape[1], page.shape[1]))
    here = page[rows, columns]
    seen = large[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
    np.maximum(here, seen, out=here)


def _enlarged(image: np.ndarray) -> np.ndarray:
    size = (image.shape[1] * SCALE, image.shape[0] * SCALE)
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BICUBIC))
