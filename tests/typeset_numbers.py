"""Numbers typeset of MNIST's test digits, with the ink of each digit by itself."""

from functools import cache

import numpy as np

from inkseed.data import load_mnist
from inkseed.sets.labelled_number import Box
from inkseed.writing.typesetting import gaps, typeset


@cache
def digits() -> np.ndarray:
    return load_mnist(train=False).images


def typeset_number(count: int, seed: int) -> tuple[np.ndarray, list[Box]]:
    """A number of `count` digits by anybody: its ink, 255 on 0, and boxes."""
    chosen = np.random.default_rng(seed).integers(0, len(digits()), count)
    picture, boxes = typeset([digits()[k][None] for k in chosen], gaps(count - 1, seed))
    return 255 - np.asarray(picture), boxes
