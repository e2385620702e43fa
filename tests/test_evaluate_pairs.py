"""What is measured on two-digit images moves as it must."""

import numpy as np
import pytest

from inkseed.data import split_mnist
from inkseed.data.pairs import Hands, Layout, compose_pairs
from inkseed.evaluation.pairs import measure_pairs

N = 500


@pytest.fixture(scope="module")
def hands() -> Hands:
    return Hands(split_mnist().validation)


@pytest.mark.parametrize(("alike", "low", "high"), [(48, 0.7, 1.0), (1, -0.2, 0.2)])
def test_one_hand_is_told_from_two(hands, alike, low, high):
    labels = np.arange(N) % 100
    made = compose_pairs(hands, labels, 1, layout=Layout((4, 0), alike=alike, match="style"))
    found = measure_pairs(made.source.images, labels)
    for measured, attribute in ((found.slant, 0), (found.thickness, 1)):
        known = np.corrcoef(hands.style[attribute][made.parts].T)[0, 1]
        assert low < measured.value < high
        assert measured.low < measured.value < measured.high
        assert measured.value == pytest.approx(known, abs=0.1)
    assert found.both_right.value > 0.96


def test_wrong_labels_are_wrong(hands):
    labels = np.arange(N) % 100
    images = compose_pairs(hands, labels, 1, layout=Layout((4, 0))).source.images
    mistaken = np.where(labels % 10 == 7, labels - 6, labels)  # 7 for 1, one in ten
    found = measure_pairs(images, mistaken)
    right = measure_pairs(images, labels)
    assert right.both_right.value - found.both_right.value == pytest.approx(0.1, abs=0.02)
    assert right.digit_right.value - found.digit_right.value == pytest.approx(0.05, abs=0.02)
