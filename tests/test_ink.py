"""No digit is read where none stands: judges alone take blank paper for a "1"."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from inkseed.data import join, split_mnist
from inkseed.data.labelled import to_tensor
from inkseed.data.least_ink import LEAST, ink_of, least_ink, possible_digits
from inkseed.data.pairs import Hands, Layout, compose_pairs
from inkseed.diffusion.condition import Condition
from inkseed.evaluation.pairs import measure_pairs
from inkseed.judges import JudgeA, JudgeB
from inkseed.model.loading import load
from inkseed.model.model import Model, Samples
from inkseed.model.redraw import ATTEMPTS
from inkseed.model.request import Request
from inkseed.model.run import BoundRequest
from inkseed.model.sampling import SamplingOptions
from inkseed.writing.number import write
from inkseed.writing.overlap import on_each_other
from inkseed.writing.reading import (
    NOTHING,
    as_mnist,
    digits_in,
    label_confidence,
    read_apart,
    read_number,
)
from inkseed.writing.screening import sample_screened
from inkseed.writing.seam import part_pairs
from inkseed.writing.typesetting import SCALE, typeset

ONES = np.zeros((2, 28, 28), np.uint8)
ONES[0, 4:24, 12:16], ONES[1, 4:24, 13:16] = 255, 255
PAPER = np.zeros((1, 28, 28), np.uint8)


@pytest.fixture(scope="module")
def hands() -> Hands:
    return Hands(split_mnist().validation)


@pytest.fixture(scope="module")
def pairs() -> Model:
    return load("pairs")


def beside(*digits: np.ndarray) -> np.ndarray:
    """Digits side by side: uint8 (1, 28, 28 * K)."""
    return np.concatenate(digits, 1)[None]


def fused() -> np.ndarray:
    """Two 1s on top of each other, in the middle of a pair's image: uint8 (1, 28, 56)."""
    image = np.zeros((1, 28, 56), np.uint8)
    image[0, :, 14:42] = ONES.max(0)
    return image


def test_the_least_ink_is_what_the_training_digits_say():
    split = split_mnist()
    assert least_ink(join([split.part_a, split.part_b])) == pytest.approx(LEAST, abs=0.06)


def test_every_real_digit_has_the_ink_it_needs():
    validation = split_mnist().validation
    found = possible_digits(validation.images)
    assert found[np.arange(len(validation)), validation.labels].all()


def test_ink_is_the_same_in_a_picture_as_in_the_image():
    digits = split_mnist().validation.images[:20]
    picture, boxes = typeset(digits[:, None], np.full(19, 4.0))
    ink = 255 - np.asarray(picture)
    for digit, (x0, y0, x1, y1) in zip(digits, boxes, strict=True):
        assert ink_of(ink[y0:y1, x0:x1], SCALE) == pytest.approx(ink_of(digit), rel=0.06)


def test_neither_paper_nor_a_speck_is_a_digit():
    speck, block, thin = PAPER.copy(), PAPER.copy(), PAPER.copy()
    speck[0, 12:15, 12:14], block[0, 10:18, 10:18], thin[0, 4:24, 13] = 255, 255, 90
    for judge in (JudgeA(), JudgeB()):
        for image in (PAPER, speck, block, thin):
            assert read_apart(image[None], judge.digits).tolist() == [[NOTHING]]
    assert ink_of(as_mnist(speck[0])) > max(LEAST)  # scaled up, a speck has the ink of any digit


@pytest.mark.parametrize("label", list("0123456789"))
def test_of_paper_judge_a_is_sure_in_no_way(label):
    assert label_confidence(PAPER, [label], JudgeA()) == [0]
    one = beside(PAPER[0], ONES[0])
    assert label_confidence(one, [f"{label}1"], JudgeA()) == [0]


def test_two_digits_on_each_other_are_doubted_and_two_beside_each_other_are_not():
    judge = JudgeA()
    assert label_confidence(beside(*ONES), ["11"], judge) > 0.9
    assert label_confidence(fused(), ["11"], judge) == [0]
    forked = np.zeros((1, 28, 56), np.uint8)
    forked[0, 4:14, 25:31], forked[0, 14:24, 25:28], forked[0, 14:24, 29:32] = 255, 255, 255
    assert label_confidence(forked, ["11"], judge) == [0]


