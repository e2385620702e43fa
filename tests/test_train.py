"""Training end to end on a small slice: what a run leaves, and that nothing is lost."""

import contextlib
import csv
import dataclasses
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
import unicodedata
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import inkseed.training.loop as training
from inkseed.checkpoint import load_config, load_tensors
from inkseed.data import load_mnist
from inkseed.diffusion.predictions import EpsDenoiser
from inkseed.errors import InkseedError
from inkseed.files import sha256
from inkseed.model.loading import load
from inkseed.training.batches import Batches, Examples
from inkseed.training.ema import WeightAverages
from inkseed.training.recipes import load_recipe, names
from inkseed.training.run_folder import STATE

REPORTS = """
drop_prob = 0.1
epochs = {epochs}
batch_size = 64
learning_rate = 1e-3
images = 200
pictures = 3
[network]
n_feat = 8
[schedule]
name = "linear_betas"
betas = [1e-3, 0.3]
n_T = 10
[prediction]
name = "eps"
"""
OURS = """
data = "mnist_parts_a_b"
styles = true
drop_prob = 0.1
epochs = {epochs}
batch_size = 32
optimizer = "muon"
learning_rate = 1e-3
warm_up = 3
decay_start = 0.5
weight_decay = 0.01
max_grad_norm = 1.0
images = 200
pictures = 2
ema = [0.5, 0.9]
[network]
name = "patch_unet"
widths = [16, 64]
[schedule]
name = "variance_exploding"
sigma_max = 20.0
sigma_min = 0.02
[prediction]
name = "edm"
[sampling]
sampler = "ddim"
steps = 3
"""


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "small.toml"
    path.write_text(REPORTS.format(epochs=3))
    return path


@pytest.fixture
def ours(tmp_path: Path) -> Path:
    path = tmp_path / "ours.toml"
    path.write_text(OURS.format(epochs=3))
    return path


def same(one: Path, other: Path) -> bool:
    a, b = load_tensors(one)[0], load_tensors(other)[0]
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


def rows_of(out: Path) -> list[dict[str, str]]:
    with (out / "loss.csv").open() as log:
        return list(csv.DictReader(log))


def test_the_reports_recipe_is_the_reports():
    report = load_recipe("report")
    assert report.network == {"name": "context_unet", "n_feat": 128}
    assert report.schedule == {"name": "linear_betas", "betas": [1e-4, 0.02], "n_T": 400}
    assert (report.drop_prob, report.epochs, report.batch_size) == (0.1, 20, 256)
    assert (report.learning_rate, report.weight_decay, report.ema) == (1e-4, 0.0, ())
    assert names() == ["digits", "pairs", "quick", "report", "report-pairs", "smoke"]


def test_a_run_leaves_what_it_promises(inkseed, recipe, tmp_path):
    out = tmp_path / "run"
    result = inkseed("train", recipe, "--out", out)
    assert result.status == 0
    assert result.out.strip() == str(out / "model.safetensors")
    assert json.loads((out / "settings.json").read_text())["recipe"]["images"] == 200
    rows = rows_of(out)
    assert [int(row["step"]) for row in rows] == [*range(10)]  # 600 images in batches of 64
    rates = [float(row["learning_rate"]) for row in rows]
    assert rates == pytest.approx([1e-3 * (1 - k / 10) for k in range(10)], rel=1e-2)
    assert float(rows[-1]["loss"]) < float(rows[0]["loss"])
    grids = sorted(path.name for path in (out / "samples").iterdir())
    assert grids == ["step_000003.png", "step_000007.png", "step_000010.png"]
    for picture in (*(out / "samples").iterdir(), out / "loss.png"):
        with Image.open(picture) as grid:
            assert grid.width > 10 * 28
            assert grid.height > 2 * 28
    model = load(out / "model.safetensors")
    assert model.config["training"]["images_seen"] == 640
    assert model.sample([3], seed=1).images.shape == (1, 28, 28)
    assert not list(tmp_path.rglob(".inkseed-*"))


