"""The split of MNIST by writer: no hand in two parts, and the same parts on every machine."""

import hashlib

import numpy as np
import pytest

from inkseed.data import LabelledImages, Split, join, load_mnist, split_mnist
from inkseed.data.split import SIZES

WRITERS = (223, 225, 91)
SHA256 = (  # of each part's images and labels
    "77d8dea48ba1bbbf8e06c1a5df28f9c311782a8ea4ccc3f9a0f3ff9cac783b36",
    "930f83b931b4762085a25cee517c3ec3a57fdff33cced3170a67ea43f98fe6ab",
    "2d1078e38a7c9b3ad50984367cd7c5d4e6fdbee1119c2acc1e18eb1383d9948c",
)


@pytest.fixture(scope="module")
def split() -> Split:
    return split_mnist()


def test_no_writer_is_in_two_parts(split):
    hands = [set(part.writers.tolist()) for part in split]
    test = set(load_mnist(train=False).writers.tolist())
    assert tuple(map(len, hands)) == WRITERS
    assert len(set.union(*hands)) == sum(WRITERS)
    assert not test & set.union(*hands)
    assert len(test) == 297


def test_each_training_digit_is_in_one_part(split):
    assert tuple(map(len, split)) == SIZES

    def known(digits: LabelledImages) -> np.ndarray:
        weighed = digits.images.reshape(60_000, -1).astype(np.int64) @ np.arange(784)
        return np.sort(weighed * 10 + digits.labels)

    assert np.array_equal(known(join(split)), known(load_mnist(train=True)))


@pytest.mark.parametrize("part", range(3))
def test_the_parts_are_the_same_everywhere(split, part):
    own = split[part]
    data = own.images.tobytes() + own.labels.astype("<i8").tobytes()
    assert hashlib.sha256(data).hexdigest() == SHA256[part]


def test_each_part_has_mnists_mix_of_labels_and_its_first_images_many_hands(split):
    shares = np.bincount(load_mnist(train=True).labels) / 60_000
    for part, hands in zip(split, WRITERS, strict=True):
        assert np.bincount(part.labels) / len(part) == pytest.approx(shares, abs=0.003)
        assert len(np.unique(part.writers[:2000])) > 0.95 * hands
