"""How much less a mean over several images varies under same-distribution strategies."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from inkseed.data.style import measure_style
from inkseed.evaluation.intervals import Estimate, Z
from inkseed.evaluation.sets import digits_to_labels
from inkseed.model.model import Model

GROUPS, SIZE = 12, 8  # means per digit, and images in each: whole pairs, groups and nets
FIRST_SEED = 10_000  # far from the seeds of the rows
MEASURED = ("ink", "slant", "thickness")
DIGITS = np.repeat(np.arange(10), SIZE)


def draw_means(
    model: Model, how: Mapping[str, Any], noise: str, tell: Callable[[int], object]
) -> np.ndarray:
    """Ink, slant and thickness of GROUPS times SIZE images per digit: (GROUPS, 10, SIZE, 3)."""
    labels, found = digits_to_labels(model, DIGITS), []
    for seed in range(FIRST_SEED, FIRST_SEED + GROUPS):
        drawn = model.sample(labels, seed, **how, noise=noise, on_evaluations=tell).images
        ink = drawn.mean((1, 2)) / 255
        found.append(np.stack((ink, *measure_style(drawn)), 1).reshape(10, SIZE, len(MEASURED)))
    return np.stack(found)


def shape_of_means() -> tuple[int, ...]:
    """The shape of what `draw_means` returns."""
    return GROUPS, 10, SIZE, len(MEASURED)


def relative_variance(values: np.ndarray, independent: np.ndarray) -> dict[str, Estimate]:
    """The variance of a mean of SIZE images over that of independent images, which is 1.

    Both arrays are from `draw_means`; `independent` is that of Gaussian noise, whose single images
    set the scale. The interval is that of a variance with 10 (GROUPS - 1) degrees of freedom.
    """
    single = independent.var((0, 2), ddof=1).mean(0) / SIZE
    ratio = values.mean(2).var(0, ddof=1).mean(0) / single
    reach = Z * (2 / (10 * (GROUPS - 1))) ** 0.5
    return {
        name: Estimate(float(r), float(r * (1 - reach)), float(r * (1 + reach)))
        for name, r in zip(MEASURED, ratio, strict=True)
    }
