"""Nearest-neighbour metrics: precision, recall, density, coverage, and distances to training.

Precision and recall are of Kynkäänniemi et al. (arXiv 1904.06991), density and coverage of Naeem
et al. (arXiv 2002.09797), both with the k = 5 of the latter's library.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from inkseed.evaluation.intervals import Resampled

K = 5
ROWS = 500  # of a distance matrix at a time
BLOCK = 1500  # the same if only the smallest of a row is needed


class Neighbourhood(NamedTuple):
    """Real digits, and the radius of each one's ball: how far its k-th nearest neighbour is."""

    features: Tensor  # (m, d)
    labels: np.ndarray  # int64 (m,)
    radii: Tensor  # float64 (m,)


class Manifolds(NamedTuple):
    """One figure per image, float64; the mean of each is the metric of that name."""

    precision: Tensor  # (n,) is the image inside some reference image's ball?
    density: Tensor  # (n,) the number of such balls around it, over k
    recall: Tensor  # (m,) is the reference image inside some image's ball?
    coverage: Tensor  # (m,) does the reference image's ball contain any image?


class Draws(NamedTuple):
    """How often each image of either side counts in each resample, float64."""

    own: Tensor  # (n, 200)
    real: Tensor  # (m, 200)


def compare(
    features: Tensor, real: Neighbourhood, draws: Draws, k: int = K
) -> tuple[Manifolds, dict[str, Resampled]]:
    """Compare features (n, d) with real digits; n and m are above k.

    An image's ball reaches to its k-th nearest neighbour in its own set, itself not counted. Balls
    stay the same in all resamples, since an image drawn twice would be its own neighbour. Precision
    and density are means over the set's images, but depend on the real ones; recall and coverage
    are means over real images, but depend on the set's. So both sides are resampled.
    """
    x, y = features.double(), real.features.double()
    radius_x, own, theirs = radii(x, k), draws.own.float(), draws.real.float()
    balls = torch.zeros(len(x), dtype=torch.float64)
    precision, density = torch.zeros(2, own.shape[1], dtype=torch.float64)
    near_own, near_real = torch.zeros(2, *theirs.shape)  # how many drawn images are near: (m, 200)
    recall = torch.zeros(len(y), dtype=torch.bool)
    covered = torch.zeros(len(y), dtype=torch.bool)
    for first, distance in _distance_rows(x, y):
        here = slice(first, first + len(distance))
        in_real, in_own = distance < real.radii, distance < radius_x[here, None]
        balls[here] = in_real.sum(1).double()
        recall |= in_own.any(0)
        covered |= in_real.any(0)
        drawn, held = own[here], in_real.float()
        balls_drawn = held @ theirs  # around each image, in each resample: (b, 200)
        precision += (drawn * (balls_drawn > 0)).sum(0)
        density += (drawn * balls_drawn).sum(0) / k
        near_real += held.T @ drawn
        near_own += in_own.float().T @ drawn
    found = Manifolds(
        precision=(balls > 0).double(),
        density=balls / k,
        recall=recall.double(),
        coverage=covered.double(),
    )
    replicates = {
        "precision": precision / draws.own.sum(0),
        "density": density / draws.own.sum(0),
        "recall": (theirs * (near_own > 0)).sum(0) / draws.real.sum(0),
        "coverage": (theirs * (near_real > 0)).sum(0) / draws.real.sum(0),
    }
    return found, {
        name: Resampled(float(values.mean()), replicates[name].numpy())
        for name, values in found._asdict().items()
    }


def radii(x: Tensor, k: int = K) -> Tensor:
    """The distance of each row of x (n, d) to its k-th nearest other row, float64 (n,)."""
    x = x.double()
    smallest = [d.topk(k + 1, 1, largest=False).values for _, d in _distance_rows(x, x)]
    return torch.cat(smallest)[:, k]


def nearest(x: Tensor, base: Tensor) -> tuple[Tensor, Tensor]:
    """The Euclidean distance of each row of x (n, d) to its nearest row of base, and its index.

    The search is in the type of x; the distance to the row found is exact up to rounding.
    """
    squared = base.square().sum(1)
    indices = torch.zeros(len(x), dtype=torch.long)
    for first in range(0, len(x), BLOCK):
        rows = x[first : first + BLOCK]
        least, found = torch.full((len(rows),), torch.inf), indices[first : first + BLOCK]
        for left in range(0, len(base), BLOCK):  # blocks that fit the processor's cache
            here = slice(left, left + BLOCK)
            value, which = torch.addmm(squared[here], rows, base[here].T, alpha=-2).min(1)
            closer = value < least
            least[closer], found[closer] = value[closer], which[closer] + left
    return distances(x, base, indices), indices


def distances(x: Tensor, base: Tensor, indices: Tensor) -> Tensor:
    """The Euclidean distance of each row of x (n, d) to a row of base: float64 (n,)."""
    return (x - base[indices]).double().square().sum(1).sqrt()


def _distance_rows(x: Tensor, y: Tensor) -> Iterator[tuple[int, Tensor]]:
    for first in range(0, len(x), ROWS):
        yield first, torch.cdist(x[first : first + ROWS], y)
