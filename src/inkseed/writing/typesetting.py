"""Set digits side by side on one line: the picture of a number, and each digit's box."""

from collections.abc import Callable, Sequence

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
    return gaps_of(normals(seed, [(k,) for k in range(count)], (), Purpose.GAP))


def gaps_of(drawn: np.ndarray) -> np.ndarray:
    """The gaps, of any shape, that standard normal numbers stand for."""
    mean, deviation = Layout().gap
    return mean + deviation * drawn.astype(np.float64)


def typeset(blocks: Sequence[np.ndarray], between: np.ndarray) -> tuple[Image.Image, list[Box]]:
    """Set blocks on one line with gaps `between` (len(blocks) - 1,): the picture, a box per digit.

    A block is uint8 (digits, H, W), ink 255; stray marks are left out. Its digits keep their
    distance, but are moved closer to one line; their lowest ink, on average, stands on the line of
    the page. Digits of two blocks overlap by a quarter of the narrower at most (the data have up to
    half, at which two 1s are one stroke). A digit without ink takes the width of its image, and its
    box is empty.
    """
    each = cleaned(np.concatenate(blocks))
    ends, height = np.cumsum([len(block) for block in blocks])[:-1], each.shape[1]
    places, width = lay_out(np.split(ink_boxes(each), ends), between, height)
    page = np.zeros((height * SCALE, width * SCALE), np.uint8)
    enlarged = np.concatenate([_enlarged(block) for block in np.split(each, ends)])
    found: list[Box] = []
    for large, (x, y), box in zip(enlarged, places, own_boxes(enlarged).tolist(), strict=True):
        dx, dy = x * SCALE, y * SCALE
        _print(page, large, dx, dy)
        x0, y0 = max(box[0] + dx, 0), max(box[1] + dy, 0)
        x1, y1 = min(box[2] + dx, page.shape[1]), min(box[3] + dy, page.shape[0])
        found.append((x0, y0, max(x0, x1), max(y0, y1)))
    return Image.fromarray(PAPER - page), found


def lay_out(
    inked: Sequence[np.ndarray], between: np.ndarray, height: int
) -> tuple[list[tuple[int, int]], int]:
    """Where `typeset` puts blocks of this height whose digits have the boxes `inked` (digits, 4).

    Returns each digit's corner (x, y) on the page, and the page's width.
    """
    unit = height / CELL
    edge = round(EDGE * unit)
    places: list[tuple[int, int]] = []
    right, before = edge, 0
    for k, boxes in enumerate(inked):
        drops = _drops(boxes, height)
        boxes = boxes + drops[:, None] * np.array([0, 1, 0, 1])
        widths = boxes[:, 2] - boxes[:, 0]
        gap = round(float(between[k - 1]) * unit) if k else 0
        gap = max(gap, -int(min(before, widths[0]) // CLEAR))
        x = right + gap - int(boxes[:, 0].min())
        y = height - edge - round(float(boxes[:, 3].mean()))
        y = max(min(y, height - int(boxes[:, 3].max())), -int(boxes[:, 1].min()))
        places += [(x, y + drop) for drop in drops.tolist()]
        right, before = x + int(boxes[:, 2].max()), int(widths[-1])
    return places, right + edge


def cleaned(
    digits: np.ndarray, pieces_of: Callable[[np.ndarray], np.ndarray] | None = None
) -> np.ndarray:
    """Digits (N, H, W), ink 255, on white paper, without stray marks.

    `pieces_of` numbers the connected pieces of ink (N, H, W) of each image, from 1, and 0 is paper:
    for thousands of digits, by scipy, which takes as long to import as it takes to write a number.
    """
    ink = np.where(digits < FAINT, 0, digits)
    pieces = (pieces_of or _pieces)(ink)
    weights = np.bincount(pieces.ravel(), ink.ravel(), 1)
    heaviest = weights[pieces].max((1, 2), keepdims=True)
    return np.where(weights[pieces] < SPECK * heaviest, 0, ink)


def _pieces(ink: np.ndarray) -> np.ndarray:
    """Number the connected pieces of ink (N, H, W), above 0, of each image: int64 (N, H, W).

    Every pixel begins with its own number. The highest of its neighbours leads it, and whoever
    leads its leader leads it too, so that a long stroke takes few steps.
    """
    inked = torch.from_numpy(ink > 0)
    found = torch.arange(1, ink.size + 1).view(ink.shape) * inked
    while True:
        near = nn.functional.max_pool2d(found[:, None].double(), 3, 1, 1)[:, 0].long() * inked
        leaders = torch.cat((near.new_zeros(1), near.flatten()))[near]
        if torch.equal(leaders, found):
            return found.numpy()
        found = leaders


def _drops(boxes: np.ndarray, height: int) -> np.ndarray:
    """How far down each digit of a block moves towards the mean of their lowest ink."""
    if len(boxes) == 1:
        return np.zeros(1, int)
    lowest = boxes[:, 3]
    moves = np.rint((1 - HELD) * (lowest.mean() - lowest)).astype(int)
    return moves.clip(-boxes[:, 1], height - lowest)


def _print(page: np.ndarray, large: np.ndarray, left: int, top: int) -> None:
    """Add ink to the page; what lies beyond its edge is lost."""
    rows = slice(max(top, 0), min(top + large.shape[0], page.shape[0]))
    columns = slice(max(left, 0), min(left + large.shape[1], page.shape[1]))
    here = page[rows, columns]
    seen = large[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
    np.maximum(here, seen, out=here)


def _enlarged(block: np.ndarray) -> np.ndarray:
    """Each digit, SCALE times as large; where two touch, neither fades, so no gap shows."""
    size = (block.shape[2] * SCALE, block.shape[1] * SCALE)
    apart = [Image.fromarray(digit).resize(size, Image.Resampling.BICUBIC) for digit in block]
    large = np.stack([np.asarray(digit) for digit in apart])
    if len(large) == 1:
        return large
    together = large.sum(0, dtype=np.int64).clip(max=255).astype(np.uint8)
    return np.where(large == large.max(0), together, 0)
