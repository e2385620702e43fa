"""The bundled weights that draw 00 to 99, as a user meets them."""

import json

import numpy as np
import pytest
from PIL import Image

from inkseed.data.pairs import PAIRS
from inkseed.data.style import measure_style
from inkseed.evaluation.pairs import measure_pairs
from inkseed.judges import JudgeA
from inkseed.model.loading import load
from inkseed.model.model import Model
from inkseed.model.weights import find_model
from inkseed.writing.number import write
from inkseed.writing.reading import read_number

LABELS = np.arange(100)


@pytest.fixture(scope="module")
def pairs() -> Model:
    return load("pairs")


def test_weights_say_what_they_are(pairs):
    assert pairs.class_names == PAIRS
    assert pairs.image_size == (28, 56)
    assert pairs.config.training["recipe"] == "pairs"
    assert find_model("pairs").stat().st_size < 8e6


def test_all_hundred_labels_are_drawn_in_one_hand(pairs):
    found = measure_pairs(pairs.sample(LABELS, 5).images, LABELS, JudgeA().digits)
    assert found.both_right.value > 0.93
    # as one writer's two digits are: 0.47 and 0.57, and not as one style's, which are nearly alike
    assert 0.25 < found.slant.value < 0.75
    assert 0.35 < found.thickness.value < 0.85


def test_style_that_was_asked_for_is_found_again(pairs):
    wanted = np.resize(np.linspace(1.7, 3.4, 10), 100)
    drawn = pairs.sample(LABELS, 3, thickness=wanted).images
    assert np.corrcoef(wanted, measure_style(drawn)[1])[0, 1] > 0.85


def test_a_pair_with_a_leading_zero_is_two_digits(pairs):
    seven, zero_seven = write("7", 1, model=pairs), write("07", 1, model=pairs)
    assert len(seven.boxes) == 1
    assert len(zero_seven.boxes) == 2
    assert pairs.indices(["07"]) == [7]


def test_a_number_of_pairs_is_read_by_its_boxes(inkseed, tmp_path):
    out = tmp_path / "n.png"
    asked = ("write", "0029737", "--model", "pairs", "--check", "--boxes", "--out", out, "--json")
    told = json.loads(inkseed(*asked).out)
    boxes = json.loads((tmp_path / "n.json").read_text("utf-8"))["boxes"]
    assert told["doubted"] == []
    with Image.open(out) as picture:
        assert read_number(picture, boxes, JudgeA().digits) == "0029737"


def test_the_reports_own_network_of_a_hundred_classes():
    model = load("report-pairs")
    assert model.class_names == PAIRS
    assert model.image_size == (28, 28)
    assert (model.network.n_classes, model.network.n_feat) == (100, 64)
    assert find_model("report-pairs").stat().st_size < 8e6
    some = np.arange(0, 100, 7)
    found = measure_pairs(model.sample(some, 2, steps=10).images, some, JudgeA().digits)
    assert found.digit_right.value > 0.7
