"""The metrics' names, in the order of the table, and how people read them."""

from collections.abc import Mapping
from typing import NamedTuple

from inkseed.evaluation.intervals import Estimate


class Metric(NamedTuple):
    """A figure for a set, beside the same figure for as many held-out real images: the baseline."""

    value: float
    low: float
    high: float
    baseline: float
    baseline_low: float
    baseline_high: float

    @property
    def excess(self) -> Estimate:
        """How far the figure lies above its baseline, both taken to be uncertain."""
        reach = ((self.high - self.value) ** 2 + (self.baseline_high - self.baseline) ** 2) ** 0.5
        above = self.value - self.baseline
        return Estimate(above, above - reach, above + reach)


class Reading(NamedTuple):
    """How a metric is shown: its title, a format, where better lies, and what it says."""

    title: str
    form: str
    better: str  # ↑ higher is better, ↓ lower
    meaning: str


READINGS = {
    "accuracy": Reading(
        "accuracy", "{:.2%}", "↑", "images that judge B reads as they are labelled"
    ),
    "frechet": Reading(
        "Fréchet distance", "{:.3f}", "↓",
        "between the features of the set and of real digits; few images alone make it larger, by"
        " about 35 / N, so compare sets of as many images, or what lies above real",
    ),
    "frechet_endless": Reading(
        "  at infinite N", "{:.3f}", "↓",
        "the same for endless images of the kind, by a straight line over 1 / N; near 0 it may be"
        " below",
    ),
    "kernel": Reading(
        "kernel distance x1000", "{:.3f}", "↓", "the same, without assuming a Gaussian"
    ),
    "precision": Reading(
        "precision", "{:.3f}", "↑", "images that lie where real images lie"
    ),
    "recall": Reading(
        "recall", "{:.3f}", "↑", "real images that lie where the set's images lie"
    ),
    "density": Reading(
        "density", "{:.3f}", "↑", "how deep among real images the set lies"
    ),
    "coverage": Reading(
        "coverage", "{:.3f}", "↑", "real images that have one of the set's nearby"
    ),
    "memorisation": Reading(
        "memorisation", "{:.3f}", "= 0.5",
        "chance to lie nearer to the training images than a held-out image does",
    ),
    "memorisation_features": Reading(
        "  in features", "{:.3f}", "= 0.5", "the same in judge B's features"
    ),
    "near_copies": Reading(
        "near copies", "{:.2%}", "↓",
        "nearer to a training image than 99 % of held-out images of the class",
    ),
    "slant": Reading(
        "slant, spread °", "{:.2f}", "= real", "standard deviation within a class"
    ),
    "thickness": Reading(
        "thickness, spread px", "{:.3f}", "= real", "standard deviation within a class"
    ),
}  # fmt: skip
EXCEEDING = ("frechet", "frechet_endless")  # of which the excess over the baseline is told
SCALES = {"kernel": 1000.0}  # what the table multiplies by; the JSON has plain values


def shown(name: str, value: float, readings: Mapping[str, Reading] = READINGS) -> str:
    """A metric's value as people read it."""
    return readings[name].form.format(value * SCALES.get(name, 1.0))
