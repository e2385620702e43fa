"""Two digits told apart again, and read: against composites whose digits are known."""

import numpy as np
import pytest
from PIL import Image

from inkseed.data import split_mnist
from inkseed.data.pairs import Hands, Layout, box_overlap, compose_pairs, ink_boxes
from inkseed.judges import JudgeA
from inkseed.writing.reading import as_mnist, read_apart, read_number
from inkseed.writing.seam import part_pairs

N = 600


@pytest.fixture(scope="module")
def hands() -> Hands:
    return Hands(split_mnist().validation)


@pytest.mark.parametrize(("gap", "found"), [((3, 0), 0.99), ((2, 1.5), 0.98), ((-2, 0), 0.83)])
def test_digits_are_found_where_they_are(hands, gap, found):
    made = compose_pairs(hands, np.arange(N) % 100, 1, layout=Layout(gap))
    apart = part_pairs(made.source.images)
    assert (apart.max(1) == made.source.images).all()  # no ink is lost
    boxes = ink_boxes(apart.reshape(-1, 28, 56)).reshape(-1, 2, 4)
    assert (box_overlap(boxes, made.boxes) > 0.9).mean() > found


def test_what_is_told_apart_can_be_read(hands):
    made = compose_pairs(hands, np.arange(N) % 100, 2)
    read = read_apart(part_pairs(made.source.images), JudgeA().digits)
    right = read == np.stack((made.source.labels // 10, made.source.labels % 10), 1)
    assert right.all(1).mean() > 0.96


def test_reading_is_the_same_at_any_place_and_scale():
    digits = split_mnist().validation.subset(np.arange(N))
    plain = JudgeA().digits(digits.images)
    placed = []
    for image in digits.images:
        wide = np.zeros((40, 70), np.uint8)
        wide[9:37, 31:59] = image
        placed.append(as_mnist(np.asarray(Image.fromarray(wide).resize((210, 120)))))
    assert (JudgeA().digits(np.stack(placed)) == plain).mean() > 0.99
    assert (
        JudgeA().digits(np.stack([as_mnist(image) for image in digits.images])) == plain
    ).mean() > 0.99


def test_a_line_of_digits_is_read_by_its_boxes():
    digits = split_mnist().validation.subset(np.arange(8))
    ink = np.concatenate(list(digits.images), 1)
    boxes = [(28 * k, 0, 28 * k + 28, 28) for k in range(8)]
    read = read_number(Image.fromarray(255 - ink), boxes, JudgeA().digits)
    assert read == "".join(map(str, digits.labels))


def test_paper_is_no_digit_but_no_accident_either():
    assert (as_mnist(np.zeros((5, 9), np.uint8)) == 0).all()
    blank = part_pairs(np.zeros((1, 28, 56), np.uint8))
    assert blank.shape == (1, 2, 28, 56)


def test_squeezed_images_are_stretched_before_they_are_read(hands):
    made = compose_pairs(hands, np.arange(N) % 100, 2, (28, 28))
    read = read_apart(part_pairs(made.source.images), JudgeA().digits)
    right = read == np.stack((made.source.labels // 10, made.source.labels % 10), 1)
    assert right.all(1).mean() > 0.8  # half the width is lost for good
