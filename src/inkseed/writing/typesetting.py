"""Set digits side by side on one line: the picture of a number, and each digit's box."""

from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image
from torch import nn

from inkseed.data.least_ink import own_boxes
from inkseed.data.pairs import CELL, Layout, ink_boxes
from inkseed.pictures import PAPER
from inkseed.rng import Purpose, normals

SCALE = 4  # pixels of the picture for each of the model's, so that nobody need squint
FAINT = 24  # of 255: a model's paper is never quite white, and would show as a grey block
SPECK = 0.08  # of the heaviest stroke's ink: a separate piece with less is a stray mark
HELD = 0.4  # kept of the height difference between digits of a block: writers keep a line
CLEAR = 4  # a neighbour may cover one part in so many of a digit's width
EDGE = 4  # pixels, of MNIST's 28, of paper at both ends and under the line

Box = tuple[int, int, int, int]


def gaps(count: int, seed: int) -> np.ndarray:
    """The gaps between neighbours (count,) in pixels of MNIST's digits, as in two-digit images.

    Gap k depends only on the seed and k.
    """
    mean, deviation = Layout().gap
    drawn = normals(seed, [(k,) for k in range(count)], (), Purpose.GAP)
    return mean + deviation * drawn.astype(np.float64)


def typeset(blocks: Sequence[np.ndarray], between: np.ndarray) -> tuple[Image.Image, list[Box]]:
    """Set blocks on one line with gaps `between` (len(blocks) - 1,): the picture, a box per digit.

    A block is uint8 (digits, H, W), ink 255. Its digits keep their distance, but are moved closer
    to one line; their lowest ink, on average, stands on the line of the page. Digits of two blocks
    overlap by a quarter of the narrower at most (the data have up to half, at which two 1s are one
    stroke). A digit without ink takes the width of its image, and its box is empty.
    """
    blocks = [np.stack([_clean(digit) for digit in block]) for block in blocks]
    height = blocks[0].shape[1]
    unit = height / CELL
    edge = round(EDGE * unit)
    places, right, before = [], edge, 0
    for k, block in enumerate(blocks):
        drops = _drops(block)
        boxes = ink_boxes(block) + drops[:, None] * np.array([0, 1, 0, 1])
        widths = boxes[:, 2] - boxes[:, 0]
        gap = round(float(between[k - 1]) * unit) if k else 0
        gap = max(gap, -int(min(before, widths[0]) // CLEAR))
        x = right + gap - int(boxes[:, 0].min())
        y = height - edge - round(float(boxes[:, 3].mean()))
        y = max(min(y, height - int(boxes[:, 3].max())), -int(boxes[:, 1].min()))
        places.append((x, y, drops))
        right, before = x + int(boxes[:, 2].max()), int(widths[-1])
    page = np.zeros((height * SCALE, (right + edge) * SCALE), np.uint8)
    found: list[Box] = []
    for block, (x, y, drops) in zip(blocks, places, strict=True):
        for large, drop in zip(_enlarged(block), drops.tolist(), strict=True):
            dx, dy = x * SCALE, (y + drop) * SCALE
            _print(page, large, dx, dy)
            x0, y0, x1, y1 = own_boxes(large[None])[0].tolist()
            x0, y0 = max(x0 + dx, 0), max(y0 + dy, 0)
            x1, y1 = min(x1 + dx, page.shape[1]), min(y1 + dy, page.shape[0])
            found.append((x0, y0, max(x0, x1), max(y0, y1)))
    return Image.fromarray(PAPER - page), found


def _clean(digit: np.ndarray) -> np.ndarray:
    """The digit on white paper, without stray marks."""
    ink = np.where(digit < FAINT, 0, digit)
    pieces = _pieces(ink)
    weights = np.bincount(pieces.ravel(), ink.ravel())
    return np.where((weights < SPECK * weights.max())[pieces], 0, ink)


def _pieces(ink: np.ndarray) -> np.ndarray:
    """Number the connected pieces of ink (H, W), above 0: int64 (H, W).

    Every pixel begins with its own number, and the highest spreads through the piece.
    """
    inked = torch.from_numpy(ink > 0).float()[None]
    found = torch.arange(1.0, ink.size + 1).view(1, *ink.shape) * inked
    while True:
        spread = nn.functional.max_pool2d(found, 3, 1, 1) * inked
        if torch.equal(spread, found):
            return found[0].long().numpy()
        found = spread


def _drops(block: np.ndarray) -> np.ndarray:
    """How far down each digit of a block moves towards the mean of their lowest ink."""
    boxes = ink_boxes(block)
    lowest = boxes[:, 3]
    moves = np.rint((1 - HELD) * (lowest.mean() - lowest)).astype(int)
    return moves.clip(-boxes[:, 1], block.shape[1] - lowest)


def _print(page: np.ndarray, large: np.ndarray, left: int, top: int) -> None:
    """Add ink to the page; what lies beyond its edge is lost."""
    rows = slice(max(top, 0), min(top + large.shape[0], page.shape[0]))
    columns = slice(max(left, 0), min(left + large.shape[1], page.shape[1]))
    here = page[rows, columns]
    seen = large[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
    np.maximum(here, seen, out=here)


def _enlarged(block: np.ndarray) -> list[np.ndarray]:
    """Each digit, SCALE times as large; where two touch, neither fades, so no gap shows."""
    size = (block.shape[2] * SCALE, block.shape[1] * SCALE)
    apart = [Image.fromarray(digit).resize(size, Image.Resampling.BICUBIC) for digit in block]
    large = np.stack([np.asarray(digit) for digit in apart])
    together = large.sum(0, dtype=np.int64).clip(max=255).astype(np.uint8)
    most = large.max(0)
    return [np.where(digit == most, together, 0) for digit in large]
