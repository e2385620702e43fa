"""Two-digit images: what they are made of, what the boxes say, and that one hand wrote both."""

import numpy as np
import pytest

from inkseed.data import load_mnist, split_mnist
from inkseed.data.pairs import INK, PAIRS, Hands, Layout, compose_pairs, ink_boxes
from inkseed.data.style import measure_style
from inkseed.errors import InkseedError

N = 400


@pytest.fixture(scope="module")
def hands() -> Hands:
    return Hands(split_mnist().part_a)


def labels_of(n: int) -> np.ndarray:
    return np.arange(n) * 37 % 100


def test_labels_are_the_digits_from_left_to_right(hands):
    made = compose_pairs(hands, labels_of(N), 0)
    digits = split_mnist().part_a.labels[made.parts]
    assert made.source.class_names == PAIRS
    assert PAIRS[7] == "07"
    assert (made.source.labels == 10 * digits[:, 0] + digits[:, 1]).all()
    assert made.source.images.shape == (N, 28, 56)
    assert (made.boxes[:, 0, 0] < made.boxes[:, 1, 0]).all()


def test_each_box_is_tight_round_its_digits_ink(hands):
    made = compose_pairs(hands, labels_of(N), 1, layout=Layout(gap=(4.0, 0.0)))
    for image, boxes in zip(made.source.images, made.boxes, strict=True):
        ink = image >= INK
        for x0, y0, x1, y1 in boxes:
            cut = ink[y0:y1, x0:x1]
            assert cut.any(0)[[0, -1]].all()
            assert cut.any(1)[[0, -1]].all()
        assert ink.sum() == sum(ink[y0:y1, x0:x1].sum() for x0, y0, x1, y1 in boxes)


def test_the_layout_is_obeyed(hands):
    for gap in (-3, 0, 5):
        made = compose_pairs(hands, labels_of(N), 2, layout=Layout((gap, 0), 0, 1))
        widths = made.boxes[..., 2] - made.boxes[..., 0]
        between = made.boxes[:, 1, 0] - made.boxes[:, 0, 2]
        assert (between == np.maximum(gap, -(widths.min(1) // 2))).all()
        border = made.boxes[:, [0, 1], [2, 0]].mean(1)
        assert (np.abs(border - 28) <= 0.5).all()
    spread = compose_pairs(hands, labels_of(4000), 3, layout=Layout((2, 1.5), 2, 1))
    between = spread.boxes[:, 1, 0] - spread.boxes[:, 0, 2]
    assert between.std() == pytest.approx(1.5, rel=0.15)
    middles = spread.boxes[..., [1, 3]].mean(2)
    assert (middles[:, 1] - middles[:, 0]).std() == pytest.approx(2, rel=0.15)


def test_both_digits_look_like_one_hand_and_without_matching_they_do_not(hands):
    for alike, low, high in ((48, 0.8, 1.0), (1, -0.15, 0.15)):
        made = compose_pairs(hands, labels_of(2000), 4, layout=Layout(alike=alike))
        for attribute in hands.style:
            pair = attribute[made.parts]
            assert low < np.corrcoef(pair.T)[0, 1] < high
    for alike in (48, 1):
        few = Hands(split_mnist().part_a.subset(np.arange(300)))
        doubles = compose_pairs(few, np.full(N, 77), 5, layout=Layout(alike=alike))
        assert (doubles.parts[:, 0] != doubles.parts[:, 1]).all()


def test_style_is_the_mean_of_both_digits(hands):
    made = compose_pairs(hands, labels_of(50), 6)
    single = measure_style(split_mnist().part_a.images[made.parts.ravel()])
    for mine, expected in zip(made.style, single, strict=True):
        assert mine == pytest.approx(expected.reshape(-1, 2).mean(1), abs=1e-4)


def test_the_seed_decides_and_nothing_else(hands):
    first, again = (compose_pairs(hands, labels_of(50), (3, 1)) for _ in range(2))
    other = compose_pairs(hands, labels_of(50), (3, 2))
    assert (first.source.images == again.source.images).all()
    assert (first.boxes == again.boxes).all()
    assert (first.parts != other.parts).any()


def test_other_sizes_scale_images_and_boxes(hands):
    large = compose_pairs(hands, labels_of(50), 7)
    small = compose_pairs(hands, labels_of(50), 7, (28, 28))
    assert small.source.images.shape == (50, 28, 28)
    assert (small.boxes[..., 0] == large.boxes[..., 0] // 2).all()
    assert (small.boxes[..., 1] == large.boxes[..., 1]).all()


def test_ink_boxes_of_paper_are_the_whole():
    images = np.zeros((2, 6, 8), np.uint8)
    images[1, 2, 3] = 255
    assert ink_boxes(images).tolist() == [[0, 0, 8, 6], [3, 2, 4, 3]]


@pytest.mark.parametrize(
    "settings",
    [
        {"gap": 3},
        {"gap": [1, -1]},
        {"gap": ["a", 1]},
        {"jitter": -1},
        {"jitter": float("nan")},
        {"alike": 0},
        {"alike": 2.7},
        {"gap": "12"},
        {"gap": (1, 2, 3)},
        {"alike": 10**9},
        {"space": 2},
        {"gap": [1e300, 1]},
    ],
)
def test_layouts_that_cannot_be_are_refused(settings):
    with pytest.raises(InkseedError, match=r"gap|alike|jitter"):
        Layout.of(settings)


def test_other_digits_are_refused():
    digits = load_mnist(train=True)
    with pytest.raises(InkseedError, match="no 3"):
        Hands(digits.subset(digits.labels != 3))
