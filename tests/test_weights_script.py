"""scripts/weights.py, which makes what is bundled: with small recipes and few steps, end to end."""

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from inkseed.checkpoint import load_tensors
from inkseed.files import sha256
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


FAST = """
teacher = "digits"
path_steps = 2
data = "mnist_parts_a_b"
styles = true
hands = true
images = 64
epochs = 1
batch_size = 32
learning_rate = 1e-3
drop_prob = 0.0
ema = [0.9]
pictures = 1

[network]
name = "guided_patch_unet"
widths = [16, 64]
hand = 8
guide = 3.0

[schedule]
name = "variance_exploding"
sigma_max = 20.0
sigma_min = 0.02

[prediction]
name = "consistency"

[sampling]
sampler = "consistency"
steps = 1
guide_w = 0.0
"""


def test_a_student_begins_at_its_teacher_or_goes_on_from_itself(tmp_path, recipes):
    (recipes / "digits.toml").write_text(DIGITS.replace("epochs = 40", "epochs = 1\nimages = 64"))
    (recipes / "digits-fast.toml").write_text(FAST)
    out, longer = tmp_path / "out", tmp_path / "longer"
    run(out, "--only", "digits", "digits-fast", "--recipes", recipes)
    teacher, student = (out / f"{name}.safetensors" for name in ("digits", "digits-fast"))
    told = load_tensors(student)[1]["training"]
    assert told["from"]["sha256"] == sha256(teacher)
    assert told["settings"]["teacher"] == "digits"  # its name, not where it lay
    assert told["device"] == "cpu"
    longer.mkdir()
    shutil.copy(teacher, longer)
    run(longer, "--only", "digits-fast", "--recipes", recipes, "--from", student)
    again = load_tensors(longer / "digits-fast.safetensors")[1]["training"]
    assert again["from"] == {
        "sha256": sha256(student),
        "recipe": "digits-fast",
        "images_seen": told["images_seen"] + told["from"]["images_seen"],
    }


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