def test_averages_and_styles_are_trained_and_validation_chooses(inkseed, ours, tmp_path):
    out = tmp_path / "run"
    assert inkseed("train", ours, "--out", out).status == 0
    told = load(out / "model.safetensors").config["training"]
    assert set(told["validation_loss"]) == {"ema_0.5", "ema_0.9"}
    assert told["average"] == min(told["validation_loss"], key=told["validation_loss"].get)
    assert same(out / "model.safetensors", out / "averages" / f"{told['average']}.safetensors")
    rates = [float(row["learning_rate"]) for row in rows_of(out)]
    assert rates[:4] == pytest.approx([1e-3 / 3, 2e-3 / 3, 1e-3, 1e-3], rel=1e-2)
    assert rates[-1] < 2e-4
    model = load(out / "model.safetensors")
    assert set(model.styles) == {"slant", "thickness"}
    plain = model.sample([3, 3], seed=1, steps=3).images
    styled = model.sample([3, 3], seed=1, steps=3, slant=[30, float("nan")], thickness=None)
    assert not np.array_equal(plain[0], styled.images[0])
    assert np.array_equal(plain[1], styled.images[1])  # what is left free is as if unasked


@pytest.mark.parametrize("kind", [REPORTS, OURS])
def test_a_stopped_run_goes_on_to_the_same_weights(inkseed, tmp_path, monkeypatch, kind):
    recipe = tmp_path / "small.toml"
    recipe.write_text(kind.format(epochs=3))
    inkseed("train", recipe, "--out", tmp_path / "whole")
    update, seen = training._update, []

    def stop_in_the_eighth(*arguments):
        seen.append(1)
        if len(seen) == 8:
            signal.raise_signal(signal.SIGINT)
        return update(*arguments)

    monkeypatch.setattr(training, "_update", stop_in_the_eighth)
    stopped = inkseed("train", recipe, "--out", tmp_path / "stopped")
    assert stopped.status == 130
    assert "--resume" in stopped.err
    assert len(rows_of(tmp_path / "stopped")) == 8  # the step was finished, and is kept
    assert load_config(tmp_path / "stopped" / STATE)["training"]["step"] == 8
    assert len(stopped.err.strip().splitlines()[-1]) < 250
    monkeypatch.undo()
    resumed = inkseed("train", recipe, "--out", tmp_path / "stopped", "--resume")
    assert resumed.status == 0
    assert same(tmp_path / "whole/model.safetensors", tmp_path / "stopped/model.safetensors")
    logs = [(tmp_path / run / "loss.csv").read_text().splitlines() for run in ("whole", "stopped")]
    assert [row.rsplit(",", 1)[0] for row in logs[0]] == [row.rsplit(",", 1)[0] for row in logs[1]]


def test_kill_9_loses_nothing_but_time(inkseed, ours, tmp_path):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert inkseed("train", ours, "--out", whole).status == 0
    command = [sys.executable, "-m", "inkseed", "train", str(ours), "--out", str(killed)]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 120
        while not (killed / STATE).exists():
            assert time.monotonic() < deadline
            assert process.poll() is None
            time.sleep(0.01)
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    assert inkseed("train", ours, "--out", killed, "--resume").status == 0
    assert same(whole / "model.safetensors", killed / "model.safetensors")


@pytest.mark.slow
def test_twenty_runs_killed_at_random_moments_end_alike(inkseed, tmp_path):
    recipe, whole = tmp_path / "ours.toml", tmp_path / "whole"
    recipe.write_text(OURS.format(epochs=12))
    assert inkseed("train", recipe, "--out", whole).status == 0
    chance = random.Random(0)
    frequent = (
        "import sys, inkseed.training.loop; inkseed.training.loop.STATE_SECONDS = 0.2; "
        "from inkseed.cli import main; sys.exit(main())"
    )
    for k in range(20):
        out, kills = tmp_path / f"run{k}", 0
        while not (out / "model.safetensors").exists():
            command = [sys.executable, "-c", frequent, "train", str(recipe), "--out", str(out)]
            command += ["--resume"] if out.exists() else []
            process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
            while not (out / STATE).exists() and process.poll() is None:
                time.sleep(0.01)
            # after the first kill a run needs seconds to start again, and some to get on
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(chance.uniform(0, 3 if kills == 0 else 12))
            if process.poll() is None:
                process.kill()
                kills += 1
            process.wait()
            assert process.returncode in (0, -signal.SIGKILL)
        assert kills > 0
        assert same(whole / "model.safetensors", out / "model.safetensors")


