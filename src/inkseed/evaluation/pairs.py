"""Whether two-digit images are right, and look like one hand, measured digit by digit."""

from typing import NamedTuple

import numpy as np

from inkseed.data.style import measure_style
from inkseed.evaluation.intervals import Estimate, around, resamples, wilson
from inkseed.evaluation.metrics import Reading
from inkseed.judges import JudgeB
from inkseed.writing.reading import Read, read_apart
from inkseed.writing.seam import part_pairs


class PairsMeasured(NamedTuple):
    """The figures of two-digit images."""

    both_right: Estimate  # share of images whose digits are both read as labelled
    digit_right: Estimate  # share of digits
    slant: Estimate  # correlation between the slants of an image's two digits
    thickness: Estimate


PAIRS_READINGS = {
    "both_right": Reading("both digits right", "{:.2%}", "↑", "judge B reads both as labelled"),
    "digit_right": Reading("a digit right", "{:.2%}", "↑", "judge B reads one as labelled"),
    "slant": Reading("slants alike", "{:.3f}", "= real", "correlation of the two digits' slants"),
    "thickness": Reading("thickness alike", "{:.3f}", "= real", "correlation of their thickness"),
}


def measure_pairs(
    images: np.ndarray, labels: np.ndarray, read: Read | None = None
) -> PairsMeasured:
    """Measure uint8 (N, H, W), ink 255, of the numbers `labels` (N,) from 0 to 99.

    A seam separates the digits, and each is scaled and placed as in MNIST before it is read: by
    judge B, unless the result is used to choose something. A digit that lacks ink or lies on the
    other is not read (`data.least_ink`, `writing.overlap`). Correlations have bootstrap intervals,
    shares Wilson's.
    """
    apart = part_pairs(images)
    asked = np.stack((labels // 10, labels % 10), 1)
    right = read_apart(apart, read or JudgeB().digits) == asked
    style = [each.reshape(-1, 2) for each in measure_style(apart.reshape(-1, *apart.shape[2:]))]
    n = len(images)
    return PairsMeasured(
        wilson(int(right.all(1).sum()), n),
        wilson(int(right.sum()), 2 * n),
        *(_correlation(each) for each in style),
    )


def _correlation(pairs: np.ndarray) -> Estimate:
    """Pearson's correlation over pairs (N, 2)."""
    x, y = (pairs - pairs.mean(0)).T

    def value(counts: np.ndarray) -> float:
        a, b = x - (counts @ x) / counts.sum(), y - (counts @ y) / counts.sum()
        return float((counts @ (a * b)) / np.sqrt((counts @ a**2) * (counts @ b**2)))

    replicates = [value(counts) for counts in resamples(np.zeros(len(x), int), 0)]
    return around(value(np.ones(len(x))), replicates, (-1.0, 1.0))
