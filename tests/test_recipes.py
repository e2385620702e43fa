"""Recipes: the bundled ones, and what is wrong with others, told before anything runs."""

import pytest

from inkseed.errors import InkseedError
from inkseed.named_files import RECIPES
from inkseed.training.recipes import load_recipe
from tests.small_runs import OURS, REPORTS


def test_the_reports_recipe_is_the_reports():
    report = load_recipe("report")
    assert report.network == {"name": "context_unet", "n_feat": 128}
    assert report.schedule == {"name": "linear_betas", "betas": [1e-4, 0.02], "n_T": 400}
    assert (report.drop_prob, report.epochs, report.batch_size) == (0.1, 20, 256)
    assert (report.learning_rate, report.weight_decay, report.ema) == (1e-4, 0.0, ())
    assert RECIPES.names() == [
        *("digits", "digits-fast", "pairs", "quick", "report", "report-pairs", "smoke")
    ]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ("epochs = 0", "bad.toml: epochs must be at least 1, not 0"),
        ("epochs = true", "whole number"),
        ("drop_prob = 1.5", "drop_prob must be at most 1, not 1.5"),
        ("learning_rate = nan", "learning_rate must be a finite number"),
        ("seed = -1", "seed"),
        ("ema = [0.9, 1.5]", r"ema\[1\] must be less than 1"),
        ("ema = 0.9", "ema must be a list"),
        ("ema = [0.9, 0.9]", "different decays"),
        ("p_mean = nan", "p_mean"),
        ("p_std = 0", "p_std must be at least 0.001, not 0"),
        ("p_std = true", "p_std must be a number, not True"),
        ("adam_beta2 = 1", "adam_beta2"),
        ("times = 3", "times must be"),
        ('data = "emnist"', "mnist_parts_a_b"),
        ("styles = 1", "true or false"),
        ("colour = 3", "unknown setting"),
        ('optimizer = "sgd"', "'adamw' or 'muon'"),
        (f"learning_rate = 1{400 * '0'}", "learning_rate"),
        (f"seed = 1{5000 * '0'}", "not a TOML file"),
        ('network = {name = "patch_unet", n_classes = 3}', "leave n_classes out"),
        ("network = 3", "must be a table"),
        ("start = 3", "start must be"),
        ("size = [28]", r"size\[1\] is missing"),
        ("size = [28, 30]", r"size\[1\] must be a multiple of 4, not 30"),
        ("size = [28, 28, 28]", "must have at most 2 items"),
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
