"""How the study measures: judge B's reading of each row, and paired differences between rows.

Every row has images of the same labels and seeds, in the same order. Intervals come from
resampling the images, the same ones in every row, so that what two rows share (labels, noise, luck)
cancels in their difference.
"""

import math
from dataclasses import dataclass

import numpy as np

from inkseed.evaluation.frechet import resampled_frechet
from inkseed.evaluation.intervals import (
    DIFFERENCE,
    DISTANCE,
    UNLIMITED,
    Estimate,
    Resampled,
    around,
    around_share,
    wilson,
)
from inkseed.evaluation.neighbours import compare
from inkseed.evaluation.reference import Reference
from inkseed.outline import Outlined

METRICS = ("accuracy", "frechet", "coverage", "recall", "precision")
SHARES = tuple(name for name in METRICS if name != "frechet")


@dataclass(frozen=True, repr=False)
class Measure(Outlined):
    """A row's figures: the value of each metric, and of each of the 200 resamples."""

    values: dict[str, float]
    replicates: dict[str, np.ndarray]
    right: np.ndarray  # bool (N,): does B read the label?
    read: np.ndarray  # int64 (N,): the digit that B reads, or NOTHING
    probability: np.ndarray  # float64 (N,): of the label, by B; 0 if there is too little ink

    def estimate(self, metric: str) -> Estimate:
        """The figure with its 95 % interval, which stays within a share's limits."""
        if metric == "accuracy":
            return wilson(int(self.right.sum()), len(self.right))
        value, replicates = self.values[metric], self.replicates[metric]
        if metric in SHARES:
            return around_share(value, replicates, len(self.right))
        return around(value, replicates, DISTANCE)

    def sign_test(self, other: "Measure") -> float:
        """The p-value of the difference between two rows' accuracies: exact, two-sided.

        McNemar's test, on the images that only one of the rows has right.
        """
        gained = int((self.right & ~other.right).sum())
        both = gained + int((other.right & ~self.right).sum())
        tail = sum(math.comb(both, k) for k in range(min(gained, both - gained) + 1))
        return min(1.0, 2 * tail / 2**both)

    def minus(self, other: "Measure", metric: str) -> Estimate:
        """The paired difference, with its 95 % interval."""
        spread = self.replicates[metric] - other.replicates[metric]
        limits = DIFFERENCE if metric in SHARES else UNLIMITED
        return around(self.values[metric] - other.values[metric], spread, limits)


class Ruler:
    """Measures rows of the same labels, with the same resamples for each."""

    def __init__(self, labels: np.ndarray, reference: Reference) -> None:
        self.labels, self.reference = labels, reference
        self.weights = reference.weights(labels)  # few images may have another mix
        self.real, self.draws = reference.near(len(labels)), reference.draws(labels, 0)

    def read(self, images: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Judge B's probability (M,) of each image's label, and whether it reads it."""
        judged = self.reference.judged(images)
        return judged.of(labels), judged.digits == labels

    def measure(self, images: np.ndarray) -> Measure:
        """Measure a row's images uint8 (N, H, W), in the order of the labels."""
        judged = self.reference.judged(images)
        right = judged.digits == self.labels
        drawn = self.draws.own.numpy()
        found = {
            **compare(judged.features, self.real, self.draws)[1],
            "accuracy": Resampled(float(right.mean()), right @ drawn / drawn.sum(0)),
            "frechet": resampled_frechet(
                judged.features, self.reference.gaussian, self.draws.own, self.weights
            ),
        }
        return Measure(
            values={name: found[name].value for name in METRICS},
            replicates={name: found[name].replicates for name in METRICS},
            right=right,
            read=judged.digits,
            probability=judged.of(self.labels),
        )
