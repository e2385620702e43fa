"""Is a two-digit image right, and did one hand write it? Measured on each digit by itself."""

from typing import NamedTuple

import numpy as np

from inkseed.data.style import measure_style
from inkseed.evaluation.intervals import Estimate, around, resamples, wilson
from inkseed.evaluation.metrics import Reading
from inkseed.judges import JudgeB
from inkseed.writing.reading import Read, read_apart
from inkseed.writing.seam import part_pairs


class PairsMeasured(NamedTuple):
    """What two-digit images are worth."""

    both_right: Estimate  # share of images of which both digits are read as asked
    digit_right: Estimate  # share of digits
    slant: Estimate  # correlation over images of the left digit's slant with the right one's
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

    A seam parts the digits; each is scaled and placed as MNIST's are before it is read, by judge B
    unless something is to be chosen by what is read. Where a digit lacks ink or lies on the
    other, none is read (`data.least_ink`, `writing.overlap`). Correlations have bootstrap
    intervals, shares Wilson's.
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
    """Pearson's over pairs (N, 2)."""
    x, y = (pairs - pairs.mean(0)).T

    def value(counts: np.ndarray) -> float:
        a, b = x - (counts @ x) / counts.sum(), y - (counts @ y) / counts.sum()
        return float((counts @ (a * b)) / np.sqrt((counts @ a**2) * (counts @ b**2)))

    replicates = [value(counts) for counts in resamples(np.zeros(len(x), int), 0)]
    return around(value(np.ones(len(x))), replicates, (-1.0, 1.0))
