"""`inkseed dataset`: a set is a pure function of its settings, whatever happens on the way."""

import errno
import json
import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as parquet
import pytest
import torch
from datasets import load_dataset

from inkseed.checkpoint import save_tensors
from inkseed.data import load_mnist
from inkseed.data.pairs import INK, PAIRS
from inkseed.errors import InkseedError
from inkseed.model.hand import Hand
from inkseed.nn import network_from
from inkseed.processes import default_workers
from inkseed.registry import FORMATS
from inkseed.sets import drawing
from inkseed.sets.folder import SetFolder
from inkseed.sets.formats.registry import find_format
from inkseed.sets.labelled_number import LabelledNumber
from inkseed.sets.making import Share, share_from
from inkseed.sets.manifest import checksum
from inkseed.writing.typesetting import cleaned
from tests.conftest import TINY

MANIFEST = ("manifest", "*.parquet")
HAND_MODEL = {
    "network": {
        **{"name": "patch_unet", "in_channels": 1, "n_classes": 10, "widths": [16, 64], "hand": 8},
        "styles": {"slant": [6.0, 15.0], "thickness": [2.4, 0.6]},
    },
    "schedule": {"name": "variance_exploding", "sigma_max": 20.0, "sigma_min": 0.02},
    "prediction": {"name": "edm"},
    "sampling": {"sampler": "ddim", "steps": 2, "guide_w": 0.0, "one_hand": True},
    "image_size": [28, 28],
    "class_names": list("0123456789"),
    "training": {},
}


class Arrays:
    """A format of the tests' own: one .npy an image, and a list of labels."""

    def check(self, shape):
        if shape.longest > 20:
            raise InkseedError("arrays hold 20 digits at most")

    def write_shard(self, into: Path, shard: int, numbers) -> None:
        for number in numbers:
            np.save(into / f"{number.index:05d}.npy", number.image)

    def finish(self, folder: Path, rows) -> None:
        told = [[row.index, row.label, row.boxes] for row in rows]
        (folder / "labels.json").write_text(json.dumps(told))

    def read(self, folder: Path):
        for index, label, boxes in json.loads((folder / "labels.json").read_text()):
            image = np.load(folder / f"{index:05d}.npy")
            yield LabelledNumber(index, label, image, boxes)


@pytest.fixture(autouse=True)
def _arrays(forget):
    FORMATS.register("arrays", lambda made: made())(Arrays)


@pytest.fixture
def make(inkseed, tiny_model, tmp_path):
    """Run `inkseed dataset` with a tiny model, as typed, and return what it printed."""

    def run(*arguments, out="set", template="digits:2-4", count=20):
        how = ("--model", tiny_model, "--steps", 2, "--guide-w", 0, "--format", "arrays")
        few = ("--workers", 1, "--shard-size", 8, "--out", tmp_path / out, "--count", count)
        return inkseed("dataset", template, *how, *few, *arguments)

    return run


def saved(path: Path, config: dict) -> Path:
    """An untrained model's file."""
    with torch.random.fork_rng():
        torch.manual_seed(1)
        save_tensors(path, network_from(config["network"]).state_dict(), config)
    return path


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def rows(folder: Path, *columns: str) -> list[dict]:
    paths = sorted(folder.joinpath(MANIFEST[0]).glob(MANIFEST[1]))
    return [row for path in paths for row in parquet.read_table(path).to_pylist()]


