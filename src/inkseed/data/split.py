"""The one split of MNIST's training digits: who may learn from what."""

from typing import NamedTuple

import numpy as np

from inkseed.data.labelled import LabelledImages
from inkseed.data.mnist import load_mnist

SIZES = (25_000, 25_000, 10_000)


class Split(NamedTuple):
    """MNIST's 60,000 training digits in three parts that share no image.

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
    """Split the training digits by one fixed permutation, without touching the test digits.

    Returns:
        The three parts.

    Raises:
        InkseedError: if the bundled files are missing or are not the published ones.
    """
    # the one numpy generator whose stream is frozen for good (NEP 19), so that the parts are the
    # same under every version
    order = np.random.RandomState(0).permutation(sum(SIZES))
    mnist = load_mnist(train=True)
    parts = np.split(order, np.cumsum(SIZES)[:-1])
    return Split(*(mnist.subset(part) for part in parts))
