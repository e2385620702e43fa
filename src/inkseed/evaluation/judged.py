"""What judge B reads in images; with too little ink for a digit, its reading does not count."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from torch import Tensor

from inkseed.data.least_ink import believed, possible_digits
from inkseed.data.pairs import resized_bytes
from inkseed.judges import JudgeB
from inkseed.judges.fit import JUDGE_SIZE

Tell = Callable[[int], object]  # called with how many more images the judge has read


class Judged(NamedTuple):
    """One entry per image."""

    digits: np.ndarray  # int64 (N,): the digit that is read, or NOTHING
    probabilities: np.ndarray  # float64 (N, 10): of each digit; 0 if there is too little ink
    features: Tensor  # float32 (N, 64), in which distances are measured

    def of(self, labels: np.ndarray) -> np.ndarray:
        """The probability of each image's label (N,): float64 (N,)."""
        return self.probabilities[np.arange(len(labels)), labels]

    def subset(self, rows: np.ndarray) -> "Judged":
        """The entries of some images."""
        return Judged(self.digits[rows], self.probabilities[rows], self.features[rows])


def judge_images(judge: JudgeB, images: np.ndarray, tell: Tell = lambda _: None) -> Judged:
    """Have judge B read uint8 images (N, H, W), ink 255."""
    probabilities, features = judge.read(images, tell)
    sized = images if images.shape[1:] == JUDGE_SIZE else resized_bytes(images, JUDGE_SIZE)
    possible = possible_digits(sized)
    return Judged(
        digits=believed(probabilities.argmax(1).numpy(), possible),
        probabilities=np.where(possible, probabilities.double().numpy(), 0.0),
        features=features,
    )