def test_a_set_has_its_images_its_manifest_and_its_settings(make, tmp_path):
    result = make("--json", "--split", "50/25/25")
    assert result.status == 0, result.err
    told = json.loads(result.out)
    assert told["finished"]
    assert told["splits"] == {"train": 10, "validation": 5, "test": 5}
    found = rows(tmp_path / "set")
    assert [row["index"] for row in found] == list(range(20))
    read = {
        each.index: each
        for split in told["splits"]
        for each in Arrays().read(tmp_path / "set" / split)
    }
    assert sorted(read) == list(range(20))
    for row in found:
        each = read[row["index"]]
        assert row["label"] == each.label
        assert row["sha256"] == checksum(each.image)
        assert (row["height"], row["width"]) == each.image.shape == (32, 128)
        assert len(row["boxes"]) == len(row["label"]) == len(row["streams"])
        assert row["boxes"] == each.boxes
        assert (row["seed"], row["steps"], row["guide_w"], row["strategy"]) == (0, 2, 0, "gaussian")
        assert len(row["weights_sha256"]) == 64
    streams = [tuple(each) for row in found for each in row["streams"]]
    assert len(set(streams)) == len(streams)
    metadata = parquet.read_metadata(tmp_path / "set" / "manifest" / "000000.parquet").metadata
    assert json.loads(metadata[b"inkseed"])["settings"]["template"] == "digits:2-4"
    assert not list((tmp_path / "set").rglob(".inkseed*"))


def test_the_same_command_makes_the_same_bytes_and_another_seed_others(make, tmp_path):
    for out, seed in (("a", 3), ("b", 3), ("c", 4)):
        assert make("--seed", seed, out=out).status == 0
    assert files(tmp_path / "a") == files(tmp_path / "b")
    assert rows(tmp_path / "a")[0]["sha256"] != rows(tmp_path / "c")[0]["sha256"]
    assert make("--seed", 3, out="a").status == 0  # again, where it is finished
    assert files(tmp_path / "a") == files(tmp_path / "b")


@pytest.mark.parametrize("template", ["digits:4", "digits:2-4"])
def test_what_is_missing_is_drawn_and_nothing_else(make, tmp_path, template):
    make(template=template, out="whole")
    make(template=template)
    whole, part = files(tmp_path / "whole"), tmp_path / "set"
    (part / "manifest" / "000001.parquet").unlink()
    (part / "summary.json").unlink()
    (part / "train" / "00009.npy").write_bytes(b"half")
    kept = (part / "train" / "00003.npy").stat().st_mtime_ns
    assert make(template=template).status == 0
    assert files(part) == whole
    assert (part / "train" / "00003.npy").stat().st_mtime_ns == kept


def test_other_settings_or_another_folder_are_refused_and_nothing_is_destroyed(make, tmp_path):
    make()
    before = files(tmp_path / "set")
    for more, word in (
        (("--seed", 9), "seed is 0 there, and 9 here"),
        (("--steps", 3), "steps"),
        (("--height", 40), "look"),
        (("--format", "png"), "format"),
    ):
        result = make(*more)
        assert result.status == 2
        assert word in result.err
        assert len(result.err.splitlines()) == 1
    assert files(tmp_path / "set") == before
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "photo.jpg").write_bytes(b"mine")
    result = make(out="mine")
    assert (result.status, len(result.err.splitlines())) == (2, 1)
    assert "not an empty folder" in result.err
    assert files(tmp_path / "mine") == {"photo.jpg": b"mine"}
    for out in ("mine/photo.jpg", "mine/photo.jpg/set"):
        result = make(out=out)
        assert (result.status, len(result.err.splitlines())) == (2, 1)
    assert files(tmp_path / "mine") == {"photo.jpg": b"mine"}


def test_a_full_disk_is_one_line_and_the_same_command_goes_on(make, tmp_path, monkeypatch):
    make(out="whole")
    save, left = np.save, [11]

    def full(*arguments):
        left[0] -= 1
        if left[0] < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        save(*arguments)

    monkeypatch.setattr(np, "save", full)
    result = make()
    assert result.status == 2
    assert "No space left on device" in result.err
    assert len(result.err.strip().splitlines()) == 1
    assert not list((tmp_path / "set").rglob(".inkseed*"))
    monkeypatch.setattr(np, "save", save)
    assert make().status == 0
    assert files(tmp_path / "set") == files(tmp_path / "whole")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write all")
