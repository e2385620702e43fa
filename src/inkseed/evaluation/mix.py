"""The mix of labels: a set is compared at the reference's, which its own labels need not have.

How many images of each digit a set holds is the asker's choice, no virtue of who drew them, yet it
moves a distance between distributions: 1,000 real digits with labels drawn at random lie more than
twice as far from real digits as 1,000 in the reference's proportions. So classes are weighed to the
reference's shares: post-stratification (Holt and Smith 1979, J. R. Stat. Soc. A 142, 33-46).
"""

from dataclasses import dataclass

import numpy as np

from inkseed.data.mnist import DIGITS
from inkseed.outline import Outlined

SLACK = 1e-3  # of all images: a share that is off by no more is rounding, and moves no third digit


@dataclass(frozen=True, repr=False)
class Mix(Outlined):
    """Shares of the ten digits, float64 (10,), adding to 1; all are above 0."""

    shares: np.ndarray

    @classmethod
    def of(cls, labels: np.ndarray) -> "Mix":
        """The mix of labels (N,) from 0 to 9."""
        return cls(count_digits(labels) / len(labels))

    def holds(self, labels: np.ndarray) -> bool:
        """Whether labels (N,) have this mix, to within rounding: an image, or 1 in 1,000."""
        off = np.abs(count_digits(labels) - len(labels) * self.shares)
        return bool(off.max() <= max(1.0, SLACK * len(labels)))

    def weights(self, labels: np.ndarray) -> np.ndarray:
        """What each image weighs to bring labels (N,) to this mix, float64 (N,).

        1 is its fair share. A digit that is missing stays missing: the others keep their shares
        among each other.
        """
        wanted = len(labels) * self.shares / np.maximum(count_digits(labels), 1)
        return wanted[labels]

    def like(self, labels: np.ndarray, pool: np.ndarray) -> np.ndarray:
        """Indices of a pool's labels (M,): as many of each digit as `labels` has, in order.

        Always the same ones, drawn at random. Of a digit that `labels` lacks there are as many as
        its share is; of one that the pool has fewer of, all.
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
    """How many images of equal weight tell as much (Kish 1965, Survey Sampling, section 11.7)."""
    return float(weights.sum() ** 2 / (weights**2).sum())


def choose(labels: np.ndarray, most: int) -> np.ndarray:
    """All indices of `labels`, or a fixed random `most` of them in the same proportions, in order.

    Systematic sampling from the images sorted by label: each label keeps its share to within one
    image, so that a small sample does not differ from the whole by its mix of digits.
    """
    count = len(labels)
    if count <= most:
        return np.arange(count)
    shuffled = np.random.RandomState(0).permutation(count)
    by_label = shuffled[np.argsort(labels[shuffled], kind="stable")]
    return np.sort(by_label[((np.arange(most) + 0.5) * count / most).astype(np.int64)])
