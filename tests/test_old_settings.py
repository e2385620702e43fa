"""Settings under their old names, the folders of old runs, and what is said of misfits."""

import dataclasses
import json

import pytest
import torch

from inkseed.checkpoint import load_tensors, save_tensors
from inkseed.errors import InkseedError
from inkseed.model.config import ModelConfig
from inkseed.named_files import RECIPES
from inkseed.training.optimizer import Optimizer
from inkseed.training.recipes import load_recipe, recipe_from
from inkseed.training.run import Run
from inkseed.training.run_folder import SETTINGS, open_run

SMALL = {
    "network": {"name": "context_unet", "n_feat": 8},
    "schedule": {"name": "linear_betas", "betas": [1e-3, 0.3], "n_T": 10},
    "prediction": {"name": "eps"},
    "epochs": 1,
    "batch_size": 8,
    "learning_rate": 1e-3,
    "drop_prob": 0.1,
}


def told_by_an_old_version(recipe):
    """What a run's folder held before the settings had these names."""
    told = json.loads(json.dumps(dataclasses.asdict(recipe)))
    for name, old in (
        ("max_grad_norm", "clip"),
        ("decay_start", "hold"),
        ("held_out_labels", "without"),
    ):
        told[old] = told.pop(name)
    told["noise_levels"] = [told.pop("p_mean"), told.pop("p_std")]
    del told["times"], told["adam_beta2"]
    return told


def resume(folder, told, recipe):
    (folder / SETTINGS).write_text(json.dumps({"recipe": told}))
    open_run(folder, {"recipe": dataclasses.asdict(recipe)}, resume=True)


@pytest.mark.parametrize("name", sorted({*RECIPES.names()} - {"digits-fast"}))  # which is newer
def test_a_run_that_an_older_version_began_goes_on(tmp_path, name):
    recipe = load_recipe(name)
    resume(tmp_path, told_by_an_old_version(recipe), recipe)
    other = dataclasses.replace(recipe, max_grad_norm=3.0)
    with pytest.raises(InkseedError, match="max_grad_norm"):
        resume(tmp_path, told_by_an_old_version(recipe), other)


def test_adams_memory_is_a_setting_and_old_runs_keep_theirs(tmp_path):
    memory = {name: load_recipe(name).adam_beta2 for name in RECIPES.names()}
    short = dict.fromkeys(("digits", "digits-fast", "pairs", "quick"), 0.99)
    assert memory == {"report": 0.999, "report-pairs": 0.999, "smoke": 0.999, **short}
    decayed = recipe_from(SMALL | {"weight_decay": 0.01}, "mine")
    assert Optimizer(decayed, torch.nn.Linear(2, 2)).adamw.defaults["betas"] == (0.9, 0.999)
    with pytest.raises(InkseedError, match=r"adam_beta2 0\.99, not 0\.999"):
        resume(tmp_path, told_by_an_old_version(decayed), decayed)


@pytest.mark.parametrize(
    ("old", "value", "new"),
    [
        ("clip", 1.0, "max_grad_norm"),
        ("hold", 0.3, "decay_start"),
        ("without", ["07"], "held_out_labels"),
        ("noise_levels", [-0.7, 1.4], "p_mean and p_std"),
    ],
)
def test_a_recipe_with_an_old_name_is_told_the_new_one(old, value, new):
    with pytest.raises(InkseedError, match=f"mine.toml: {old!r} is now {new}") as refused:
        recipe_from(SMALL | {old: value}, "mine.toml")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("changed", "advice"),
    [
        ({"drop_prob": 7}, "drop_prob must be at most 1, not 7"),
        ({"colour": 3}, "unknown setting 'colour'"),
        ({"noise_levels": [0.0, -1.0]}, "p_std must be"),
    ],
)
def test_what_is_wrong_with_a_runs_settings_is_said(tmp_path, changed, advice):
    with pytest.raises(InkseedError, match=advice) as refused:
        resume(tmp_path, SMALL | changed, recipe_from(SMALL, "mine"))
    assert str(tmp_path / SETTINGS) in str(refused.value)
    with pytest.raises(InkseedError, match=r"noise_levels\[1\] is missing: start again"):
        resume(tmp_path, SMALL | {"noise_levels": [0.0]}, recipe_from(SMALL, "mine"))


def test_what_is_wrong_with_a_runs_state_is_said(tmp_path):
    recipe = recipe_from(SMALL, "mine")
    network = {**SMALL["network"], "in_channels": 1, "n_classes": 2}
    config = ModelConfig(network, SMALL["schedule"], (28, 28), ("a", "b"))
    run = Run.fresh(recipe, config, torch.device("cpu"), None)
    run.network(
        torch.zeros(2, 1, 28, 28), torch.zeros(2).long(), *torch.zeros(2, 2)
    ).sum().backward()
    run.optimizer.at(1e-3)
    run.optimizer.step()
    state = tmp_path / "last.safetensors"
    run.save(state, recipe)
    tensors, told = load_tensors(state)
    told["training"]["step"] = "many"
    save_tensors(state, tensors, told)
    with pytest.raises(
        InkseedError, match=r"last\.safetensors: training\.step must be a whole number"
    ):
        run.restore(state)
