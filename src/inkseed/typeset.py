"""Digits set side by side on one line: the picture of a number, and each digit's box in it."""

from collections.abc import Sequence

import numpy as np
from PIL import Image

from inkseed.data.pairs import CELL, Layout, ink_boxes
from inkseed.pictures import PAPER

SCALE = 4  # picture pixels for each of the model's, so that a person need not squint
FAINT = 24  # of 255: a model's paper is never quite white, and shows as a grey block on the page
HELD = 0.4  # of how far a digit of a block stands above or below the other: writers keep a line
EDGE = 4  # pixels of MNIST's 28 left as paper at both ends, and under the line

Box = tuple[int, int, int, int]


def gaps(count: int, seed: int) -> np.ndarray:
    """The paper between neighbours (count,) in pixels of MNIST's digits, as two-digit images have.

    The k-th depends on the seed and k alone.
    """
    mean, deviation = Layout().gap
    streams = [np.random.SeedSequence(seed, spawn_key=(k, 0, 0)) for k in range(count)]
    return np.array([np.random.default_rng(each).normal(mean, deviation) for each in streams])


def typeset(blocks: Sequence[np.ndarray], between: np.ndarray) -> tuple[Image.Image, list[Box]]:
    """Set blocks on one line, `between` (len(blocks) - 1,) apart: the picture, a box a digit.

    A block is uint8 (digits, H, W), ink 255: digits that stay as far apart as they are, and are
    brought nearer to one line. Its lowest ink, the mean over its digits, stands on the page's. A
    digit without ink has its whole image for a box.
    """
    blocks = [_levelled(np.where(block < FAINT, 0, block)) for block in blocks]
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
        for large in map(_enlarged, block):
            dx, dy = x * SCALE, y * SCALE
            _print(page, large, dx, dy)
            x0, y0, x1, y1 = ink_boxes(large[None])[0].tolist()
            far = (min(x1 + dx, page.shape[1]), min(y1 + dy, page.shape[0]))
            found.append((max(x0 + dx, 0), max(y0 + dy, 0), *far))
    return Image.fromarray(PAPER - page), found


def _levelled(block: np.ndarray) -> np.ndarray:
    """Each digit moved up or down, within its image, towards the mean of their lowest ink."""
    boxes = ink_boxes(block)
    lowest = boxes[:, 3]
    moves = np.rint((1 - HELD) * (lowest.mean() - lowest)).astype(int)
    moves = moves.clip(-boxes[:, 1], block.shape[1] - lowest)
    return np.stack([np.roll(digit, move, 0) for digit, move in zip(block, moves, strict=True)])


def _print(page: np.ndarray, large: np.ndarray, left: int, top: int) -> None:
    """Add ink to the page; what stands over the page's edge is lost."""
    rows = slice(max(top, 0), min(top + large.shape[0], page.shape[0]))
    columns = slice(max(left, 0), min(left + large.shape[1], page.shape[1]))
    here = page[rows, columns]
    seen = large[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
    np.maximum(here, seen, out=here)


def _enlarged(image: np.ndarray) -> np.ndarray:
    size = (image.shape[1] * SCALE, image.shape[0] * SCALE)
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BICUBIC))
