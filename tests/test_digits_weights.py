"""The bundled `digits` weights, the default, as a user meets them."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from inkseed.data.split import split_mnist
from inkseed.data.style import measure_style
from inkseed.judges import JudgeA, JudgeB
from inkseed.model.loading import load
from inkseed.model.model import Model
from inkseed.model.weights import DEFAULT_MODEL, find_model
from inkseed.writing.number import write
from inkseed.writing.reading import read_number

N = 80


@pytest.fixture(scope="module")
def digits() -> Model:
    return load("digits")


def test_weights_say_what_they_are(digits):
    training = digits.config.training
    assert DEFAULT_MODEL == training["recipe"] == "digits"
    assert training["average"] == min(
        training["validation_loss"], key=training["validation_loss"].get
    )
    assert find_model("digits").stat().st_size < 8e6
    assert all(torch.isfinite(p).all() for p in digits.network.parameters())


def test_the_demos_number_is_read_by_judge_b(inkseed, tmp_path):
    out = tmp_path / "number.png"
    asked = ("write", "00297375", "--seed", 7, "--out", out, "--json")
    boxes = json.loads(inkseed(*asked).out)["boxes"]
    with Image.open(out) as picture:
        read = read_number(picture, boxes, JudgeB().digits)
    assert read == "00297375"


def test_a_number_is_in_one_hand_and_the_seed_decides_which(digits):
    first, second = (write("0123456789", seed) for seed in (1, 2))
    hands = [(each.hand, each.slant, each.thickness) for each in (first, second)]
    assert hands[0] != hands[1]
    again = write("42", 1)  # whatever the number
    assert (again.hand, again.slant, again.thickness) == hands[0]
    if not digits.knows_hands:  # a hand leaves each digit its own
        for number in (first, second):
            slant, thickness = measure_style(number.samples.images)
            assert thickness.std() < 0.25
            assert abs(np.median(slant) - number.slant) < 5
    asked = write("0123", 1, slant=-10.0, thickness=3.5)
    assert (asked.slant, asked.thickness) == (-10.0, 3.5)
    slant, thickness = measure_style(asked.samples.images)
    assert abs(np.median(slant) + 10) < 5
    assert abs(thickness - 3.5).max() < 0.5


@pytest.mark.parametrize(("name", "low", "high"), [("slant", -15, 30), ("thickness", 1.6, 3.5)])
def test_style_that_was_asked_for_is_found_again(digits, name, low, high):
    wanted = np.linspace(low, high, N)
    labels = np.arange(N) * 7 % 10
    drawn = digits.sample(labels, 3, **{name: wanted})
    got = measure_style(drawn.images)[("slant", "thickness").index(name)]
    assert np.corrcoef(wanted, got)[0, 1] > 0.9
    assert (JudgeA().digits(drawn.images) == labels).mean() > 0.97


def test_style_left_free_varies_as_the_datas_does(digits):
    validation = split_mnist().validation
    threes = validation.images[validation.labels == 3]
    drawn = digits.sample([3] * N, 5).images
    for mine, real in zip(measure_style(drawn), measure_style(threes), strict=True):
        assert 0.7 < mine.std() / real.std() < 1.3


@pytest.mark.parametrize("style", [("--slant", "500"), ("--thickness", "9"), ("--slant", "1e39")])
def test_style_that_cannot_be_drawn_is_refused_with_its_bounds(inkseed, style, tmp_path):
    result = inkseed("write", "7", *style, "--out", tmp_path / "n.png")
    assert result.status == 2
    assert f"{style[0].removeprefix('--')} must be from" in result.err
    assert len(result.err.strip().splitlines()) == 1
