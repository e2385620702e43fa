"""One digit of a number: its own ink, whatever lies beside it, and where it stands."""

from typing import NamedTuple

import numpy as np

from inkseed.sets.labelled_number import Box


class Digit(NamedTuple):
    """The ink of one digit, uint8 (h, w), the page's pixel at its corner, and its box there."""

    ink: np.ndarray
    x: int
    y: int
    box: Box
