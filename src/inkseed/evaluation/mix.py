"""The mix of labels: classes are weighted so that a set is compared in the reference's mix.

How many images of each digit a set has is up to whoever asked for it and says nothing of the model,
but it changes a distance between distributions: 1,000 real digits with labels drawn at random are
more than twice as far from real digits as 1,000 in the reference's proportions. Weighting classes
to the reference's shares is post-stratification (Holt and Smith 1979, J. R. Stat. Soc. A 142,
33-46).
"""

from dataclasses import dataclass

import numpy as np

from inkseed.data.mnist import DIGITS
from inkseed.outline import Outlined

SLACK = 1e-3  # of all images: a share off by no more is rounding, which moves no third digit


@dataclass(frozen=True, repr=False)
class Mix(Outlined):
    """Shares of the ten digits, float64 (10,), all above 0, with the sum 1."""

    shares: np.ndarray

    @classmethod
    def of(cls, labels: np.ndarray) -> "Mix":
        """The mix of labels (N,) from 0 to 9."""
        return cls(count_digits(labels) / len(labels))

    def holds(self, labels: np.ndarray) -> bool:
        """Whether labels (N,) have this mix, up to rounding: one image, or 1 in 1,000."""
        off = np.abs(count_digits(labels) - len(labels) * self.shares)
        return bool(off.max() <= max(1.0, SLACK * len(labels)))

    def weights(self, labels: np.ndarray) -> np.ndarray:
        """The weight of each image that brings labels (N,) to this mix, float64 (N,).

        The mean weight is 1 if no digit is missing. A missing digit stays missing, and the others
        keep their relative shares.
        """
        wanted = len(labels) * self.shares / np.maximum(count_digits(labels), 1)
        return wanted[labels]

    def like(self, labels: np.ndarray, pool: np.ndarray) -> np.ndarray:
        """Indices into a pool's labels (M,): as many of each digit as `labels` has, in order.

        A fixed random choice. A digit that `labels` lacks gets its share; one that the pool has
        too few of gets them all.
        """
        counts = count_digits(labels)
        wanted = np.where(counts > 0, counts, np.ceil(len(labels) * self.shares)).astype(np.int64)
        order = np.random.RandomState(0).permutation(len(pool))
        drawn = [order[pool[order] == digit][:n] for digit, n in enumerate(wanted)]
        return np.sort(np.concatenate(drawn))


def count_digits(labels: np.ndarray) -> np.ndarray:
    """How many there are of each digit, int64 (10,)."""
    return np.bincount(labels, minlength=len(DIGITS))


def effective_size(weights: np.ndarray) -> float:
    """The effective number of images (Kish 1965, Survey Sampling, section 11.7)."""
    return float(weights.sum() ** 2 / (weights**2).sum())


def choose(labels: np.ndarray, most: int) -> np.ndarray:
    """All indices of `labels`, or a fixed random `most` of them in the same proportions, in order.

    By systematic sampling from the images sorted by label, each label keeps its share up to one
    image, so that a small sample has the mix of the whole.
    """
    count = len(labels)
    if count <= most:
        return np.arange(count)
    shuffled = np.random.RandomState(0).permutation(count)
    by_label = shuffled[np.argsort(labels[shuffled], kind="stable")]
    return np.sort(by_label[((np.arange(most) + 0.5) * count / most).astype(np.int64)])