def test_two_processes_train_as_one_does(ours, tmp_path):
    single, shared = tmp_path / "single", tmp_path / "shared"
    one = [sys.executable, "-m", "inkseed", "train", str(ours)]
    two = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2", "--master_port"]
    two += ["29517", "-m", "inkseed", "train", str(ours)]
    quiet = {**os.environ, "OMP_NUM_THREADS": "1"}
    for command, out in ((one, single), (two, shared)):
        run = subprocess.run([*command, "--out", str(out)], capture_output=True, env=quiet)
        assert run.returncode == 0, run.stderr.decode()[-2000:]
    losses = [[float(row["loss"]) for row in rows_of(out)] for out in (single, shared)]
    assert losses[0] == pytest.approx(losses[1], rel=0.02)


def test_a_folder_is_never_overwritten_or_misread(inkseed, recipe, tmp_path):
    out = tmp_path / "run"
    assert inkseed("train", recipe, "--out", out, "--resume").status == 2
    assert not out.exists()
    assert inkseed("train", recipe, "--out", out).status == 0
    again = inkseed("train", recipe, "--out", out)
    assert again.status == 2
    assert "--resume" in again.err
    stranger = tmp_path / "stranger"
    stranger.mkdir()
    (stranger / "thesis.txt").write_text("mine")
    assert inkseed("train", recipe, "--out", stranger).status == 2
    assert [path.name for path in stranger.iterdir()] == ["thesis.txt"]
    other = tmp_path / "other.toml"
    other.write_text(REPORTS.format(epochs=3).replace("batch_size = 64", "batch_size = 32"))
    changed = inkseed("train", other, "--out", out, "--resume")
    assert changed.status == 2
    assert "batch_size 64, not 32" in changed.err
    drawn = inkseed("sample", "--model", out / STATE, "--out", tmp_path / "set.npz")
    assert (drawn.status, "--resume" in drawn.err) == (2, True)
    (out / STATE).write_bytes(b"damaged")
    damaged = inkseed("train", recipe, "--out", out, "--resume")
    assert damaged.status == 2
    assert len(damaged.err.strip().splitlines()) == 1


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
    assert model.config["training"]["data"] == "40 images of hand"
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
    before = model.config["training"]["from"]
    assert before["images_seen"] == load(start).config["training"]["images_seen"]
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
    assert "cannot name a label" in refused("--data", hand)
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
    left = out / "state" / ".inkseed-half.safetensors"
    left.write_bytes(b"what a kill left")
    assert inkseed(*command, "--resume").status == 0
    assert not left.exists()
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
    ("change", "complaint"),
    [
        ("epochs = 0", "whole number"),
        ("epochs = true", "whole number"),
        ("drop_prob = 1.5", "drop_prob"),
        ("learning_rate = nan", "learning_rate"),
        ("seed = -1", "seed"),
        ("ema = [1.5]", "between 0 and 1"),
        ("ema = 0.9", "list of numbers"),
        ("p_mean = nan", "p_mean"),
        ("p_std = 0", "p_std"),
        ("adam_beta2 = 1", "adam_beta2"),
        ("times = 3", "times must be"),
        ('data = "emnist"', "mnist_parts_a_b"),
        ("styles = 1", "true or false"),
        ("colour = 3", "unknown setting"),
        ('optimizer = "sgd"', "adamw, muon"),
        (f"learning_rate = 1{400 * '0'}", "learning_rate"),
        (f"seed = 1{5000 * '0'}", "not a TOML file"),
        ('network = {name = "patch_unet", n_classes = 3}', "leave n_classes out"),
        ("network = 3", "must be a table"),
        ("start = 3", "start must be"),
        ("size = [28]", "size must be"),
        ("size = [28, 30]", "size must be"),
        ('held_out_labels = "07"', "held_out_labels must be"),
        ('held_out_labels = ["07"]', 'are for data = "pairs"'),
        ("layout = 3", "must be a table"),
        ("epochs = ", "not a TOML file"),
    ],
)
def test_bad_recipes_are_refused_in_one_line(tmp_path, change, complaint):
    name = change.split(" =")[0]
    text = OURS.format(epochs=1)
    if name == "network":
        text = text.replace('[network]\nname = "patch_unet"\nwidths = [16, 64]\n', "")
    lines = [line for line in text.splitlines() if not line.startswith(f"{name} =")]
    path = tmp_path / "bad.toml"
    path.write_text("\n".join([change, *lines]))
    with pytest.raises(InkseedError, match=complaint) as refused:
        load_recipe(path)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("was", "now"),
    [
        ("n_T = 10", "n_T = 200_000"),
        ("n_feat = 8", "n_feat = 12"),
        ("n_feat = 8", "n_feat = 0"),
        ('name = "linear_betas"\nbetas = [1e-3, 0.3]\nn_T = 10', 'name = "cosine"'),
        ("n_feat = 8", 'n_feat = "wide"'),
        ("betas = [1e-3, 0.3]", "betas = [0.3, 1e-3]"),
        ("betas = [1e-3, 0.3]", "betas = 0.1"),
        ('name = "linear_betas"', 'name = "sine"'),
        ("drop_prob = 0.1", 'drop_prob = 0.1\ntimes = "often"'),
        ('name = "eps"', ""),
    ],
)
def test_a_recipe_that_cannot_run_leaves_no_folder(inkseed, tmp_path, was, now):
    path = tmp_path / "long.toml"
    path.write_text(REPORTS.format(epochs=1).replace(was, now))
    result = inkseed("train", path, "--out", tmp_path / "run")
    assert result.status == 2
    assert len(result.err.strip().splitlines()) == 1
    assert not (tmp_path / "run").exists()