def test_an_unwritable_folder_is_one_line(make, tmp_path):
    (tmp_path / "locked").mkdir(mode=0o500)
    result = make(out="locked/set")
    assert (result.status, len(result.err.splitlines())) == (2, 1)


def test_a_number_is_made_again_to_the_byte(make, inkseed, tmp_path):
    make("--split", "50/25/25")
    for row in (0, 9, 17):
        again = inkseed("regenerate", tmp_path / "set", "--row", row, "--json")
        assert again.status == 0, again.err
        told = json.loads(again.out)
        assert (told["same"], told["same_file"], told["row"]["index"]) == (True, True, row)
    out = tmp_path / "one.png"
    assert inkseed("regenerate", tmp_path / "set", "--row", 3, "--out", out).status == 0
    assert out.exists()
    assert "no 20" in inkseed("regenerate", tmp_path / "set", "--row", 20).err
    np.save(tmp_path / "set" / "test" / "00017.npy", np.zeros((32, 128), np.uint8))
    changed = inkseed("regenerate", tmp_path / "set", "--row", 17)
    assert changed.status == 2
    assert "the files have been changed" in changed.err
    assert "no set" in inkseed("regenerate", tmp_path, "--row", 0).err
    (tmp_path / "set" / "manifest" / "000000.parquet").unlink()
    assert "not drawn yet" in inkseed("regenerate", tmp_path / "set", "--row", 0).err


@pytest.mark.parametrize("content", [b"", b"PAR1 and nothing else"])
def test_a_damaged_manifest_is_one_line(make, inkseed, tmp_path, content):
    make(count=10)
    part, summary = tmp_path / "set" / "manifest" / "000000.parquet", "summary.json"
    part.write_bytes(content)
    (tmp_path / "set" / summary).unlink()
    for result in (make(count=10), inkseed("regenerate", tmp_path / "set", "--row", 1)):
        assert (result.status, len(result.err.splitlines())) == (2, 1)
        assert "is damaged" in result.err
    part.unlink()
    assert make(count=10).status == 0


