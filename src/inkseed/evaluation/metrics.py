"""The metrics in the order of the table, and how they are shown."""

from collections.abc import Mapping
from typing import NamedTuple

from inkseed.evaluation.intervals import Estimate


class Metric(NamedTuple):
    """A figure for a set, and its baseline: the same figure for held-out real images."""

    value: float
    low: float
    high: float
    baseline: float
    baseline_low: float
    baseline_high: float

    @property
    def excess(self) -> Estimate:
        """How far the figure is above its baseline, with the uncertainty of both."""
        reach = ((self.high - self.value) ** 2 + (self.baseline_high - self.baseline) ** 2) ** 0.5
        above = self.value - self.baseline
        return Estimate(above, above - reach, above + reach)


class Reading(NamedTuple):
    """How a metric is shown: its title, a format, which way is better, and what it means."""

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
        "between the features of the set and of real digits; a finite number of images adds about"
        " 35 / N to it, so compare sets of equal size, or the excess above real",
    ),
    "frechet_endless": Reading(
        "  at infinite N", "{:.3f}", "↓",
        "the same extrapolated to endless images by a straight line over 1 / N; it may be negative"
        " near 0",
    ),
    "kernel": Reading(
        "kernel distance x1000", "{:.3f}", "↓", "the same without assuming a Gaussian"
    ),
    "precision": Reading(
        "precision", "{:.3f}", "↑", "images that lie where real images lie"
    ),
    "recall": Reading(
        "recall", "{:.3f}", "↑", "real images that lie where the set's images lie"
    ),
    "density": Reading(
        "density", "{:.3f}", "↑", "how deep the set lies among real images"
    ),
    "coverage": Reading(
        "coverage", "{:.3f}", "↑", "real images with one of the set's images nearby"
    ),
    "memorisation": Reading(
        "memorisation", "{:.3f}", "= 0.5",
        "how often an image is closer to the training images than a held-out one is",
    ),
    "memorisation_features": Reading(
        "  in features", "{:.3f}", "= 0.5", "the same in judge B's features"
    ),
    "near_copies": Reading(
        "near copies", "{:.2%}", "↓",
        "closer to a training image than 99 % of held-out images of their class",
    ),
    "slant": Reading(
        "slant, spread °", "{:.2f}", "= real", "standard deviation within a class"
    ),
    "thickness": Reading(
        "thickness, spread px", "{:.3f}", "= real", "standard deviation within a class"
    ),
}  # fmt: skip
EXCEEDING = ("frechet", "frechet_endless")  # whose excess over the baseline is shown
SCALES = {"kernel": 1000.0}  # factors of the table; the JSON has plain values


def shown(name: str, value: float, readings: Mapping[str, Reading] = READINGS) -> str:
    """A metric's value as it is shown."""
    return readings[name].form.format(value * SCALES.get(name, 1.0))
