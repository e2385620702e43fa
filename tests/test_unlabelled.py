"""Digits that nobody labelled, as people have them, read for a hand."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from inkseed.data import LabelledImages, read_digits, split_mnist
from inkseed.errors import InkseedError
from inkseed.judges import JudgeA

from . import kinds
from .test_pictures_read import photographed, sheet_of


@pytest.fixture(scope="module")
def digits() -> LabelledImages:
    """Twelve digits, of all labels, that one writer wrote."""
    validation = split_mnist().validation
    own = validation.subset(validation.writers == np.unique(validation.writers)[1])
    return own.subset(np.arange(12))


def saved(folder: Path, digits: LabelledImages) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for k, image in enumerate(digits.images):
        Image.fromarray(255 - image).save(folder / f"{k:02d}.png")
    return folder


def test_mnists_own_come_back_byte_for_byte(digits, tmp_path):
    read = read_digits(saved(tmp_path, digits))
    assert np.array_equal(read.images, digits.images)
    assert read.account.line() == "12 pictures, all used; light paper; 28x28 pixels"
    one = read_digits(tmp_path / "03.png")
    assert np.array_equal(one.images, digits.images[3:4])
    assert one.account.line().startswith("1 picture, all used")


def test_labels_and_what_is_no_picture_do_not_matter(digits, tmp_path):
    folder = tmp_path / "mine"
    saved(folder / "zeros and others", digits.subset(np.arange(6)))
    saved(folder / "7", digits.subset(np.arange(6, 9)))
    saved(folder, digits.subset(np.arange(9, 12)))
    saved(folder / ".thumbnails", digits)
    saved(folder / "too" / "deep", digits)
    (folder / "notes.txt").write_text("mine")
    read = read_digits(folder)
    assert sorted(map(bytes, read.images)) == sorted(map(bytes, digits.images))
    assert "12 pictures, all used; 1 other file (notes.txt)" in read.account.line()
    labelled = tmp_path / "set.npz"
    np.savez(labelled, images=digits.images, labels=digits.labels)
    assert np.array_equal(read_digits(labelled).images, digits.images)


@pytest.mark.parametrize("make", [kinds.shaded_photo, kinds.pencil, kinds.on_a_desk, kinds.ruled])
def test_photographs_of_digits(make, digits, tmp_path):
    for k, image in enumerate(digits.images):
        make(tmp_path / f"{k:02d}", image, k)
    read = read_digits(tmp_path)
    assert read.images.shape == (12, 28, 28)
    assert (JudgeA().digits(read.images) == digits.labels).mean() > 0.9


@pytest.mark.parametrize("shown", [lambda ink: 255 - ink, photographed], ids=["scan", "photograph"])
def test_a_sheet_of_all_sorts(shown, digits, tmp_path):
    Image.fromarray(shown(sheet_of(digits.images, 4, 60, 56))).save(tmp_path / "sheet.png")
    read = read_digits(tmp_path / "sheet.png")
    assert len(read.images) == 12
    assert sorted(JudgeA().digits(read.images)) == sorted(digits.labels)
    assert "12 digits, some of sheets" in read.account.line()


def test_where_no_digit_is(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.txt").write_text("hello")
    Image.new("L", (60, 60), 255).save(tmp_path / "blank.png")
    for name, words in (
        ("empty", "holds no pictures"),
        ("notes.txt", "is not a set"),
        ("blank.png", "1 blank"),
        ("none", "no such file or folder"),
    ):
        with pytest.raises(InkseedError, match=words):
            read_digits(tmp_path / name)
