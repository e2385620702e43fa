"""Measure a set of digits against real ones."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from inkseed.data.labelled import LabelledImages, join, to_tensor
from inkseed.data.style import measure_style
from inkseed.evaluation.extrapolate import LEAST, endless_frechet
from inkseed.evaluation.frechet import frechet
from inkseed.evaluation.intervals import (
    DISTANCE,
    Estimate,
    around,
    around_share,
    bootstrap,
    wilson,
)
from inkseed.evaluation.judged import Judged, Tell
from inkseed.evaluation.kept import distance_to, features_of
from inkseed.evaluation.memorisation import HeldOut, closer, closer_share, near_share
from inkseed.evaluation.mix import choose, effective_size
from inkseed.evaluation.neighbours import Manifolds, compare, nearest
from inkseed.evaluation.reference import MOST, Reference
from inkseed.evaluation.registry import Seen, own_estimates
from inkseed.judges.fit import JUDGE_SIZE
from inkseed.outline import Outlined

WEIGHED = ("frechet", "frechet_endless", "kernel", "slant", "thickness")
"""Figures that compare the distribution of the set with that of the data.

They weight the classes if the set's labels have another mix. The others do not: accuracy, near
copies, precision, density and memorisation are means over the set's own images, the last one class
by class; recall and coverage are means over reference images, whose mix is right.
"""


@dataclass(repr=False)
class Measured(Outlined):
    """Everything measured on one set; arrays have one entry per image."""

    estimates: dict[str, Estimate]
    style_means: dict[str, float]
    read: np.ndarray  # int64 (N,): the digit that judge B reads, or NOTHING
    probability: np.ndarray  # float64 (N,): of the label, by judge B; 0 if there is too little ink
    chosen: np.ndarray  # int64 (n,): the images used for neighbour metrics
    nearest_pixels: np.ndarray  # int64 (n,): each chosen image's nearest training image
    distance_pixels: np.ndarray  # float64 (n,): its distance, 0 for a copy
    manifolds: Manifolds
    reference_labels: np.ndarray  # of the reference images behind `recall` and `coverage`
    weights: np.ndarray  # float64 (N,): of the images in WEIGHED figures; 1 if the mix is right

    @property
    def effective_n(self) -> float:
        """How many images of equal weight would be worth as much."""
        return effective_size(self.weights)


class RealDigits:
    """The real digits that sets are compared with: the reference, training and held-out images.

    Training images are the reference's parts A and B. `held_out` gives the baselines: validation
    or, in final tables, the test digits.
    """

    def __init__(
        self, held_out: LabelledImages, reference: Reference, tell: Tell = lambda _: None
    ) -> None:
        self.reference, self.tell, self.held_out = reference, tell, held_out
        part_a, part_b, _ = reference.split
        self.training = join([part_a, part_b])
        own = features_of(reference.judge, part_b.images, tell)
        self.training_features = torch.cat([reference.features, own])
        self.training_pixels = pixels(self.training.images)
        self.held_out_judged = reference.judged(held_out.images, tell)
        self.held_out_pixels = distance_to(
            self.training_pixels, held_out.images, pixels(held_out.images)
        )
        self.held_out_features, _ = nearest(self.held_out_judged.features, self.training_features)

    def measure(self, source: LabelledImages, seed: int) -> Measured:
        """All figures of a set; `seed` is that of the bootstrap."""
        judged = self.reference.judged(source.images, self.tell)
        chosen = choose(source.labels, MOST)
        near = nearest(pixels(source.images[chosen]), self.training_pixels)
        weights = self.reference.weights(source.labels)
        return self._measure(source, judged, chosen, near, weights, seed)

    def baseline(self, labels: np.ndarray, seed: int) -> Measured:
        """The same for as many held-out real images as `labels`, or all if there are fewer.

        For labels in the data's mix they are a sample in their own proportions. For others they
        have the same labels, as far as there are held-out images of each digit, and the same
        weights, so that both sides have the same number of images of each digit.
        """
        mix = self.reference.mix
        if mix.holds(labels):
            drawn = choose(self.held_out.labels, len(labels))
            weights = np.ones(len(drawn))
        else:
            drawn = mix.like(labels, self.held_out.labels)
            weights = mix.weights(self.held_out.labels[drawn])
        distance = self.held_out_pixels[drawn]
        return self._measure(
            self.held_out.subset(drawn),
            self.held_out_judged.subset(drawn),
            np.arange(len(drawn)),
            (distance, torch.zeros(len(drawn), dtype=torch.long)),
            weights,
            seed,
        )

    def _measure(
        self,
        source: LabelledImages,
        judged: Judged,
        chosen: np.ndarray,
        near: tuple[Tensor, Tensor],
        weights: np.ndarray,
        seed: int,
    ) -> Measured:
        reference, labels, features = self.reference, source.labels, judged.features
        some, own = features[chosen], labels[chosen]
        real = reference.near(len(chosen))
        manifolds, means = compare(some, real, reference.draws(own, seed))
        distances, _ = nearest(some, self.training_features)
        shares = {
            "pixels": self._closer(near[0], own, self.held_out_pixels),
            "features": self._closer(distances, own, self.held_out_features),
        }
        slants, widths = measure_style(source.images)
        estimates = {
            "accuracy": wilson(int((judged.digits == labels).sum()), len(source)),
            "frechet": frechet(features, labels, reference.gaussian, seed, weights),
            "kernel": reference.kernel.distance(some, own, seed, weights[chosen]),
            "precision": around_share(*means["precision"], len(own)),
            "recall": around_share(*means["recall"], len(real.labels)),
            "density": around(*means["density"], DISTANCE),
            "coverage": around_share(*means["coverage"], len(real.labels)),
            "memorisation": closer(shares["pixels"], own, seed),
            "memorisation_features": closer(shares["features"], own, seed),
            "near_copies": near_share(shares["pixels"]),
            "slant": spread_within(slants, labels, seed, weights),
            "thickness": spread_within(widths, labels, seed, weights),
        }
        even = reference.mix.weights(labels)  # a line over 1 / N is sensitive even to rounding
        if effective_size(even) >= LEAST:
            estimates["frechet_endless"] = endless_frechet(
                features, labels, reference.gaussian, seed, even
            )
        estimates |= own_estimates(Seen(source, judged, reference, weights, seed))
        return Measured(
            estimates=estimates,
            style_means={
                "slant": float(np.average(slants, weights=weights)),
                "thickness": float(np.average(widths, weights=weights)),
            },
            read=judged.digits,
            probability=judged.of(labels),
            chosen=chosen,
            nearest_pixels=near[1].numpy(),
            distance_pixels=near[0].numpy(),
            manifolds=manifolds,
            reference_labels=real.labels,
            weights=weights,
        )

    def _closer(self, distance: Tensor, labels: np.ndarray, held_out: Tensor) -> np.ndarray:
        return closer_share(
            distance.numpy(), labels, HeldOut(held_out.numpy(), self.held_out.labels)
        )


def pixels(images: np.ndarray) -> Tensor:
    """uint8 (N, H, W) -> float32 (N, 784) in [0, 1], in which pixel distances are taken."""
    return (to_tensor(images, JUDGE_SIZE).flatten(1) + 1) / 2


def spread_within(
    values: np.ndarray, labels: np.ndarray, seed: int, weights: np.ndarray
) -> Estimate:
    """The pooled standard deviation within classes, with a bootstrap interval."""

    def spread(counts: np.ndarray) -> float:
        w = counts * weights
        n = np.bincount(labels, w)
        means = np.bincount(labels, w * values) / np.where(n > 0, n, 1)
        return float(np.sqrt(w @ (values - means[labels]) ** 2 / w.sum()))

    return bootstrap(spread(np.ones(len(values))), spread, labels, seed, DISTANCE)
