"""Numbers of MNIST's test digits, set and finished as a set's numbers are."""

from functools import cache

import numpy as np

from inkseed.data import load_mnist
from inkseed.sets.drawing import LineSetter
from inkseed.sets.fit import Fit
from inkseed.sets.labelled_number import LabelledNumber
from inkseed.sets.look import Look
from inkseed.writing.number import Part


@cache
def digits() -> np.ndarray:
    return load_mnist(train=False).images


def setter_of(labels: list[str], look: Look, seed: int, first: int) -> LineSetter:
    """What sets numbers of digits that were drawn one by one, the first of them number `first`."""
    parts = [[Part(digit, 1) for digit in label] for label in labels]
    return LineSetter(look, seed, range(first, first + len(labels)), labels, parts)


def finished_number(count: int, index: int, look: Look, seed: int = 0) -> LabelledNumber:
    """Number `index` of a set, of `count` digits by anybody: which, the index alone decides."""
    chosen = np.random.default_rng(index).integers(0, len(digits()), count)
    (number,) = setter_of(["0" * count], look, seed, index).numbers(digits()[chosen])
    return number


def page_of(count: int, index: int, how: Fit) -> tuple[np.ndarray, list]:
    """The same on its paper and no more: ink 255 on 0, and boxes."""
    number = finished_number(count, index, Look(how, dark=False))
    return number.image, list(number.boxes)
