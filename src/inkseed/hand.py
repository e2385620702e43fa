"""A hand: one slant and one thickness, drawn as the data have them, for all digits of an image."""

from collections.abc import Iterable, Mapping, Sequence
from statistics import NormalDist

import numpy as np

STREAM = (0, 1)  # image k's hand has the random stream (k, 0, 1)
USUAL = (0.05, 0.95)  # quantiles of the data that a hand which nobody wonders at lies between
ANY = (0.005, 0.995)  # as varied as the data, but for what a network has hardly seen


def draw_hands(
    styles: Mapping[str, Sequence[float]],
    seed: int,
    numbers: Iterable[int],
    between: tuple[float, float] = ANY,
) -> dict[str, np.ndarray]:
    """Each style of the images `numbers`, float64 (N,), from its data's (mean, deviation)."""
    u = np.array(
        [
            np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(k, *STREAM))).uniform(
                *between, len(styles)
            )
            for k in numbers
        ]
    )
    return {
        name: np.array([NormalDist(*styles[name]).inv_cdf(value) for value in u[:, column]])
        for column, name in enumerate(sorted(styles))
    }
