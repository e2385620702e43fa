"""Two digits that were drawn in one pass, told apart by a seam from top to bottom.

The seam is the path of least ink (dynamic programming, as in seam carving: Avidan and Shamir,
2007): between digits that do not touch it crosses none, however they lean. Where they touch it
keeps near the border that digits of usual width would have. docs/numbers.md says how well it finds
digits whose boxes are known.
"""

import numpy as np

from inkseed.data.pairs import ink_boxes

WIDTHS = np.array([17.7, 8.7, 17.9, 16.0, 15.8, 17.6, 14.7, 15.5, 15.3, 13.8])
"""Mean width of the ink of MNIST's digits 0 to 9, in pixels; a test measures it."""
STRAY = 15.0  # what a quarter of the image's width off the usual border costs, in strokes' ink


def part_pairs(images: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """uint8 (N, H, W) of the numbers `labels` (N,), 0 to 99 -> each digit's ink (N, 2, H, W)."""
    n, height, width = images.shape
    columns = np.arange(width)
    away = np.abs(columns - usual_border(images, labels)[:, None]) / (width / 4)
    cost = images / 255 + (away * STRAY / height)[:, None]
    total, moves = cost[:, 0], []
    for y in range(1, height):
        wide = np.pad(total, ((0, 0), (1, 1)), constant_values=np.inf)
        ways = np.stack((wide[:, :-2], wide[:, 1:-1], wide[:, 2:]))  # from the left, above, right
        moves.append(ways.argmin(0) - 1)
        total = ways.min(0) + cost[:, y]
    seam = np.empty((n, height), np.int64)
    seam[:, -1] = total.argmin(1)
    for y in range(height - 1, 0, -1):
        seam[:, y - 1] = seam[:, y] + moves[y - 1][np.arange(n), seam[:, y]]
    left = columns <= seam[:, :, None]
    return np.stack((np.where(left, images, 0), np.where(left, 0, images)), 1)


def usual_border(images: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The column (N,) between two digits that share the ink's width as their kinds do elsewhere."""
    boxes = ink_boxes(images)
    first, second = WIDTHS[labels // 10], WIDTHS[labels % 10]
    return boxes[:, 0] + (boxes[:, 2] - boxes[:, 0]) * first / (first + second) - 0.5
