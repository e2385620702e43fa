"""Two-digit images: what they are made of, what the boxes say, and whose hands wrote both."""

from dataclasses import replace

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


def test_strangers_who_match_look_like_one_hand_and_without_matching_they_do_not(hands):
    for alike, low, high in ((48, 0.8, 1.0), (1, -0.15, 0.15)):
        layout = Layout(alike=alike, match="style")
        made = compose_pairs(hands, labels_of(2000), 4, layout=layout)
        for attribute in hands.style:
            pair = attribute[made.parts]
            assert low < np.corrcoef(pair.T)[0, 1] < high


def test_one_writer_wrote_both_digits_any_of_theirs(hands):
    part_a = split_mnist().part_a
    parts = compose_pairs(hands, labels_of(4000), 4).parts
    asked = compose_pairs(hands, labels_of(4000), 4, layout=Layout(match="writer")).parts
    assert (parts == asked).all()
    assert (np.diff(part_a.writers[parts]) == 0).mean() > 0.99
    first = np.full(2000, np.flatnonzero(part_a.labels == 4)[0])
    drawn = hands.match(first, np.full(2000, 7), Layout(), np.random.default_rng(0))
    sevens = np.flatnonzero((part_a.labels == 7) & (part_a.writers == part_a.writers[first[0]]))
    counts = np.array([(drawn == seven).sum() for seven in sevens])
    assert counts.sum() == 2000
    assert counts == pytest.approx(2000 / len(sevens), abs=5 * (2000 / len(sevens)) ** 0.5)


def test_a_writer_without_another_is_helped_out_by_who_looks_alike():
    """Writer 5 has one 7 and no 8, writer 6 has two 7s."""
    digits = load_mnist(train=True)
    rows = [*(np.flatnonzero(digits.labels == label)[0] for label in range(10)), 84, 91]
    rows[8:10] = rows[9], rows[8]
    few = digits.subset(np.array(rows))
    assert few.labels.tolist() == [*range(8), 9, 8, 7, 7]
    few = replace(few, writers=np.array([5] * 9 + [6] * 3))
    for match in ("writer", "auto"):
        made = compose_pairs(Hands(few), np.repeat([77, 78, 71], 50), 0, layout=Layout(match=match))
        seconds = {first: set() for first in (7, 10, 11)}
        for label, (first, second) in zip(made.source.labels, made.parts, strict=True):
            if label == 77:
                seconds[int(first)].add(int(second))
        assert seconds[10] == {11}
        assert seconds[11] == {10}
        assert len(seconds[7]) == 1  # the nearer of the two, with 48 looks at both
        assert seconds[7] < {10, 11}
        assert set(made.parts[50:100, 1].tolist()) == {9}
        assert set(made.parts[100:, 1].tolist()) == {1}  # writer 6 has no 1


def test_two_of_one_label_are_two_images():
    few = split_mnist().part_a.subset(np.arange(300))
    for layout in (Layout(), Layout(match="style"), Layout(alike=1, match="style")):
        doubles = compose_pairs(Hands(few), np.full(N, 77), 5, layout=layout)
        assert (doubles.parts[:, 0] != doubles.parts[:, 1]).all()


def test_where_nobody_knows_the_writers_style_decides_unless_writers_are_asked_for():
    few = split_mnist().part_a.subset(np.arange(300))
    unknown = Hands(replace(few, writers=None))
    auto = compose_pairs(unknown, labels_of(N), 6)
    style = compose_pairs(Hands(few), labels_of(N), 6, layout=Layout(match="style"))
    assert (auto.parts == style.parts).all()
    with pytest.raises(InkseedError, match="nobody knows who wrote these digits"):
        compose_pairs(unknown, labels_of(N), 6, layout=Layout(match="writer"))


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
        {"match": "hand"},
        {"match": ["writer"]},
    ],
)
def test_layouts_that_cannot_be_are_refused(settings):
    with pytest.raises(InkseedError, match=r"gap|alike|jitter|match"):
        Layout.of(settings)


def test_other_digits_are_refused():
    digits = load_mnist(train=True)
    with pytest.raises(InkseedError, match="no 3"):
        Hands(digits.subset(digits.labels != 3))
