"""How the study measures: judge B's reading of each row, and paired differences between rows.

Every row holds images of the same labels and seeds, in the same order. An interval comes of
resampling the images, the same ones in every row at a time, so that what two rows share (the
labels, the noise, the luck of the draw) cancels in their difference.
"""

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from torch import Tensor

from inkseed.data.split import split_mnist
from inkseed.evaluation.frechet import fit_gaussian, frechet_distance
from inkseed.evaluation.intervals import (
    DIFFERENCE,
    DISTANCE,
    UNLIMITED,
    Estimate,
    around,
    around_share,
    resamples,
    wilson,
)
from inkseed.evaluation.measure import choose
from inkseed.evaluation.mix import Mix
from inkseed.evaluation.neighbours import manifolds, radii
from inkseed.judges import JudgeB
from inkseed.outline import Outlined

METRICS = ("accuracy", "frechet", "coverage", "recall", "precision")
SHARES = tuple(name for name in METRICS if name != "frechet")


@dataclass(frozen=True, repr=False)
class Measure(Outlined):
    """A row's figures: the value of each metric, and of each of the 200 resamples."""

    values: dict[str, float]
    replicates: dict[str, np.ndarray]
    right: np.ndarray  # bool (N,): does B read the label?
    read: np.ndarray  # int64 (N,): the digit that B reads
    probability: np.ndarray  # float64 (N,): of the label, by B

    def estimate(self, metric: str) -> Estimate:
        """The figure with its 95 % interval, which a share's limits hold too."""
        if metric == "accuracy":
            return wilson(int(self.right.sum()), len(self.right))
        value, replicates = self.values[metric], list(self.replicates[metric])
        if metric in SHARES:
            return around_share(value, replicates, len(self.right))
        return around(value, replicates, DISTANCE)

    def sign_test(self, other: "Measure") -> float:
        """How often chance alone would tell two rows' accuracies so far apart: exact, two-sided.

        McNemar's test, on the images that one row has right and the other wrong.
        """
        gained = int((self.right & ~other.right).sum())
        both = gained + int((other.right & ~self.right).sum())
        tail = sum(math.comb(both, k) for k in range(min(gained, both - gained) + 1))
        return min(1.0, 2 * tail / 2**both)

    def minus(self, other: "Measure", metric: str) -> Estimate:
        """The paired difference, with its 95 % interval."""
        spread = self.replicates[metric] - other.replicates[metric]
        limits = DIFFERENCE if metric in SHARES else UNLIMITED
        return around(self.values[metric] - other.values[metric], list(spread), limits)


class Ruler:
    """Judge B with as many of part A's images as a row has, which B never saw."""

    def __init__(self, labels: np.ndarray) -> None:
        self.labels, part_a = labels, split_mnist().part_a
        self.judge, features = _judge_and_part_a()
        self.gaussian = fit_gaussian(features)
        mix = Mix.of(part_a.labels)  # a few images for each of many seeds have none of it
        even = np.ones(len(labels)) if mix.holds(labels) else mix.weights(labels)
        self.weights = torch.from_numpy(even)
        chosen = choose(part_a.labels, len(labels))
        self.reference, self.reference_labels = features[chosen], part_a.labels[chosen]
        self.radii = radii(self.reference)
        # how often each image is in each resample, float64 (N, 200): the same for every row
        self.counts = _counts(labels, 0), _counts(self.reference_labels, 1)

    def read(self, images: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Judge B's probability (M,) of each image's label, and whether it reads it."""
        found = self.judge.read(images)[0].double().numpy()
        return found[np.arange(len(labels)), labels], found.argmax(1) == labels

    def measure(self, images: np.ndarray) -> Measure:
        """A row's images uint8 (N, H, W), in the order of the labels."""
        probabilities, features = self.judge.read(images)
        read = probabilities.argmax(1).numpy()
        right = read == self.labels
        probability = probabilities.double().numpy()[np.arange(len(read)), self.labels]
        found = manifolds(features, self.reference, self.radii)
        values = {
            "accuracy": float(right.mean()),
            "frechet": self._distance(features),
            "coverage": float(found.coverage.mean()),
            "recall": float(found.recall.mean()),
            "precision": float(found.precision.mean()),
        }
        return Measure(values, self._replicates(features, right), right, read, probability)

    def _replicates(self, features: Tensor, right: np.ndarray) -> dict[str, np.ndarray]:
        """Every metric of 200 resamples of the row's images, and of the real ones, at once."""
        counts, real = self.counts
        distance = torch.cdist(self.reference.double(), features.double())
        near_real = (distance < self.radii[:, None]).float()  # inside the real image's ball
        near_own = (distance < radii(features)[None]).float()
        here, there = (counts > 0).float(), (real > 0).float()
        shares = {
            "coverage": (real * (near_real @ here > 0)).sum(0) / len(real),
            "recall": (real * (near_own @ here > 0)).sum(0) / len(real),
            "precision": (counts * (near_real.T @ there > 0)).sum(0) / len(counts),
            "accuracy": (counts * torch.from_numpy(right)[:, None]).sum(0) / len(counts),
        }
        distances = [self._distance(features, column) for column in counts.T]
        return {
            "frechet": np.array(distances),
            **{name: share.numpy() for name, share in shares.items()},
        }

    def _distance(self, features: Tensor, counts: Tensor | None = None) -> float:
        return frechet_distance(fit_gaussian(features, counts, self.weights), self.gaussian)


@cache
def _judge_and_part_a() -> tuple[JudgeB, Tensor]:
    """Judge B, and its features of part A: read once, since neither ever changes."""
    judge = JudgeB()
    return judge, judge.read(split_mnist().part_a.images)[1]


def _counts(labels: np.ndarray, seed: int) -> Tensor:
    return torch.from_numpy(np.stack(list(resamples(labels, seed)), 1))
