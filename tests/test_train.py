"""Training end to end on a small slice: what a run leaves, and that nothing is lost."""

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from inkseed.checkpoint import load_header
from inkseed.diffusion.predictions import EpsDenoiser
from inkseed.model.loading import load
from inkseed.training.optimizer import Optimizer
from inkseed.training.run_folder import STATE
from tests.small_runs import OURS, REPORTS, rows_of, same


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


def test_a_run_leaves_its_files(inkseed, recipe, tmp_path):
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
    assert model.config.training["images_seen"] == 640
    assert model.sample([3], seed=1).images.shape == (1, 28, 28)
    assert not list(tmp_path.rglob(".inkseed-*"))


def test_averages_and_styles_are_trained_and_validation_chooses(inkseed, ours, tmp_path):
    out = tmp_path / "run"
    assert inkseed("train", ours, "--out", out).status == 0
    told = load(out / "model.safetensors").config.training
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
    update, seen = Optimizer.step, []

    def stop_in_the_eighth(*arguments):
        seen.append(1)
        if len(seen) == 8:
            signal.raise_signal(signal.SIGINT)
        return update(*arguments)

    monkeypatch.setattr(Optimizer, "step", stop_in_the_eighth)
    stopped = inkseed("train", recipe, "--out", tmp_path / "stopped")
    assert stopped.status == 130
    assert "--resume" in stopped.err
    assert len(rows_of(tmp_path / "stopped")) == 8  # the step was finished, and is kept
    assert load_header(tmp_path / "stopped" / STATE).config["training"]["step"] == 8
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


def test_a_loss_that_is_not_finite_stops_the_run(inkseed, recipe, tmp_path, monkeypatch):
    lost = torch.tensor(float("nan"), requires_grad=True)
    monkeypatch.setattr(EpsDenoiser, "loss", lambda *_: lost)
    result = inkseed("train", recipe, "--out", tmp_path / "run")
    assert result.status == 2
    assert "learning_rate" in result.err
    assert not (tmp_path / "run" / "model.safetensors").exists()
