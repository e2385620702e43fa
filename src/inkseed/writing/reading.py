"""What a judge reads, how confidently, in images and in the digits of a larger picture."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from inkseed.data.form import as_mnist
from inkseed.data.least_ink import NOTHING, believed, own_boxes, possible_digits
from inkseed.data.mnist import DIGITS
from inkseed.data.pairs import CELL, PAIRS
from inkseed.errors import InkseedError
from inkseed.judges import JudgeA
from inkseed.outline import Outlined
from inkseed.pictures import PAPER
from inkseed.writing.overlap import on_each_other
from inkseed.writing.seam import part_pairs

# judge A's probability of the right digit; it is at least as confident of 99 in 100 real ones
DIGIT_CONFIDENCE = 0.9
PAIR_CONFIDENCE = 0.5  # of a pair's worse digit, cut out: 99 in 100 too; 84, if squeezed to 28x28
BLANK = np.zeros((CELL, CELL), np.uint8)
Read = Callable[[np.ndarray], np.ndarray]
"""uint8 (N, H, W), ink 255, of digits centred as in MNIST -> digits (N,)."""


@dataclass(frozen=True, repr=False)
class Digits(Outlined):
    """Separated digits: what a judge is shown, and what it may read there (`data.least_ink`)."""

    images: np.ndarray  # uint8 (N, 28, 28), ink 255, as MNIST has them
    possible: np.ndarray  # bool (N, 10): False where there is too little ink for that digit

    def read(self, read: Read) -> np.ndarray:
        """The digit read in each image, or NOTHING: int64 (N,)."""
        return believed(read(self.images), self.possible)

    def confidence(self, wanted: np.ndarray, judge: JudgeA) -> np.ndarray:
        """Judge A's confidence in the wanted digits (N,), 0 for what cannot be there: (N,)."""
        rows = np.arange(len(wanted))
        found: np.ndarray = judge.probabilities(self.images).numpy()[rows, wanted]
        return np.where(self.possible[rows, wanted], found, 0)


def read_number(picture: Image.Image, boxes: Sequence[Sequence[int]], read: Read) -> str:
    """The digits that `read` finds in the boxes of a picture, dark on light; "?" for none."""
    found = digits_in(picture, boxes).read(read).tolist()
    return "".join("?" if digit == NOTHING else str(digit) for digit in found)


def digits_in(picture: Image.Image, boxes: Sequence[Sequence[int]]) -> Digits:
    """Cut each box out of a picture of one line, dark on light, 28 of MNIST's pixels high.

    An empty box holds nothing.
    """
    ink = PAPER - np.asarray(picture)
    cuts = [ink[y0:y1, x0:x1] if x0 < x1 and y0 < y1 else BLANK for x0, y0, x1, y1 in boxes]
    unit = picture.height / CELL
    possible = np.concatenate([possible_digits(cut[None], unit) for cut in cuts])
    possible[on_each_other(np.asarray(boxes))] = False
    return Digits(np.stack([as_mnist(cut) for cut in cuts]), possible)


def label_confidence(images: np.ndarray, wanted: Sequence[str], judge: JudgeA) -> np.ndarray:
    """Judge A's confidence that images (N, H, W), ink 255, show the wanted labels: (N,).

    Two-digit images are cut along the seam first, and the lower of the two confidences counts.
    """
    digits = np.array([list(map(int, label)) for label in wanted])
    if digits.shape[1] == 1:
        found = Digits(images, possible_digits(images, images.shape[1] / CELL))
    else:
        found = told_apart(part_pairs(images))
    return found.confidence(digits.ravel(), judge).reshape(digits.shape).min(1)


def least_confidence(names: Sequence[str]) -> float:
    """The confidence at which judge A accepts an image with one of these labels."""
    return PAIR_CONFIDENCE if _are_pairs(names) else DIGIT_CONFIDENCE


def read_apart(digits: np.ndarray, read: Read) -> np.ndarray:
    """What `read` finds in separated digits, uint8 (N, K, H, W), ink 255, anywhere in each: (N, K).

    NOTHING for none. The digits have the size of MNIST's.
    """
    return told_apart(digits).read(read).reshape(digits.shape[:2])


def told_apart(digits: np.ndarray) -> Digits:
    """N lines of K separated digits, uint8 (N, K, H, W), of MNIST's size, as N * K digits."""
    each = digits.reshape(-1, *digits.shape[2:])
    possible = possible_digits(each)
    possible[on_each_other(own_boxes(each).reshape(*digits.shape[:2], 4)).ravel()] = False
    return Digits(np.stack([as_mnist(digit) for digit in each]), possible)


def check_readable(names: Sequence[str]) -> None:
    """Raise InkseedError for labels that are neither digits nor pairs of digits."""
    if not _are_pairs(names) and not set(names) <= set(DIGITS):
        raise InkseedError(
            "judge A checks 0 to 9, alone or in pairs: leave out the check for other labels"
        )


def _are_pairs(names: Sequence[str]) -> bool:
    return tuple(names) == PAIRS
