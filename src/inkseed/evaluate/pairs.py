"""Is a two-digit image right, and did one hand write it? Measured on its two digits, told apart."""

from typing import NamedTuple

import numpy as np

from inkseed.evaluate.intervals import Estimate, around, resamples, wilson
from inkseed.judges import JudgeB
from inkseed.reading import as_mnist
from inkseed.seam import part_pairs
from inkseed.style import measure_style


class PairsMeasured(NamedTuple):
    """What two-digit images are worth."""

    both_right: Estimate  # share of images in which judge B reads both digits as asked
    digit_right: Estimate  # share of digits
    slant: Estimate  # correlation over images of the left digit's slant with the right one's
    thickness: Estimate


def measure_pairs(images: np.ndarray, labels: np.ndarray) -> PairsMeasured:
    """Measure uint8 (N, H, W), ink 255, of the numbers `labels` (N,) from 0 to 99.

    A seam tells the digits apart; each is scaled and placed as MNIST's are before judge B reads it.
    Correlations have bootstrap intervals, shares Wilson's.
    """
    apart = part_pairs(images)
    right = digits_right(apart, np.stack((labels // 10, labels % 10), 1))
    height, width = images.shape[1:]
    style = [each.reshape(-1, 2) for each in measure_style(apart.reshape(-1, height, width))]
    n = len(images)
    return PairsMeasured(
        wilson(int(right.all(1).sum()), n),
        wilson(int(right.sum()), 2 * n),
        *(_correlation(each) for each in style),
    )


def digits_right(digits: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """Whether judge B reads uint8 digits (N, K, H, W), ink 255, as asked (N, K)."""
    flat = digits.reshape(-1, *digits.shape[2:])
    probabilities, _ = JudgeB().read(np.stack([as_mnist(digit) for digit in flat]))
    return probabilities.argmax(1).numpy().reshape(asked.shape) == asked


def _correlation(pairs: np.ndarray) -> Estimate:
    """Pearson's over pairs (N, 2)."""
    x, y = (pairs - pairs.mean(0)).T

    def value(counts: np.ndarray) -> float:
        a, b = x - (counts @ x) / counts.sum(), y - (counts @ y) / counts.sum()
        return float((counts @ (a * b)) / np.sqrt((counts @ a**2) * (counts @ b**2)))

    replicates = [value(counts) for counts in resamples(np.zeros(len(x), int), 0)]
    return around(value(np.ones(len(x))), replicates, (-1.0, 1.0))
