"""The one split of MNIST's training digits, by writer: who may learn from what."""

import hashlib
from typing import NamedTuple

import numpy as np

from inkseed.data.labelled import LabelledImages
from inkseed.data.mnist import load_mnist
from inkseed.data.writers import Writers, load_writers

SIZES = (25_009, 25_037, 9_954)  # images of the three parts
BORDERS = (5 / 12, 10 / 12)  # of a series' images


class Split(NamedTuple):
    """MNIST's 60,000 training digits in three parts that share no writer.

    Generators learn on parts A and B.

    Attributes:
        part_a: what judge A learns on; distances are taken to it.
        part_b: what judge B learns on.
        validation: nobody learns on it. All choices are made on it, and baselines taken.
    """

    part_a: LabelledImages
    part_b: LabelledImages
    validation: LabelledImages


def split_mnist() -> Split:
    """Split the training digits by who wrote them, without touching the test digits.

    MNIST has a writer's digits side by side. So each part is shuffled, and its first images are as
    many hands as any others.

    Returns:
        The three parts.

    Raises:
        InkseedError: if the bundled files are missing or are not the published ones.
    """
    mnist, parts = load_mnist(train=True), part_of_each(load_writers(train=True))
    # the one numpy generator whose stream is frozen for good (NEP 19)
    order = np.random.RandomState(0).permutation(len(mnist))
    return Split(*(mnist.subset(order[parts[order] == part]) for part in range(len(SIZES))))


def part_of_each(writers: Writers) -> np.ndarray:
    """The part of each image, int64 (N,): 0 for A, 1 for B, 2 for validation.

    Within each series, writers are sorted by the hexadecimal SHA-256 of their decimal number. A
    writer whose middle image lies below 5/12 of the series' images belongs to part A, below 10/12
    to part B.
    """
    numbers, first, counts = np.unique(writers.numbers, return_index=True, return_counts=True)
    series, part = writers.series[first], np.empty(len(numbers), np.int64)
    digests = [hashlib.sha256(str(number).encode()).hexdigest() for number in numbers]
    order = np.argsort(digests)
    for each in np.unique(series):
        own = order[series[order] == each]
        before = np.cumsum(counts[own]) - counts[own] / 2  # images before the writer's middle one
        part[own] = np.searchsorted(np.array(BORDERS) * counts[own].sum(), before, side="right")
    return part[np.searchsorted(numbers, writers.numbers)]
