"""Training end to end on a small slice: what a run leaves, and that nothing is lost."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from PIL import Image

import inkseed.train as training
from inkseed.checkpoint import load_tensors
from inkseed.errors import InkseedError
from inkseed.model import load
from inkseed.recipes import Recipe, load_recipe, names

SMALL = """
n_feat = 8
n_T = 10
betas = [1e-3, 0.3]
drop_prob = 0.1
epochs = {epochs}
batch_size = 64
learning_rate = 1e-3
images = 200
"""


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "small.toml"
    path.write_text(SMALL.format(epochs=3))
    return path


def same(one: Path, other: Path) -> bool:
    a, b = load_tensors(one)[0], load_tensors(other)[0]
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


def test_the_reports_recipe_is_the_reports():
    assert load_recipe("report") == Recipe(128, 400, (1e-4, 0.02), 0.1, 20, 256, 1e-4)
    assert names() == ["report", "smoke"]


def test_a_run_leaves_what_it_promises(inkseed, recipe, tmp_path):
    out = tmp_path / "run"
    result = inkseed("train", recipe, "--out", out)
    assert result.status == 0
    assert result.out.strip() == str(out / "model_2.safetensors")
    assert same(out / "model_2.safetensors", out / "model.safetensors")
    assert json.loads((out / "settings.json").read_text())["recipe"]["images"] == 200
    with (out / "loss.csv").open() as log:
        rows = list(csv.DictReader(log))
    assert [int(row["epoch"]) for row in rows] == [0] * 4 + [1] * 4 + [2] * 4
    rates = [float(row["learning_rate"]) for row in rows[::4]]
    assert rates == pytest.approx([1e-3, 1e-3 * 2 / 3, 1e-3 / 3], rel=1e-2)  # linear decay
    assert float(rows[-1]["loss"]) < float(rows[0]["loss"])
    for epoch in range(3):
        with Image.open(out / "samples" / f"epoch_{epoch:02d}.png") as grid:
            assert grid.width > 10 * 28
            assert grid.height > 2 * 28
    model = load(out / "model.safetensors")
    assert model.config["training"]["epochs_done"] == 3
    assert model.config["training"]["images_seen"] == 600
    assert model.sample([3], seed=1).images.shape == (1, 28, 28)
    assert not list(tmp_path.rglob(".inkseed-*"))


def test_a_stopped_run_goes_on_to_the_same_weights(inkseed, recipe, tmp_path, monkeypatch):
    inkseed("train", recipe, "--out", tmp_path / "whole")
    whole_epoch, seen = training._train_epoch, []

    def stop_in_the_third(*arguments):
        seen.append(1)
        if len(seen) == 3:
            raise KeyboardInterrupt
        return whole_epoch(*arguments)

    monkeypatch.setattr(training, "_train_epoch", stop_in_the_third)
    stopped = inkseed("train", recipe, "--out", tmp_path / "stopped")
    assert stopped.status == 130
    assert "--resume" in stopped.err
    assert len(stopped.err.strip().splitlines()[-1]) < 250
    monkeypatch.setattr(training, "_train_epoch", whole_epoch)
    resumed = inkseed("train", recipe, "--out", tmp_path / "stopped", "--resume")
    assert resumed.status == 0
    assert same(tmp_path / "whole/model.safetensors", tmp_path / "stopped/model.safetensors")
    logs = [(tmp_path / run / "loss.csv").read_text().splitlines() for run in ("whole", "stopped")]
    assert [row.rsplit(",", 1)[0] for row in logs[0]] == [row.rsplit(",", 1)[0] for row in logs[1]]


def test_kill_9_loses_at_most_an_epoch(tmp_path):
    recipe = tmp_path / "long.toml"
    recipe.write_text(SMALL.format(epochs=500))
    out = tmp_path / "run"
    command = [sys.executable, "-m", "inkseed", "train", str(recipe), "--out", str(out)]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 120
        while not (out / "samples" / "epoch_02.png").exists():
            assert time.monotonic() < deadline
            assert process.poll() is None
            time.sleep(0.02)
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    _, config = load_tensors(out / training.STATE)
    done = config["training"]["epochs_done"]
    drawn = len(list((out / "samples").glob("epoch_*.png")))
    assert done >= 2
    assert drawn - 1 <= done <= drawn


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
    other.write_text(SMALL.format(epochs=3).replace("n_T = 10", "n_T = 20"))
    changed = inkseed("train", other, "--out", out, "--resume")
    assert changed.status == 2
    assert "n_T 10, not 20" in changed.err
    (out / training.STATE).write_bytes(b"damaged")
    damaged = inkseed("train", recipe, "--out", out, "--resume")
    assert damaged.status == 2
    assert len(damaged.err.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ("n_feat = 12", "divisible by 8"),
        ("n_feat = 8.0", "whole number"),
        ("epochs = 0", "whole number"),
        ("epochs = true", "whole number"),
        ("betas = [0.3, 1e-3]", "rise"),
        ("betas = 0.1", "betas"),
        ("drop_prob = 1.5", "drop_prob"),
        ("learning_rate = nan", "learning_rate"),
        ("seed = -1", "seed"),
        ("colour = 3", "unknown setting"),
        ("n_feat = ", "not a TOML file"),
    ],
)
def test_bad_recipes_are_refused_in_one_line(tmp_path, change, complaint):
    name = change.split(" =")[0]
    lines = [line for line in SMALL.format(epochs=1).splitlines() if not line.startswith(name)]
    path = tmp_path / "bad.toml"
    path.write_text("\n".join([*lines, change]))
    with pytest.raises(InkseedError, match=complaint) as refused:
        load_recipe(path)
    assert "\n" not in str(refused.value)


def test_a_recipe_that_cannot_run_leaves_no_folder(inkseed, tmp_path):
    path = tmp_path / "long.toml"
    path.write_text(SMALL.format(epochs=1).replace("n_T = 10", "n_T = 200_000"))
    assert inkseed("train", path, "--out", tmp_path / "run").status == 2
    assert not (tmp_path / "run").exists()


def test_a_missing_setting_is_named(tmp_path):
    path = tmp_path / "short.toml"
    path.write_text("n_feat = 8")
    with pytest.raises(InkseedError, match="'n_T' is missing"):
        load_recipe(path)


def test_a_loss_that_is_not_finite_stops_the_run(inkseed, tmp_path, monkeypatch):
    path = tmp_path / "small.toml"
    path.write_text(SMALL.format(epochs=1))
    monkeypatch.setattr(
        training, "eps_loss", lambda *_: torch.tensor(float("nan"), requires_grad=True)
    )
    result = inkseed("train", path, "--out", tmp_path / "run")
    assert result.status == 2
    assert "learning_rate" in result.err
    assert not (tmp_path / "run" / "model.safetensors").exists()