def test_a_missing_setting_is_named(tmp_path):
    path = tmp_path / "short.toml"
    path.write_text(REPORTS.format(epochs=1).replace("drop_prob = 0.1", ""))
    with pytest.raises(InkseedError, match="'drop_prob' is missing"):
        load_recipe(path)


def test_a_loss_that_is_not_finite_stops_the_run(inkseed, recipe, tmp_path, monkeypatch):
    lost = torch.tensor(float("nan"), requires_grad=True)
    monkeypatch.setattr(EpsDenoiser, "loss", lambda *_: lost)
    result = inkseed("train", recipe, "--out", tmp_path / "run")
    assert result.status == 2
    assert "learning_rate" in result.err
    assert not (tmp_path / "run" / "model.safetensors").exists()


def test_an_average_is_the_recursion_of_its_decay():
    weights = {"w": torch.tensor([1.0]), "n": torch.tensor([1])}
    averages = WeightAverages([0.5], weights)
    expected = 1.0
    for step in range(20):
        weights = {"w": torch.tensor([float(step)]), "n": torch.tensor([step])}
        averages.update(step, weights)
        kept = min(0.5, (1 + step) / (10 + step))
        expected = kept * expected + (1 - kept) * step
    assert float(averages.averages[0.5]["w"]) == pytest.approx(expected)
    assert int(averages.averages[0.5]["n"]) == 19


def test_batches_take_every_image_once_a_pass_and_know_no_past():
    digits = load_mnist(train=True).subset(np.arange(10))
    examples = Examples(dataclasses.replace(digits, labels=np.arange(10)))

    def batches(size):
        return Batches(lambda _: examples, False, size, (0, 1))

    four = batches(4)
    seen = torch.cat([four[step][1] for step in range(5)])
    assert sorted(seen[:10].tolist()) == sorted(seen[10:].tolist()) == [*range(10)]
    assert seen[:10].tolist() != seen[10:].tolist()
    assert torch.equal(batches(4)[3][1], four[3][1])
    whole = batches(25)[0][1]  # a batch larger than the data
    assert whole.bincount().tolist().count(0) == 0
