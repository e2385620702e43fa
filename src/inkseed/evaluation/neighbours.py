"""What nearest neighbours tell: precision, recall, density, coverage, and distances to training.

Precision and recall are of Kynkäänniemi et al. (arXiv 1904.06991), density and coverage of Naeem
et al. (arXiv 2002.09797), both with the k = 5 of the latter's library.
"""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

K = 5
ROWS = 500  # of a distance matrix at a time
BLOCK = 1500  # the same when only the least of a row is asked for


class Manifolds(NamedTuple):
    """One figure an image; each mean is the metric of that name. All are float64."""

    precision: Tensor  # (n,) is the image inside some reference image's ball?
    density: Tensor  # (n,) in how many such balls it lies, over k
    recall: Tensor  # (m,) is the reference image inside some image's ball?
    coverage: Tensor  # (m,) does the reference image's ball hold any image?


def manifolds(features: Tensor, reference: Tensor, radius_y: Tensor, k: int = K) -> Manifolds:
    """Compare features (n, d) with a reference (m, d) and its `radii` (m,); n and m are above k.

    An image's ball reaches to its k-th nearest neighbour in its own set, itself not counted.
    """
    x, y = features.double(), reference.double()
    radius_x = radii(x, k)
    balls = torch.zeros(len(x), dtype=torch.float64)
    recall = torch.zeros(len(y), dtype=torch.bool)
    nearest = torch.full((len(y),), torch.inf, dtype=torch.float64)
    for first, distance in _distance_rows(x, y):
        here = slice(first, first + len(distance))
        balls[here] = (distance < radius_y).sum(1).double()
        recall |= (distance < radius_x[here, None]).any(0)
        nearest = torch.minimum(nearest, distance.amin(0))
    return Manifolds(
        precision=(balls > 0).double(),
        density=balls / k,
        recall=recall.double(),
        coverage=(nearest < radius_y).double(),
    )


def radii(x: Tensor, k: int = K) -> Tensor:
    """The distance of each row of x (n, d) to its k-th nearest other row, float64 (n,)."""
    x = x.double()
    smallest = [d.topk(k + 1, 1, largest=False).values for _, d in _distance_rows(x, x)]
    return torch.cat(smallest)[:, k]


def nearest(x: Tensor, base: Tensor) -> tuple[Tensor, Tensor]:
    """The Euclidean distance of each row of x (n, d) to its nearest row of base, and which it is.

    The search is in the type of x; the distance of the row that it finds is exact to rounding.
    """
    squared = base.square().sum(1)
    indices = torch.zeros(len(x), dtype=torch.long)
    for first in range(0, len(x), BLOCK):
        rows = x[first : first + BLOCK]
        least, found = torch.full((len(rows),), torch.inf), indices[first : first + BLOCK]
        for left in range(0, len(base), BLOCK):  # blocks that stay in the processor's cache
            here = slice(left, left + BLOCK)
            value, which = torch.addmm(squared[here], rows, base[here].T, alpha=-2).min(1)
            closer = value < least
            least[closer], found[closer] = value[closer], which[closer] + left
    return (x - base[indices]).double().square().sum(1).sqrt(), indices


def _distance_rows(x: Tensor, y: Tensor) -> Iterator[tuple[int, Tensor]]:
    for first in range(0, len(x), ROWS):
        yield first, torch.cdist(x[first : first + ROWS], y)
