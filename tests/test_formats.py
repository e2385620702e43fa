"""Formats: what is written is read back by the code that trainers read it with."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from inkseed.errors import InkseedError
from inkseed.sets.formats.registry import Row, Shape, available, find_format
from inkseed.sets.labelled_number import LabelledNumber

LABELS = ("007", "00000000", "42", "1", "9999", "20260101", "0", "10")
SHARD = 3  # images


def numbers(labels=LABELS, height=32, width=128, first=0, colour=False) -> list[LabelledNumber]:
    """Grey noise with a dark block for each digit, exactly in its box."""
    rng = np.random.default_rng(5)
    found = []
    for k, label in enumerate(labels):
        image = rng.integers(200, 256, (height, width), np.uint8)
        boxes = []
        for place, digit in enumerate(label):
            x0 = 3 + place * 15
            box = (x0, 4, x0 + 8 + int(digit) % 4, height - 5 - int(digit) % 3)
            image[box[1] : box[3], box[0] : box[2]] = 20
            boxes.append(box)
        if colour:
            image = np.stack((image, image // 2, 255 - image), -1)
        found.append(LabelledNumber(first + k, label, image, boxes))
    return found


def digits(count=20) -> list[LabelledNumber]:
    """Single digits in MNIST's form."""
    return [
        LabelledNumber(n.index, n.label, 255 - n.image, n.boxes)
        for n in numbers([str(k * 7 % 10) for k in range(count)], 28, 28)
    ]


def rows_of(made: list[LabelledNumber]) -> list[Row]:
    return [
        Row(n.index, k // SHARD, n.label, n.boxes, *n.image.shape[:2]) for k, n in enumerate(made)
    ]


def write(name: str, folder: Path, made: list[LabelledNumber], finish=True) -> list[Row]:
    """Write shards as several processes would, the last one first, and finish."""
    form = find_format(name)
    shards = range(-(-len(made) // SHARD))
    for shard in reversed(shards):
        form.write_shard(folder, shard, made[shard * SHARD : (shard + 1) * SHARD])
    rows = rows_of(made)
    if finish:
        form.finish(folder, rows)
    return rows


def content(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def set_for(name: str) -> list[LabelledNumber]:
    return digits() if name == "idx" else numbers()


def same(found: LabelledNumber, made: LabelledNumber) -> bool:
    return found.label == made.label and np.array_equal(found.image, made.image)


@pytest.mark.parametrize("name", available())
def test_what_is_written_is_read_back(name, tmp_path):
    made = set_for(name)
    write(name, tmp_path, made)
    found = list(find_format(name).read(tmp_path))
    assert [each.label for each in found] == [each.label for each in made]
    for got, given in zip(found, made, strict=True):
        assert same(got, given)
        assert not got.boxes or [tuple(map(int, box)) for box in got.boxes] == given.boxes


@pytest.mark.parametrize("name", available())
def test_the_same_numbers_make_the_same_bytes_and_finishing_twice_changes_nothing(name, tmp_path):
    made = set_for(name)
    rows = write(name, tmp_path / "a", made)
    write(name, tmp_path / "b", made)
    once = content(tmp_path / "a")
    assert once == content(tmp_path / "b")
    find_format(name).finish(tmp_path / "a", rows)
    assert content(tmp_path / "a") == once


@pytest.mark.parametrize("name", available())
def test_two_shards_share_no_file(name, tmp_path):
    made, form = set_for(name), find_format(name)
    for shard in (0, 1):
        form.write_shard(tmp_path / str(shard), shard, made[shard * SHARD : (shard + 1) * SHARD])
    assert not set(content(tmp_path / "0")) & set(content(tmp_path / "1"))
    assert content(tmp_path / "0")


@pytest.mark.parametrize("name", available())
def test_no_file_is_named_after_its_label(name, tmp_path):
    """What trains on names would learn to read them."""
    made = [LabelledNumber(n.index, "31415926", n.image, n.boxes) for n in numbers(["00000000"])]
    if name != "idx":
        write(name, tmp_path, made)
        assert not [path for path in tmp_path.rglob("*") if "31415926" in path.name]


@pytest.mark.parametrize("name", available())
def test_finishing_can_be_stopped_and_begun_again(name, tmp_path, monkeypatch):
    """Killed after the joined file is in place and before the parts are gone, or earlier."""
    made = set_for(name)
    whole = tmp_path / "whole"
    write(name, whole, made)
    rows = write(name, tmp_path / "cut", made, finish=False)
    parts = content(tmp_path / "cut")
    find_format(name).finish(tmp_path / "cut", rows)
    for path, held in list(parts.items())[:1]:  # of the parts some are left
        (tmp_path / "cut" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "cut" / path).write_bytes(held)
    find_format(name).finish(tmp_path / "cut", rows)
    assert content(tmp_path / "cut") == content(whole)


@pytest.mark.parametrize("name", ["idx", "lmdb", "npz"])
def test_what_shards_did_not_leave_is_missed(name, tmp_path):
    """Rather than joined without."""
    made = set_for(name)
    form = find_format(name)
    form.write_shard(tmp_path, 0, made[:SHARD])
    with pytest.raises(InkseedError, match="draws them again"):
        form.finish(tmp_path, rows_of(made))
    assert (tmp_path / "parts").exists()
    assert not list(tmp_path.glob("*.*"))


@pytest.mark.parametrize("name", [name for name in available() if name != "idx"])
def test_colour_and_leading_zeros_survive(name, tmp_path):
    made = numbers(("00", "007"), colour=True)
    write(name, tmp_path, made)
    for got, given in zip(find_format(name).read(tmp_path), made, strict=True):
        assert same(got, given)


def shape(**changed) -> Shape:
    return replace(Shape(10, 32, 128, colour=False, dark=True, longest=8, shortest=1), **changed)


@pytest.mark.parametrize("name", available())
def test_every_format_but_mnists_holds_an_ordinary_set(name):
    if name != "idx":
        find_format(name).check(shape())


def test_an_unknown_format_is_one_line():
    with pytest.raises(InkseedError, match="give one of"):
        find_format("tfrecord")
