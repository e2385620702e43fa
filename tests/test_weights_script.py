"""scripts/weights.py, which makes what is bundled: with small recipes and few steps, end to end."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from inkseed.checkpoint import load_tensors
from inkseed.model.loading import load
from inkseed.training.run_folder import SETTINGS

sys.path.insert(0, str(Path(__file__).parents[1] / "scripts"))

import weights

DIGITS = """
data = "mnist_parts_a_b"
styles = true
hands = true
epochs = 40
batch_size = 32
optimizer = "muon"
learning_rate = 2e-3
drop_prob = 0.1
ema = [0.9]
pictures = 1

[network]
name = "patch_unet"
widths = [16, 64]
hand = 8

[schedule]
name = "variance_exploding"
sigma_max = 20.0
sigma_min = 0.02

[prediction]
name = "edm"

[sampling]
sampler = "ddim"
steps = 2
guide_w = 0.0
"""


@pytest.fixture
def recipes(tmp_path):
    folder = tmp_path / "recipes"
    folder.mkdir()
    (folder / "digits.toml").write_text(DIGITS)
    return folder


def run(out, *arguments):
    with torch.compiler.set_stance("force_eager"):  # compiling takes a minute
        weights.main(["--out", str(out), *map(str, arguments)])


def test_a_model_is_trained_in_its_minutes_and_bundled(tmp_path, recipes, capsys):
    out = tmp_path / "out"
    run(out, "--only", "digits", "--recipes", recipes, "--minutes", 0.15)
    model = load(out / "digits.safetensors")
    assert model.sample([3], seed=1).images.shape == (1, 28, 28)
    tensors, config = load_tensors(out / "digits.safetensors")
    assert tensors["mix.weight"].dtype == torch.float16
    assert config["sampling"] == {"sampler": "ddim", "steps": 2, "guide_w": 0.0}
    assert 32 <= config["training"]["images_seen"] < 40 * 50_000
    assert "images seen" in capsys.readouterr().out
    made = (out / "digits.safetensors").stat().st_mtime_ns
    run(out, "--only", "digits", "--recipes", recipes)  # what is finished is left alone
    assert (out / "digits.safetensors").stat().st_mtime_ns == made
    (out / "digits.safetensors").unlink()
    before = (out / "runs" / "digits" / SETTINGS).read_bytes()
    run(out, "--only", "digits", "--recipes", recipes)  # and what is begun continues
    assert (out / "runs" / "digits" / SETTINGS).read_bytes() == before
    again, _ = load_tensors(out / "digits.safetensors")
    assert all(torch.equal(again[key], tensors[key]) for key in tensors)


def test_judges_are_taught_in_their_minutes(tmp_path, monkeypatch):
    monkeypatch.setattr(weights, "LEAST_STEPS", 2)
    monkeypatch.setattr(weights, "TRIED", 1)
    monkeypatch.setattr(weights, "MEMBERS", 2)
    out = tmp_path / "out"
    run(out, "--only", "judge-a", "hands", "--minutes", 0.001)
    tensors, config = load_tensors(out / "judge-a.safetensors")
    assert config["judge"] == "a"
    assert config["training"]["steps"] == 2
    assert 0 <= config["training"]["calibration_error"] <= 1
    assert all(np.isfinite(each.numpy()).all() for each in tensors.values())
    assert load_tensors(out / "hands.safetensors")[1]["training"]["steps"] == 2
    assert len(list((out / "members").iterdir())) == 2
