"""The bundled `report` weights, as a user meets them. The slowest tests of the quick suite."""

import json

import pytest
import torch
from PIL import Image

from inkseed.judges import JudgeB
from inkseed.model.loading import load
from inkseed.model.weights import find_model
from inkseed.writing.reading import read_number


def test_weights_say_what_they_are():
    model = load("report")
    training = model.config.training
    assert training["recipe"] == "report"
    assert training["images_seen"] >= 3 * 60_000
    assert find_model("report").stat().st_size < 14e6
    assert all(torch.isfinite(p).all() for p in model.network.parameters())


def test_the_demos_number_is_read_by_judge_b(inkseed, tmp_path):
    out = tmp_path / "number.png"
    asked = ("write", "00297375", "--model", "report", "--seed", 7, "--out", out, "--json")
    boxes = json.loads(inkseed(*asked).out)["boxes"]
    with Image.open(out) as picture:
        read = read_number(picture, boxes, JudgeB().digits)
    assert sum(a == b for a, b in zip(read, "00297375", strict=True)) >= 7  # about 96 % are


@pytest.mark.slow
def test_the_demos_number_is_the_same_bytes_again(inkseed, tmp_path):
    paths = [tmp_path / name for name in ("first.png", "second.png")]
    for path in paths:
        inkseed("write", "00297375", "--model", "report", "--seed", 7, "--out", path)
    assert paths[0].read_bytes() == paths[1].read_bytes()
