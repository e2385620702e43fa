"""What a run says before it goes on for hours, and what the command line changes in a recipe."""

import json

import pytest

from inkseed import progress
from inkseed.checkpoint import load_header
from inkseed.model.loading import load
from inkseed.progress import in_words, training_bar

SHORT = """
drop_prob = {drop_prob}
epochs = 2
batch_size = 32
learning_rate = 1e-3
images = 64
pictures = 1
[network]
n_feat = 8
[schedule]
name = "linear_betas"
betas = [1e-3, 0.3]
n_T = 5
[prediction]
name = "eps"
"""


@pytest.fixture
def recipe(tmp_path):
    path = tmp_path / "short.toml"
    path.write_text(SHORT.format(drop_prob=0.1))
    return path


def test_epochs_and_seed_override_the_recipe(inkseed, recipe, tmp_path):
    out = tmp_path / "run"
    asked = ("train", recipe, "--out", out)
    assert inkseed(*asked, "--epochs", 3, "--seed", 7).status == 0
    kept = json.loads((out / "settings.json").read_text())["recipe"]
    assert (kept["epochs"], kept["seed"]) == (3, 7)
    told = load_header(out / "model.safetensors").config["training"]
    assert (told["step"], told["settings"]["seed"]) == (6, 7)
    assert inkseed(*asked, "--epochs", 3, "--seed", 7, "--resume").status == 0
    other = inkseed(*asked, "--epochs", 3, "--seed", 8, "--resume")
    assert (other.status, "seed 7, not 8" in other.err) == (2, True)
    assert inkseed(*asked, "--epochs", 10**8).status == 2


def test_more_epochs_point_to_from(inkseed, recipe, tmp_path):
    out = tmp_path / "run"
    assert inkseed("train", recipe, "--out", out).status == 0
    more = inkseed("train", recipe, "--out", out, "--epochs", 5, "--resume")
    assert more.status == 2
    assert len(more.err.strip().splitlines()) == 1
    assert "epochs 2, not 5" in more.err
    assert f"--from {out / 'model.safetensors'}" in more.err
    onwards = ("--from", out / "model.safetensors", "--out", tmp_path / "on")
    assert inkseed("train", recipe, *onwards).status == 0


def test_a_run_says_once_how_long_it_will_take(inkseed, recipe, tmp_path, monkeypatch):
    monkeypatch.setattr(progress, "MEASURED_SECONDS", 0.0)
    result = inkseed("train", recipe, "--out", tmp_path / "run", "--epochs", 5)
    assert result.status == 0
    (line,) = [line for line in result.err.splitlines() if "on this machine" in line]
    assert line.startswith("inkseed: about ")
    assert line.endswith("for 10 steps; Ctrl-C stops the run, --resume continues it")


def test_what_is_left_is_told_from_the_first_steps(capsys, monkeypatch):
    """10.6 s a step: what the report's 4,688 steps come to; the first step's warm-up is not it."""
    clock = iter([500.0, 510.6, 521.2, 531.8])
    monkeypatch.setattr(progress, "monotonic", lambda: next(clock))
    with training_bar(4688, 0, 256) as tell:
        for _ in range(4):
            tell(0.1, 20.0)
    told = capsys.readouterr().err
    assert told.count("about 14 hours on this machine for 4,688 steps;") == 1


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.2, "a second"),
        (40, "40 seconds"),
        (100, "100 seconds"),
        (110, "2 minutes"),
        (50 * 60, "50 minutes"),
        (14 * 3600, "14 hours"),
        (40 * 3600, "40 hours"),
        (72 * 3600, "3 days"),
    ],
)
def test_times_as_people_say_them(seconds, words):
    assert in_words(seconds) == words


def test_a_run_without_dropped_labels_makes_an_unguided_model(inkseed, recipe, tmp_path):
    recipe.write_text(SHORT.format(drop_prob=0))
    out = tmp_path / "run"
    result = inkseed("train", recipe, "--out", out)
    assert result.status == 0
    assert "drop_prob" not in result.err
    assert load(out / "model.safetensors").settings().guide_w == 0
