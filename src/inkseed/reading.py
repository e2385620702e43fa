"""What a judge reads, and how sure it is to be: of images, and of digits in a larger picture."""

from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image

from inkseed.data.form import as_mnist
from inkseed.data.mnist import DIGITS
from inkseed.data.pairs import PAIRS
from inkseed.errors import InkseedError
from inkseed.judges import JudgeA
from inkseed.pictures import PAPER
from inkseed.seam import part_pairs

SURE = 0.9  # judge A's probability of the right digit: of 99 in 100 real ones it is as sure
LIKELY = 0.5  # of a pair's worse digit, cut out: of 99 in 100 real ones; 84, if squeezed to 28x28
ATTEMPTS = 10  # how often an image that it doubts is drawn again
Read = Callable[[np.ndarray], np.ndarray]
"""uint8 (N, H, W), ink 255, of digits in the middle, as MNIST has them -> digits (N,)."""


def read_number(picture: Image.Image, boxes: Sequence[Sequence[int]], read: Read) -> str:
    """The digits that stand in the boxes of a picture, dark on light, as `read` has them."""
    return "".join(map(str, read(digits_in(picture, boxes))))


def digits_in(picture: Image.Image, boxes: Sequence[Sequence[int]]) -> np.ndarray:
    """What stands in each box of a picture, dark on light: uint8 (N, 28, 28), ink 255, as MNIST."""
    ink = PAPER - np.asarray(picture)
    return np.stack([as_mnist(ink[y0:y1, x0:x1]) for x0, y0, x1, y1 in boxes])


def label_surety(images: np.ndarray, wanted: Sequence[str], judge: JudgeA) -> np.ndarray:
    """How sure judge A is that images (N, H, W), ink 255, show the wanted labels: (N,).

    Two-digit images are parted by the seam first, and the digit that it is less sure of counts.
    """
    digits = np.array([list(map(int, label)) for label in wanted])
    each = images if digits.shape[1] == 1 else _apart(part_pairs(images))
    read = judge.probabilities(each).numpy()
    sure: np.ndarray = read[np.arange(digits.size), digits.ravel()].reshape(digits.shape).min(1)
    return sure


def sure_enough(names: Sequence[str]) -> float:
    """How sure judge A is to be of an image with one of these labels."""
    return LIKELY if _are_pairs(names) else SURE


def read_apart(digits: np.ndarray, read: Read) -> np.ndarray:
    """What stands in digits told apart, uint8 (N, K, H, W), ink 255, each at any place: (N, K)."""
    return read(_apart(digits)).reshape(digits.shape[:2])


def _apart(digits: np.ndarray) -> np.ndarray:
    return np.stack([as_mnist(digit) for digit in digits.reshape(-1, *digits.shape[2:])])


def check_readable(names: Sequence[str]) -> None:
    """Raise InkseedError for labels that are neither digits nor pairs of them."""
    if not _are_pairs(names) and not set(names) <= set(DIGITS):
        raise InkseedError(
            "judge A checks 0 to 9, alone or in pairs: leave the check out for these labels"
        )


def _are_pairs(names: Sequence[str]) -> bool:
    return tuple(names) == PAIRS
