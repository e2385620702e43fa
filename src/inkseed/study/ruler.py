"""How the study measures: judge B's reading of each row, and paired differences between rows.

Every row holds images of the same labels and seeds, in the same order. An interval comes of
resampling the images, the same ones in every row at a time, so that what two rows share (the
labels, the noise, the luck of the draw) cancels in their difference.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from inkseed.data.split import split_mnist
from inkseed.evaluate.frechet import fit_gaussian, frechet_distance
from inkseed.evaluate.intervals import Estimate, around, resamples
from inkseed.evaluate.measure import choose
from inkseed.evaluate.neighbours import manifolds, radii
from inkseed.judges import JudgeB

METRICS = ("accuracy", "frechet", "coverage", "recall", "precision")
BOOTSTRAP_SEED = 0


@dataclass(frozen=True)
class Measure:
    """A row's figures: the value of each metric, and of each of the 200 resamples."""

    values: dict[str, float]
    replicates: dict[str, np.ndarray]
    right: np.ndarray  # bool (N,): does B read the label?

    def estimate(self, metric: str) -> Estimate:
        """The figure with its 95 % interval."""
        return around(self.values[metric], list(self.replicates[metric]))

    def minus(self, other: "Measure", metric: str) -> Estimate:
        """The paired difference, with its 95 % interval."""
        spread = self.replicates[metric] - other.replicates[metric]
        return around(self.values[metric] - other.values[metric], list(spread))


class Ruler:
    """Judge B with as many of part A's images as a row has, which B never saw."""

    def __init__(self, labels: np.ndarray, tell: Callable[[int], object] = lambda _: None) -> None:
        self.labels, self.judge, self.tell = labels, JudgeB(), tell
        part_a = split_mnist().part_a
        _, features = self.judge.read(part_a.images, tell)
        self.gaussian = fit_gaussian(features)
        chosen = choose(part_a.labels, len(labels))
        self.reference, self.reference_labels = features[chosen], part_a.labels[chosen]
        self.radii = radii(self.reference)

    def read(self, images: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Judge B's probability (M,) of each image's label, and whether it reads it."""
        found = self.judge.read(images, self.tell)[0].double().numpy()
        return found[np.arange(len(labels)), labels], found.argmax(1) == labels

    def measure(self, images: np.ndarray) -> Measure:
        """A row's images uint8 (N, H, W), in the order of the labels."""
        probabilities, features = self.judge.read(images, self.tell)
        right = probabilities.argmax(1).numpy() == self.labels
        found = manifolds(features, self.reference, self.radii)
        inside = torch.cdist(self.reference.double(), features.double()) < self.radii[:, None]
        values = {
            "accuracy": float(right.mean()),
            "frechet": frechet_distance(fit_gaussian(features), self.gaussian),
            "coverage": float(found.coverage.mean()),
            "recall": float(found.recall.mean()),
            "precision": float(found.precision.mean()),
        }
        replicates: dict[str, list[float]] = {metric: [] for metric in METRICS}
        drawn = zip(
            resamples(self.labels, BOOTSTRAP_SEED),
            resamples(self.reference_labels, BOOTSTRAP_SEED + 1),
            strict=True,
        )
        for counts, real in drawn:
            here, there = torch.from_numpy(counts), torch.from_numpy(real)
            moved = fit_gaussian(features, here)
            replicates["accuracy"].append(float(counts @ right) / len(right))
            replicates["frechet"].append(frechet_distance(moved, self.gaussian))
            replicates["coverage"].append(float(there @ _held(inside, here)) / len(real))
            replicates["recall"].append(float(there @ found.recall) / len(real))
            replicates["precision"].append(float(here @ found.precision) / len(counts))
        return Measure(values, {k: np.array(v) for k, v in replicates.items()}, right)


def _held(inside: Tensor, counts: Tensor) -> Tensor:
    """Which reference images' balls hold an image that was drawn, float64 (m,)."""
    return (inside.float() @ (counts > 0).float() > 0).double()
