"""Who wrote each of MNIST's digits.

Facts of the extended labels of QMNIST: Yadav and Bottou, "Cold Case: The Lost MNIST Digits",
arXiv 1905.10498. No writer of the training digits wrote a test digit.
"""

import gzip
from typing import NamedTuple

import numpy as np

from inkseed.data.bundled import FOLDER, checked


class Writers(NamedTuple):
    """Who wrote each image, in MNIST's own order.

    Attributes:
        numbers: int64 (N,): the writer's number in NIST Special Database 19.
        series: int64 (N,): 0 for employees of the census, 4 for students of a high school. All
            images of one writer are of one series.
    """

    numbers: np.ndarray
    series: np.ndarray


def load_writers(train: bool) -> Writers:
    """Return who wrote MNIST's digits, after checking the bundled file's SHA-256.

    Args:
        train: the 539 writers of the 60,000 training digits rather than the 297 of the 10,000 test
            digits.

    Returns:
        The writer and the series of each image.

    Raises:
        InkseedError: if the file is missing or changed.
    """
    path = checked(FOLDER / f"mnist-{'train' if train else 'test'}-writers.u2.gz")
    rows = np.frombuffer(gzip.decompress(path.read_bytes()), "<u2").reshape(-1, 2)
    return Writers(rows[:, 0].astype(np.int64), rows[:, 1].astype(np.int64))
