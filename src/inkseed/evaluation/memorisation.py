"""Whether a set replays training images: is it closer to them than held-out images are?

The test is that of Meehan, Chaudhuri and Dasgupta (arXiv 2004.05675): how often is a generated
image closer to the training set than a held-out image of its class? Their cells are the classes
here, so that a class of plain digits, such as 1, is compared with itself.
"""

from typing import NamedTuple

import numpy as np

from inkseed.evaluation.intervals import Estimate, bootstrap_mean, wilson

NEAR = 0.01  # an image is near if at most this share of held-out images is closer
REPLAY = 0.02  # a set whose share of near images is clearly above this is reported


class HeldOut(NamedTuple):
    """Held-out images' distances to their nearest training images, float64 (h,), and labels."""

    distances: np.ndarray
    labels: np.ndarray


def closer_share(distances: np.ndarray, labels: np.ndarray, held_out: HeldOut) -> np.ndarray:
    """For each image, the share of held-out images of its class that are farther from training.

    Ties count as half. The mean is 0.5 if generated and held-out images are alike, and 1 if every
    image is a copy. Float64 (n,).
    """
    shares = np.empty(len(distances))
    for label in np.unique(labels):
        own = np.sort(held_out.distances[held_out.labels == label])
        here = labels == label
        below = np.searchsorted(own, distances[here], side="left")
        not_above = np.searchsorted(own, distances[here], side="right")
        shares[here] = 1 - (below + not_above) / (2 * len(own))
    return shares


def closer(shares: np.ndarray, labels: np.ndarray, seed: int) -> Estimate:
    """The mean of `closer_share`, with its bootstrap interval."""
    return bootstrap_mean(shares, labels, seed, (0.0, 1.0))


def near_share(shares: np.ndarray) -> Estimate:
    """The share of images closer to training than all but 1 % of held-out images of their class."""
    return wilson(int((shares > 1 - NEAR).sum()), len(shares))
