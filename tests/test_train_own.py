"""Training on images of one's own: from scratch, from a trained model, and what is refused."""

import json
import os
import shutil
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from inkseed.data import load_mnist
from inkseed.files import sha256
from inkseed.model.loading import load
from tests.small_runs import OURS, rows_of


@pytest.fixture
def ours(tmp_path: Path) -> Path:
    path = tmp_path / "ours.toml"
    path.write_text(OURS.format(epochs=3))
    return path


@pytest.fixture
def hand(tmp_path: Path) -> Path:
    """A user's folder: two labels that no bundled model has together, 20 pictures each."""
    mnist = load_mnist(train=True)
    for digit, name in ((3, "3"), (7, "seven")):
        (tmp_path / "hand" / name).mkdir(parents=True)
        for k, image in enumerate(mnist.images[mnist.labels == digit][:20]):
            Image.fromarray(255 - image).save(tmp_path / "hand" / name / f"{k}.png")
    return tmp_path / "hand"


def test_ones_own_hand_is_trained_and_fine_tuned(inkseed, ours, hand, tmp_path):
    first, tuned = tmp_path / "first", tmp_path / "tuned"
    assert inkseed("train", ours, "--out", first, "--data", hand).status == 0
    model = load(first / "model.safetensors")
    assert model.class_names == ("3", "seven")
    assert model.config.training["data"] == "40 images of hand"
    assert len(rows_of(first)) == 3 * 200 // 32 + 1  # as many steps as with the recipe's own images
    start = first / "model.safetensors"
    sheet, arrays = tmp_path / "sheet.png", tmp_path / "set.npz"
    for out in (sheet, arrays):  # all that the model knows
        assert inkseed("sample", "--model", start, "--out", out, "--count", 1).status == 0
    assert np.load(arrays)["labels"].tolist() == ["3", "seven"]
    assert inkseed("sample", "--model", start, "--out", sheet, "--labels", "seven").status == 0
    assert (
        "it has 3, seven"
        in inkseed("sample", "--model", start, "--out", sheet, "--labels", "4").err
    )
    wide = ("--data", hand, "--size", "32x16", "--from", start)
    assert inkseed("train", ours, "--out", tuned, *wide).status == 0
    model = load(tuned / "model.safetensors")
    assert model.sample([1], steps=2).images.shape == (1, 32, 16)
    before = model.config.training["from"]
    assert before["images_seen"] == load(start).config.training["images_seen"]
    assert before["sha256"] == sha256(start)
    number = ("write", "3", "--model", tuned / "model.safetensors", "--out", tmp_path / "n.png")
    assert inkseed(*number).status == 0  # not square


def test_unusable_images_are_told_in_one_line(inkseed, ours, hand, tmp_path):
    def refused(*options: object) -> str:
        result = inkseed("train", ours, "--out", tmp_path / "run", *options)
        assert result.status == 2
        assert len(result.err.strip().splitlines()) == 1
        assert not (tmp_path / "run").exists()
        return result.err

    assert "no such file or folder" in refused("--data", tmp_path / "nothing")
    assert "would be a part of --data" in refused("--data", hand, "--out", hand / "run")
    assert "divisible by 4" in refused("--data", hand, "--size", "30")
    assert "--data" in refused("--size", "28")
    assert refused("--from", "nobody").startswith("inkseed: no model")
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "no images" in refused("--data", empty)
    for picture in hand.glob("*/*.png"):
        Image.new("L", (28, 28), 255).save(tmp_path / "blank.png")
        blank = tmp_path / "blank" / picture.parent.name
        blank.mkdir(parents=True, exist_ok=True)
        (blank / picture.name).write_bytes((tmp_path / "blank.png").read_bytes())
    assert "blank" in refused("--data", tmp_path / "blank")
    shutil.copy(hand / "3" / "0.png", hand / "0.png")
    assert "0.png has no label" in refused("--data", hand)
    (hand / "0.png").unlink()
    (hand / "3").rename(hand / "a,b")
    assert "cannot be a label" in refused("--data", hand)
    (hand / "a,b").rename(hand / "3")
    shutil.copytree(hand / "3", hand / unicodedata.normalize("NFC", "é"))
    shutil.copytree(hand / "3", hand / unicodedata.normalize("NFD", "é"))
    assert "two folders for the label" in refused("--data", hand)
    for folder in hand.glob("[!3s]*"):
        shutil.rmtree(folder)
    os.mkfifo(hand / "3" / "pipe.png")
    (hand / "3" / "0.png").write_bytes(b"no picture")
    for path in sorted((hand / "seven").iterdir())[3:]:
        path.unlink()
    few = refused("--data", hand)
    assert "at least 8 of each" in few
    assert "24 pictures, 22 used; 2 unreadable (first: 3/0.png)" in few


def test_a_run_goes_on_with_its_own_data_only(inkseed, ours, hand, tmp_path):
    out = tmp_path / "run"
    command = ("train", ours, "--out", out, "--data", hand)
    assert inkseed(*command).status == 0
    assert inkseed(*command, "--resume").status == 0
    assert "image_size" in inkseed(*command, "--resume", "--size", "16x32").err
    settings = out / "settings.json"
    old = json.loads(settings.read_text())
    del old["recipe"]["optimizer"]  # a setting that the version before did not know: its default
    settings.write_text(json.dumps(old))
    assert "optimizer adamw, not muon" in inkseed(*command, "--resume").err
    settings.write_text(json.dumps(old | {"recipe": old["recipe"] | {"optimizer": "muon"}}))
    picture = hand / "3" / "0.png"
    shutil.copy(hand / "3" / "1.png", picture)
    assert "images_sha256" in inkseed(*command, "--resume").err


@pytest.mark.parametrize(
    ("name", "was"),
    [
        ("data", "MNIST, parts A and B of its training digits (50,000), the first 200 of them"),
        ("images_sha256", "0" * 64),
    ],
)
def test_a_run_on_another_split_of_mnist_is_not_resumed(inkseed, ours, tmp_path, name, was):
    command = ("train", ours, "--out", tmp_path / "run")
    assert inkseed(*command).status == 0
    settings = tmp_path / "run" / "settings.json"
    old = json.loads(settings.read_text())
    assert "(50,046)" in old["data"]
    settings.write_text(json.dumps(old | {name: was}))
    refused = inkseed(*command, "--resume")
    assert refused.status == 2
    assert f"was started with {name} {was}, not " in refused.err
    assert "start again in another folder" in refused.err
