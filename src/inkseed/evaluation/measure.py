"""Measure one set of digits against real ones: the yardstick, and a set laid against it."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from inkseed.data.labelled import LabelledImages, join, to_tensor
from inkseed.data.split import split_mnist
from inkseed.data.style import measure_style
from inkseed.evaluation.extrapolate import LEAST, endless_frechet
from inkseed.evaluation.frechet import fit_gaussian, frechet
from inkseed.evaluation.intervals import (
    DISTANCE,
    SHARE,
    Estimate,
    bootstrap,
    bootstrap_mean,
    wilson,
)
from inkseed.evaluation.kernel import KernelReference
from inkseed.evaluation.memorisation import HeldOut, closer, closer_share, near_share
from inkseed.evaluation.mix import Mix, effective_size
from inkseed.evaluation.neighbours import Manifolds, manifolds, nearest, radii
from inkseed.judges import JudgeB
from inkseed.judges.fit import JUDGE_SIZE
from inkseed.outline import Outlined

MOST = 10_000  # images that neighbour metrics compare: their cost grows with the square
WEIGHED = ("frechet", "frechet_endless", "kernel", "slant", "thickness")
"""Figures that compare what the set is made of with what the data is made of.

They weigh classes where the set's labels have another mix. The others do not: accuracy, near
copies, precision, density and memorisation are averages over this set's own images, the last
already class by class; recall and coverage are averages over reference images, whose mix is right.
"""

Tell = Callable[[int], object]  # told how many images the judge has read since the last call


@dataclass(repr=False)
class Measured(Outlined):
    """What was found about one set; the arrays hold one entry an image."""

    estimates: dict[str, Estimate]
    style_means: dict[str, float]
    read: np.ndarray  # int64 (N,): the digit that judge B reads
    probability: np.ndarray  # float64 (N,): of the label, by judge B
    chosen: np.ndarray  # int64 (n,): the images that neighbour metrics saw
    nearest_pixels: np.ndarray  # int64 (n,): each chosen image's nearest training image
    distance_pixels: np.ndarray  # float64 (n,): and how far away it is, 0 for a copy
    manifolds: Manifolds
    reference_labels: np.ndarray  # of the reference images behind `recall` and `coverage`
    weights: np.ndarray  # float64 (N,): of the images in WEIGHED figures; 1 if the mix is kept

    @property
    def effective_n(self) -> float:
        """How many images of equal weight would tell as much."""
        return effective_size(self.weights)


class Yardstick:
    """Real digits, read by judge B once: what sets are measured against.

    Distances are taken to part A, which judge B never saw; "training images" are parts A and B.
    `held_out` gives the baseline: validation, or the test digits in final tables.
    """

    def __init__(self, held_out: LabelledImages, judge: JudgeB, tell: Tell = lambda _: None):
        if not isinstance(judge, JudgeB):
            raise TypeError("only judge B evaluates: judge A is for selectors")
        self.judge, self.tell, self.held_out = judge, tell, held_out
        split = split_mnist()
        self.training = join([split.part_a, split.part_b])
        _, self.training_features = self.read(self.training.images)
        self.training_pixels = pixels(self.training.images)
        self.part_a_labels = split.part_a.labels
        self.mix = Mix.of(self.part_a_labels)
        self.gaussian = fit_gaussian(self.part_a_features)
        self.kernel = KernelReference(self.part_a_features[choose(self.part_a_labels, MOST)])
        self.radii: dict[int, Tensor] = {}  # of the reference, by how many images it has
        self.held_out_read = self.read(held_out.images)
        self.held_out_pixels, _ = nearest(pixels(held_out.images), self.training_pixels)
        self.held_out_features, _ = nearest(self.held_out_read[1], self.training_features)

    @property
    def part_a_features(self) -> Tensor:
        """Judge B's features of part A, float32 (25000, 64)."""
        return self.training_features[: len(self.part_a_labels)]

    def read(self, images: np.ndarray) -> tuple[Tensor, Tensor]:
        """Judge B's probabilities (N, 10) and features (N, 64)."""
        return self.judge.read(images, self.tell)

    def measure(self, source: LabelledImages, seed: int) -> Measured:
        """Lay a set against the yardstick; `seed` keys the bootstrap."""
        probabilities, features = self.read(source.images)
        chosen = choose(source.labels, MOST)
        distance, which = nearest(pixels(source.images[chosen]), self.training_pixels)
        near, weights = (distance, which), self._weights(source.labels)
        return self._measure(source, (probabilities, features), chosen, near, weights, seed)

    def baseline(self, labels: np.ndarray, seed: int) -> Measured:
        """The same for as many held-out real images as `labels` (all of them, if there are fewer).

        For labels of the data's mix the held-out images are a sample in their own proportions.
        For others they have the very labels, as far as held-out images of a digit go, and are
        weighed in the same way, so that every figure is of as many images of each digit.
        """
        if self.mix.holds(labels):
            drawn = choose(self.held_out.labels, len(labels))
            weights = np.ones(len(drawn))
        else:
            drawn = self.mix.like(labels, self.held_out.labels)
            weights = self.mix.weights(self.held_out.labels[drawn])
        probabilities, features = self.held_out_read
        distance = self.held_out_pixels[drawn]
        return self._measure(
            self.held_out.subset(drawn),
            (probabilities[drawn], features[drawn]),
            np.arange(len(drawn)),
            (distance, torch.zeros(len(drawn), dtype=torch.long)),
            weights,
            seed,
        )

    def _weights(self, labels: np.ndarray) -> np.ndarray:
        return np.ones(len(labels)) if self.mix.holds(labels) else self.mix.weights(labels)

    def _measure(
        self,
        source: LabelledImages,
        read: tuple[Tensor, Tensor],
        chosen: np.ndarray,
        near: tuple[Tensor, Tensor],
        weights: np.ndarray,
        seed: int,
    ) -> Measured:
        probabilities, features = read
        labels, digits = source.labels, probabilities.argmax(1).numpy()
        some = features[chosen]
        compared = choose(self.part_a_labels, len(chosen))
        own, theirs = labels[chosen], self.part_a_labels[compared]
        reference = self.part_a_features[compared]
        if len(compared) not in self.radii:
            self.radii[len(compared)] = radii(reference)
        found = manifolds(some, reference, self.radii[len(compared)])
        shares = {
            "pixels": self._closer(near[0], own, self.held_out_pixels),
            "features": self._closer(
                nearest(some, self.training_features)[0], own, self.held_out_features
            ),
        }
        slants, widths = measure_style(source.images)
        estimates = {
            "accuracy": wilson(int((digits == labels).sum()), len(source)),
            "frechet": frechet(features, labels, self.gaussian, seed, weights),
            "kernel": self.kernel.distance(some, own, seed, weights[chosen]),
            "precision": bootstrap_mean(found.precision.numpy(), own, seed, SHARE),
            "recall": bootstrap_mean(found.recall.numpy(), theirs, seed, SHARE),
            "density": bootstrap_mean(found.density.numpy(), own, seed, DISTANCE),
            "coverage": bootstrap_mean(found.coverage.numpy(), theirs, seed, SHARE),
            "memorisation": closer(shares["pixels"], own, seed),
            "memorisation_features": closer(shares["features"], own, seed),
            "near_copies": near_share(shares["pixels"]),
            "slant": spread_within(slants, labels, seed, weights),
            "thickness": spread_within(widths, labels, seed, weights),
        }
        even = self.mix.weights(labels)  # a line over 1 / N shows what rounding of the mix hides
        if effective_size(even) >= LEAST:
            estimates["frechet_endless"] = endless_frechet(
                features, labels, self.gaussian, seed, even
            )
        return Measured(
            estimates=estimates,
            style_means={
                "slant": float(np.average(slants, weights=weights)),
                "thickness": float(np.average(widths, weights=weights)),
            },
            read=digits,
            probability=probabilities[torch.arange(len(labels)), labels].double().numpy(),
            chosen=chosen,
            nearest_pixels=near[1].numpy(),
            distance_pixels=near[0].numpy(),
            manifolds=found,
            reference_labels=theirs,
            weights=weights,
        )

    def _closer(self, distance: Tensor, labels: np.ndarray, held_out: Tensor) -> np.ndarray:
        return closer_share(
            distance.numpy(), labels, HeldOut(held_out.numpy(), self.held_out.labels)
        )


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


def pixels(images: np.ndarray) -> Tensor:
    """uint8 (N, H, W) -> float32 (N, 784) in [0, 1]: the space of distances in pixels."""
    return (to_tensor(images, JUDGE_SIZE).flatten(1) + 1) / 2


def spread_within(
    values: np.ndarray, labels: np.ndarray, seed: int, weights: np.ndarray
) -> Estimate:
    """The standard deviation around each class's own mean, pooled, with a bootstrap interval."""

    def spread(counts: np.ndarray) -> float:
        w = counts * weights
        n = np.bincount(labels, w)
        means = np.bincount(labels, w * values) / np.where(n > 0, n, 1)
        return float(np.sqrt(w @ (values - means[labels]) ** 2 / w.sum()))

    return bootstrap(spread(np.ones(len(values))), spread, labels, seed, DISTANCE)