def test_boxes_that_share_more_than_composites_do_are_on_each_other():
    line = np.array([[0, 0, 10, 9], [5, 0, 11, 9], [7, 0, 20, 9], [20, 0, 20, 9], [20, 0, 30, 9]])
    assert on_each_other(line).tolist() == [True, True, True, False, False]
    assert on_each_other(line[:1]).tolist() == [False]
    assert on_each_other(line[[0, 2]]).tolist() == [False, False]


@pytest.mark.parametrize("layout", [Layout(), Layout((0, 0))])
def test_real_pairs_are_hardly_ever_doubted_for_their_ink(hands, layout):
    made = compose_pairs(hands, np.arange(2000) % 100, 1, layout=layout)
    asked = np.stack((made.source.labels // 10, made.source.labels % 10), 1)
    read = read_apart(part_pairs(made.source.images), lambda _: asked.ravel())
    assert (read == asked).all(1).mean() > 0.995


def test_what_lacks_ink_is_not_right_in_pairs_that_are_measured(hands):
    labels = np.full(40, 11)
    images = compose_pairs(hands, labels, 1, layout=Layout((4, 0))).source.images
    images[:10], images[10:20] = 0, fused()  # of the fused, one side holds a digit
    for read in (None, JudgeA().digits):
        found = measure_pairs(images, labels, read)
        assert (found.both_right.value, found.digit_right.value) == (0.5, 0.625)


def test_an_empty_box_is_read_as_nothing():
    picture, boxes = typeset([ONES[:1], PAPER, ONES[1:]], np.array([3.0, 2.0]))
    assert read_number(picture, boxes, JudgeA().digits) == "1?1"
    assert not digits_in(picture, boxes).possible[1].any()
    wide = Image.fromarray(255 - beside(PAPER[0], ONES[0])[0])
    cells = [(0, 0, 28, 28), (28, 0, 56, 28)]
    assert read_number(wide, cells, JudgeA().digits) == "?1"


@pytest.mark.parametrize(("number", "seed"), [("1", 2), ("11", 270), ("6354591", 151)])
def test_a_checked_number_misses_no_digit(pairs, number, seed):
    written = write(number, seed, model=pairs, check=True)
    assert written.doubted == []
    ink = 255 - np.asarray(written.image)
    for digit, (x0, y0, x1, y1) in zip(number, written.boxes, strict=True):
        assert ink_of(ink[y0:y1, x0:x1], SCALE) >= LEAST[int(digit)]
    assert not on_each_other(np.array(written.boxes)).any()


@pytest.mark.parametrize("check", [True, False])
def test_a_digit_that_stays_missing_is_told(pairs, hands, inkseed, monkeypatch, tmp_path, check):
    """What the model draws is replaced: 11 is one stroke, whatever the noise."""
    drawn = Model.sample_request

    def images_of(labels: np.ndarray) -> np.ndarray:
        images = compose_pairs(hands, labels, 1, layout=Layout((4, 0))).source.images
        return np.where((labels == 11)[:, None, None], fused(), images)

    def first(self: Model, request: Request, *rest: object) -> Samples:
        samples = drawn(self, request, *rest)
        return replace(samples, images=images_of(samples.labels))

    def again(self: BoundRequest, z: torch.Tensor, keys: list, told: Condition) -> torch.Tensor:
        return to_tensor(images_of(told.label.numpy()), (28, 56))

    monkeypatch.setattr(Model, "sample_request", first)
    monkeypatch.setattr(BoundRequest, "images", again)
    written = write("118", 1, 0.0, pairs, steps=1, check=check)
    assert written.doubted in ([0], [1], [0, 1])
    assert written.redrawn == (ATTEMPTS if check else 0)
    empty = {k for k, (x0, _, x1, _) in enumerate(written.boxes) if x0 == x1}
    assert empty <= set(written.doubted)
    out = tmp_path / "n.png"
    asked = ("write", "118", "--seed", 1, "--guide-w", 0, "--steps", 1, "--model", "pairs")
    told = inkseed(*asked, "--out", out, "--boxes", *(["--check"] if check else []))
    assert json.loads((tmp_path / "n.json").read_text())["doubted"] == written.doubted
    assert len(told.err.strip().splitlines()) == 1
    assert ("judge A still doubts" if check else "--check") in told.err
    if check:
        assert sample_screened(
            pairs, Request([11, 38], 1, SamplingOptions(0.0, steps=1))
        ).doubted.tolist() == [0]


def test_the_boxes_of_composites_lie_on_each_other_by_half_at_most(hands):
    made = compose_pairs(hands, np.full(300, 11), 1, layout=Layout((-9, 0)))
    assert not on_each_other(made.boxes).any()
