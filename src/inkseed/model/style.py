"""A style: one slant and one thickness for all digits of an image, drawn as the data vary."""

import math
from collections.abc import Iterable, Mapping, Sequence
from statistics import NormalDist

import numpy as np

from inkseed.data.style import POSITIVE
from inkseed.rng import Purpose, uniforms

USUAL = (0.05, 0.95)  # quantiles of the data between which a style is unremarkable
ANY = (0.005, 0.995)  # as varied as the data, without what a network has hardly seen


def draw_styles(
    styles: Mapping[str, Sequence[float]],
    seed: int,
    numbers: Iterable[int],
    between: tuple[float, float] = ANY,
) -> dict[str, np.ndarray]:
    """Draw each style for the images `numbers`, float64 (N,), from the data's (mean, deviation)."""
    low, high = between
    drawn = uniforms(seed, Purpose.STYLE, [(k,) for k in numbers], len(styles))
    u = low + (high - low) * drawn
    return {
        name: _quantiles(name, styles[name], u[:, column])
        for column, name in enumerate(sorted(styles))
    }


def _quantiles(name: str, moments: Sequence[float], u: np.ndarray) -> np.ndarray:
    """Quantiles of a normal distribution or, for a style that is never negative, a log-normal one.

    Thickness is so skewed that a normal distribution would draw strokes that no MNIST digit has.
    """
    mean, deviation = moments
    if name not in POSITIVE:
        return np.array([NormalDist(mean, deviation).inv_cdf(each) for each in u])
    spread = math.log1p((deviation / mean) ** 2)
    logarithm = NormalDist(math.log(mean) - spread / 2, math.sqrt(spread))
    return np.exp([logarithm.inv_cdf(each) for each in u])