DAMAGES = {
    "no table": lambda train: (train / "labels.csv").unlink(),
    "no text": lambda train: (train / "labels.csv").write_bytes(b"\xff,\n"),
    "no header": lambda train: (train / "labels.csv").write_text("a,b\n1,2\n"),
    "too short": lambda train: (train / "labels.csv").write_text("filename,label,boxes\n"),
    "no picture": lambda train: (train / "images/000000/000000001.png").write_bytes(b"PNG"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_files_are_one_line_which_says_how_to_mend_them(make, inkseed, tmp_path, damage):
    make("--format", "png", count=10)
    home = tmp_path / "set"
    whole = files(home)
    DAMAGES[damage](home / "train")
    result = inkseed("regenerate", home, "--row", 1)
    assert (result.status, len(result.err.splitlines())) == (2, 1)
    assert f"{home / 'train'} is damaged: remove it" in result.err
    shutil.rmtree(home / "train")
    assert make("--format", "png", count=10).status == 0
    assert files(home) == whole


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def draw_again(make, home: Path, how: tuple, lost: list[str], damage) -> None:
    """Damage files of a set's second shard: that is drawn again, says one line, and no other."""
    before = files(home)
    others = [home / "manifest" / f"00000{k}.parquet" for k in (0, 2)]
    written = [path.stat().st_mtime_ns for path in others]
    for name in lost:
        damage(home / name)
    result = make(*how)
    assert result.status == 0
    (said,) = [line for line in result.err.splitlines() if "cut short" in line]
    assert "files of a shard are missing or cut short: they are drawn again" in said
    assert files(home) == before
    assert [path.stat().st_mtime_ns for path in others] == written


OF_SHARD_1 = {
    "png": "train/images/000001/000000009.png",
    "yolo": "train/labels/000001/000000009.txt",
    "easyocr": "train/words/000000009.png",
    "webdataset": "train/000001.tar",
    "npz": "train/parts/000001.npy",
    "lmdb": "train/parts/000001.tar",
}


@pytest.mark.parametrize("damage", [Path.unlink, cut])
@pytest.mark.parametrize("name", OF_SHARD_1)
def test_a_file_that_an_unfinished_set_lost_is_made_again(
    make, tmp_path, monkeypatch, name, damage
):
    how, home = ("--format", name), tmp_path / "set"
    assert make(*how, out="whole").status == 0
    with monkeypatch.context() as stopped:
        stopped.setattr(SetFolder, "finish", lambda self: None)
        assert make(*how).status == 0
        assert not (home / "summary.json").exists()
        draw_again(make, home, how, [OF_SHARD_1[name]], damage)
    result = make(*how)
    assert (result.status, result.err) == (0, "")
    assert files(home) == files(tmp_path / "whole")


@pytest.mark.parametrize("damage", [Path.unlink, cut])
def test_a_file_that_a_finished_set_lost_is_made_again(make, tmp_path, damage):
    how, home = ("--format", "png", "--check", "--keep-rejected"), tmp_path / "set"
    make(*how)
    whole = files(home)
    rejected = ["rejected/first/images/000001/000000010.png", "rejected/manifest/000001.parquet"]
    for lost in (["train/images/000001/000000010.png"], rejected):
        draw_again(make, home, how, lost, damage)
        assert files(home) == whole


def test_parts_that_were_joined_are_not_missed_but_what_was_made_of_them_is(make, tmp_path):
    how, home = ("--format", "npz", "--split", "50/25/25"), tmp_path / "set"
    make(*how)
    whole = files(home)
    assert make(*how).err == ""
    (home / "test" / "numbers.npz").unlink()
    assert "files of a shard are missing" in make(*how).err
    assert files(home) == whole


def test_a_set_keeps_its_file_of_numbers(make, inkseed, tmp_path):
    """Wherever that is now, whatever is in its place, a number is drawn again."""
    numbers, moved, home = tmp_path / "numbers.txt", tmp_path / "moved.txt", tmp_path / "set"
    numbers.write_text("007\n12\n31415\n")  # the longest is not in the set, and decides its noise
    assert make(template=f"file:{numbers}", count=2).status == 0
    whole, known = files(home), rows(home)
    shutil.copy(numbers, moved)

    def again() -> bool:
        told = json.loads(inkseed("regenerate", home, "--row", 1, "--json").out)
        return bool(told["same"] and told["same_file"] and told["row"]["label"] == "12")

    for damage in (lambda: numbers.write_text("007\n13\n"), numbers.unlink):
        damage()
        assert again()
    part = "manifest/000000.parquet"  # whose metadata says where the file is
    (home / part).unlink()
    assert make(template=f"file:{moved}", count=2).status == 0
    assert files(home) | {part: b""} == whole | {part: b""}
    assert rows(home) == known
    home.rename(tmp_path / "elsewhere")
    home = tmp_path / "elsewhere"
    assert again()


def test_another_file_of_numbers_is_refused(make, inkseed, tmp_path):
    numbers, home = tmp_path / "numbers.txt", tmp_path / "set"
    numbers.write_text("007\n12\n")
    make(template=f"file:{numbers}", count=4)
    numbers.write_text("007\n13\n")
    result = make(template=f"file:{numbers}", count=4)
    assert (result.status, len(result.err.splitlines())) == (2, 1)
    assert f"template is 'file:{home / 'numbers.txt'}' there" in result.err
    (home / "numbers.txt").write_text("007\n13\n")
    result = inkseed("regenerate", home, "--row", 1)
    assert (result.status, len(result.err.splitlines())) == (2, 1)
    assert "is not the file" in result.err


def test_another_model_is_refused(make, hand_model, inkseed, tmp_path):
    make()
    again = inkseed("regenerate", tmp_path / "set", "--row", 0, "--model", hand_model)
    assert (again.status, len(again.err.splitlines())) == (2, 1)
    assert "not the model" in again.err


def test_blocks_and_shards_do_not_change_a_fixed_lengths_labels_or_noise(make, tmp_path):
    make(template="digits:3", out="a")
    make("--shard-size", 5, template="digits:3", out="b")
    for one, other in zip(rows(tmp_path / "a"), rows(tmp_path / "b"), strict=True):
        for name in ("label", "streams", "hand"):
            assert one[name] == other[name]


def test_judge_a_redraws_what_it_doubts_and_what_it_rejected_is_kept_apart(make, inkseed, tmp_path):
    """The tiny model draws noise, so that all is rejected."""
    result = make("--check", "--keep-rejected", "--json", template="digits:1", count=4)
    assert result.status == 0, result.err
    told = json.loads(result.out)
    assert told["rejected"] == told["rejected_images"] == 4
    found = rows(tmp_path / "set")
    assert all(0 <= row["confidence"] <= 1 and row["redrawn"] == 1 for row in found)
    assert told["doubted"] == sum(row["confidence"] < 0.9 for row in found)
    kept = list(Arrays().read(tmp_path / "set" / "rejected" / "first"))
    assert [each.index for each in kept] == [0, 1, 2, 3]
    plain = {row["index"]: row for row in rows(tmp_path / "set" / "rejected")}
    assert all(checksum(each.image) == plain[each.index]["sha256"] for each in kept)
    again = json.loads(inkseed("regenerate", tmp_path / "set", "--row", 2, "--json").out)
    assert (again["same"], again["same_file"]) == (True, True)
    make(template="digits:1", count=4, out="plain")
    assert [row["sha256"] for row in rows(tmp_path / "plain")] == [
        plain[k]["sha256"] for k in range(4)
    ]


@pytest.fixture
def hand_model(tmp_path) -> Path:
    """An untrained model that can be told hands and styles."""
    return saved(tmp_path / "hands.safetensors", HAND_MODEL)


def test_each_number_has_a_fresh_hand_and_styles_in_ranges(make, hand_model, tmp_path):
    how = ("--model", hand_model, "--slant", "-10-20", "--thickness", "2-3")
    result = make(*how, "--split", "50/25/25")
    assert result.status == 0, result.err
    found = rows(tmp_path / "set")
    assert len({row["hand"] for row in found}) == 20
    assert len({row["slant"] for row in found}) == 20
    assert all(-10 <= row["slant"] <= 20 and 2 <= row["thickness"] <= 3 for row in found)
    refused = make(*how[:2], "--slant", "-10-900", out="other")
    assert (refused.status, "slant must be from" in refused.err) == (2, True)


def test_a_style_out_of_reach_is_one_line_with_the_number(make, hand_model):
    result = make("--model", hand_model, "--slant", "-10-100")
    assert (result.status, len(result.err.splitlines())) == (2, 1)
    assert result.err.endswith("not 100\n")


def test_hands_of_a_folder_are_shared_out_among_splits(make, hand_model, tmp_path):
    digits = load_mnist(train=False).images
    (tmp_path / "hands").mkdir()
    for k in range(6):
        Hand(digits[10 * k : 10 * k + 10]).save(tmp_path / "hands" / f"{k}.safetensors")
    how = ("--model", hand_model, "--hands", tmp_path / "hands")
    result = make(*how, "--split", "50/25/25", count=40)
    assert result.status == 0, result.err
    assert "6 hands of 10 digits" in result.err
    inside = make(*how, out="hands/set")
    assert (inside.status, "would be a part of --hands" in inside.err) == (2, True)
    found = rows(tmp_path / "set")
    hands = {
        split: {row["hand"] for row in found if row["split"] == split}
        for split in ("train", "validation", "test")
    }
    assert len(set.union(*hands.values())) == sum(map(len, hands.values())) >= 5
    (tmp_path / "hands" / "0.safetensors").unlink()
    refused = make(*how, "--split", "50/25/25", count=40)
    assert (refused.status, "other settings (hands is" in refused.err) == (2, True)
    assert len(refused.err) < 1000
    for k in (1, 2, 3):
        (tmp_path / "hands" / f"{k}.safetensors").unlink()
    refused = make(*how, "--split", "50/25/25", out="other")
    assert (refused.status, "give more hands" in refused.err) == (2, True)
    refused = make("--hands", tmp_path / "hands", out="other")
    assert (refused.status, "knows no hand" in refused.err) == (2, True)


def test_a_model_of_pairs_draws_sets_too(make, tmp_path):
    config = {**TINY, "network": {**TINY["network"], "n_classes": 100}}
    config |= {"class_names": list(PAIRS), "image_size": [28, 56]}
    path = saved(tmp_path / "pairs.safetensors", config)
    result = make("--model", path, template="digits:3", count=5)
    assert result.status == 0, result.err
    assert all(
        len(row["boxes"]) == 3 and len(row["streams"]) == 2 for row in rows(tmp_path / "set")
    )


def test_boxes_hold_their_digits_ink(make, tmp_path):
    """Of single digits, whose ink is all theirs."""
    make("--paper", "dark", template="digits:1", count=12)
    for each in Arrays().read(tmp_path / "set" / "train"):
        ((x0, y0, x1, y1),) = each.boxes
        inside = each.image[y0:y1, x0:x1].astype(int).sum()
        assert inside >= 0.95 * each.image[each.image >= INK].astype(int).sum()


MNISTS = ("--height", 28, "--width", 28, "--paper", "dark")


@pytest.mark.parametrize("name", sorted(FORMATS.declared))
def test_every_format_holds_what_was_drawn(make, inkseed, tmp_path, name):
    how = MNISTS if name == "idx" else ("--degrade", "strong", "--scene", "comb")
    template = "digits:1" if name == "idx" else "digits:2-4"
    split = ("--split", "50/25/25")
    result = make(*how, *split, "--format", name, template=template, count=12)
    assert result.status == 0, result.err
    for row in (1, 11):
        told = json.loads(inkseed("regenerate", tmp_path / "set", "--row", row, "--json").out)
        assert (told["same"], told["same_file"]) == (True, True)
    labels = [row["label"] for row in rows(tmp_path / "set")]
    found = find_format(name)
    read = [
        each
        for split in ("train", "validation", "test")
        for each in found.read(tmp_path / "set" / split)
    ]
    assert [each.label for each in read] == labels


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("--format", "nothing"), "no format"),
        (("--engine", "spark"), "no engine"),
        (("--split", "80/20"), "three parts"),
        (("--slant", "20-10"), "backwards"),
        (("--slant", "steep"), "range"),
        (("--keep-rejected",), "--check"),
        (("--paper", "blue"), "light or dark"),
        (("--repeats", "0.5", "--count", "0"), "count"),
        (("--degrade", "awfully"), "degrade"),
        (("--align", "up"), "align"),
        (("--thickness", "2"), "takes no thickness"),
        (("--gap", "-3"), "gap must be from 0"),
        (("--shard-size", "1", "--count", "999001"), "raise --shard-size"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing(make, tmp_path, arguments, word):
    result = make(*arguments)
    assert result.status == 2
    assert word in result.err
    assert len(result.err.splitlines()) == 1
    assert not (tmp_path / "set").exists()


def test_an_engine_that_is_not_installed_leaves_nothing(make, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    result = make("--engine", "ray")
    assert (result.status, len(result.err.splitlines())) == (2, 1)
    assert "pip install ray" in result.err
    assert not (tmp_path / "set").exists()


def test_a_format_may_refuse_a_set(make, tmp_path):
    result = make(template="digits:21", count=2)
    assert (result.status, "20 digits at most" in result.err) == (2, True)
    assert not (tmp_path / "set").exists()


def test_shares_come_from_torchrun_or_slurm():
    assert share_from({}) == Share(0, 1)
    assert share_from({"RANK": "2", "WORLD_SIZE": "4"}) == Share(2, 4)
    slurm = {"SLURM_ARRAY_TASK_ID": "3", "SLURM_ARRAY_TASK_COUNT": "3", "SLURM_ARRAY_TASK_MIN": "1"}
    assert share_from(slurm) == Share(2, 3)
    with pytest.raises(InkseedError, match="RANK"):
        share_from({"RANK": "4", "WORLD_SIZE": "4"})
    with pytest.raises(InkseedError, match="whole numbers"):
        share_from({"RANK": "x", "WORLD_SIZE": "4"})


def test_every_rank_says_what_happened_to_it(make, tmp_path, monkeypatch):
    """Its shards are its own, so that nobody else can."""
    monkeypatch.setenv("WORLD_SIZE", "2")
    (tmp_path / "file").touch()
    for rank in (1, 2, "x"):
        monkeypatch.setenv("RANK", str(rank))
        result = make(out="file/set")
        assert (result.status, len(result.err.splitlines())) == (2, 1)
    monkeypatch.delenv("WORLD_SIZE")  # nobody's rank
    result = make()
    assert (result.status, result.out, result.err) == (0, f"{tmp_path / 'set'}\n", "")


def test_shards_that_another_process_has_written_meanwhile_stay(make, tmp_path, monkeypatch):
    """The other one was quicker: even the whole set may be there by now."""
    make(out="whole")
    draw = drawing.Artist.draw

    def slow(*arguments):
        monkeypatch.setattr(drawing.Artist, "draw", draw)
        assert make("--format", "npz").status == 0
        return draw(*arguments)

    monkeypatch.setattr(drawing.Artist, "draw", slow)
    assert make("--format", "npz").status == 0
    assert [path.name for path in (tmp_path / "set" / "train").iterdir()] == ["numbers.npz"]


def test_what_is_rejected_is_taken_for_no_split(make, tmp_path):
    result = make(
        *("--check", "--keep-rejected", "--format", "imagefolder", "--split", "2/1/1"),
        template="digits:1",
        count=8,
    )
    assert result.status == 0, result.err
    kept = tmp_path / "set" / "rejected"
    assert {path.name for path in kept.iterdir()} == {"first", "second", "third", "manifest"}
    loaded = load_dataset(
        "imagefolder", data_dir=str(tmp_path / "set"), cache_dir=str(tmp_path / "cache")
    )
    counts = {name: len(split) for name, split in loaded.items()}
    assert counts == {"train": 4, "validation": 2, "test": 2}


def test_digits_too_small_to_read_are_warned_of(make):
    result = make("--width", 16, template="digits:8", count=1)
    assert (result.status, len(result.err.splitlines())) == (0, 1)
    assert "raise --width" in result.err
    assert make("--width", 0, template="digits:8", count=1, out="free").err == ""


def test_ranks_draw_their_shares_and_the_last_finishes(make, tmp_path, monkeypatch):
    make(out="whole")
    monkeypatch.setenv("WORLD_SIZE", "2")
    for rank, finished in ((0, False), (1, True)):
        monkeypatch.setenv("RANK", str(rank))
        result = make()
        assert result.status == 0, result.err
        assert (tmp_path / "set" / "summary.json").exists() is finished
        assert result.out == ("" if rank else f"{tmp_path / 'set'}\n")
    assert files(tmp_path / "set") == files(tmp_path / "whole")


def test_sets_leave_out_the_stray_marks_that_a_number_does():
    digits = load_mnist(train=False).images[:200]
    marks = np.random.default_rng(0).random(digits.shape) < 0.01
    marked = np.where(marks, 200, digits).astype(np.uint8)
    assert np.array_equal(cleaned(marked), cleaned(marked, drawing._pieces))


def test_threads_are_as_before(make):
    before = torch.get_num_threads()
    make()
    assert torch.get_num_threads() == before
    assert default_workers("cpu") >= 1
    assert default_workers("cuda") == 1
