"""The one split of MNIST's training digits, everywhere: who may learn from what."""

from typing import NamedTuple

import numpy as np

from inkseed.data.labelled import LabelledImages
from inkseed.data.mnist import load_mnist

SIZES = (25_000, 25_000, 10_000)


class Split(NamedTuple):
    """MNIST's 60,000 training digits in three parts that share no image."""

    part_a: LabelledImages  # judge A learns on it; distances are taken to it
    part_b: LabelledImages  # judge B learns on it
    validation: (
        LabelledImages  # nobody learns on it: every choice is made, every baseline taken, here
    )


def split_mnist() -> Split:
    """Split the training digits by one fixed permutation; the test digits are not touched.

    Generators learn on parts A and B. `RandomState` is the one numpy generator whose stream is
    frozen for good (NEP 19), so the parts are the same under every version.
    """
    order = np.random.RandomState(0).permutation(sum(SIZES))
    mnist = load_mnist(train=True)
    parts = np.split(order, np.cumsum(SIZES)[:-1])
    return Split(*(mnist.subset(part) for part in parts))
