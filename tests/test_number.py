import json

import numpy as np
import pytest
from PIL import Image

import inkseed as package
from inkseed.number import INK, SCALE, compose, write


def test_a_number_is_one_picture_of_its_digits(inkseed, tiny_model, tmp_path):
    out = tmp_path / "number.png"
    result = inkseed("write", "0070", "--model", tiny_model, "--out", out)
    assert result.status == 0
    assert result.out.strip() == str(out)
    with Image.open(out) as picture:
        assert picture.mode == "L"
        assert picture.size == (4 * 28 * SCALE, 28 * SCALE)
    assert [path.name for path in tmp_path.iterdir()] == ["number.png"]


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(inkseed, tiny_model, tmp_path):
    paths = [tmp_path / f"{k}.png" for k in range(3)]
    for path, seed in zip(paths, (7, 7, 8), strict=True):
        inkseed("write", "42", "--seed", seed, "--model", tiny_model, "--out", path)
    first, second, other = (path.read_bytes() for path in paths)
    assert first == second
    assert first != other


def test_json_says_what_was_written(inkseed, tiny_model, tmp_path):
    out = tmp_path / "n.png"
    facts = json.loads(inkseed("write", "007", "--model", tiny_model, "--out", out, "--json").out)
    assert facts["number"] == "007"
    assert facts["nfe"] == 3 * 20 * 2
    assert len(facts["boxes"]) == 3


def test_boxes_are_tight_round_each_digits_ink():
    images = np.zeros((3, 28, 28), np.uint8)
    images[0, 4:20, 6:10] = 255
    images[0, 12, 6:28] = 255  # to the edge of its cell, and not beyond
    images[1, 10, 12] = 255
    picture, boxes = compose(images)
    ink = 255 - np.asarray(picture).astype(int) >= INK
    for k, (x0, y0, x1, y1) in enumerate(boxes[:2]):
        assert ink[y0:y1, x0:x1].any(0)[[0, -1]].all()
        assert ink[y0:y1, x0:x1].any(1)[[0, -1]].all()
        ink[y0:y1, x0:x1] = False
        assert not ink[:, k * 28 * SCALE : (k + 1) * 28 * SCALE].any()
    assert boxes[2] == (2 * 28 * SCALE, 0, 3 * 28 * SCALE, 28 * SCALE)  # blank: its whole cell
    assert boxes[1][0] > (28 + 10) * SCALE
    assert abs(boxes[0][0] - 6 * SCALE) <= 2
    assert abs(boxes[0][3] - 20 * SCALE) <= 2
    assert np.asarray(picture).max() == 255


def test_from_python(tiny_model, tmp_path):
    number = package.write("00297375", seed=7, model=tiny_model)
    assert number.image.size == (8 * 28 * SCALE, 28 * SCALE)
    assert number.nfe == 8 * 2 * 20
    assert len(number.boxes) == 8
    number.save(tmp_path / "n.png")
    assert (tmp_path / "n.png").stat().st_size > 0


def test_a_digits_noise_does_not_depend_on_the_digits_after_it(tiny_model):
    model = package.load(tiny_model)
    long, short = write("1234567", seed=3, model=model), write("123", seed=3, model=model)
    assert (long.samples.noise[:3] == short.samples.noise).all()
    difference = long.samples.images[:3].astype(int) - short.samples.images
    assert abs(difference).max() <= 8  # rounding in bfloat16 may differ with the batch's shape


@pytest.mark.parametrize("length", [1, 64])
def test_lengths_at_the_limits(inkseed, tiny_model, tmp_path, length):
    out = tmp_path / "n.png"
    assert inkseed("write", "8" * length, "--model", tiny_model, "--out", out).status == 0
    with Image.open(out) as picture:
        assert picture.width == length * 28 * SCALE


@pytest.mark.parametrize(
    "number",
    ["", "1" * 65, "12a", "١٢", "\uff11\uff12", "1 2", "-1", "+1", "1.5", "1\n", "½", "²", "\0"],
)
def test_anything_but_digits_is_refused_in_one_line(inkseed, tiny_model, tmp_path, number):
    out = tmp_path / "n.png"
    result = inkseed("write", "--model", tiny_model, "--out", out, "--", number)
    assert result.status == 2
    assert result.out == ""
    assert len(result.err.strip().splitlines()) == 1
    assert "1 to 64" in result.err
    assert list(tmp_path.iterdir()) == []
