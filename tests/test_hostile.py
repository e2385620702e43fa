"""Values that no file should hold: one line that says what is wrong, and nothing is done."""

import json
import math
from typing import Any

import numpy as np
import pytest
import torch

import inkseed as package
from inkseed.checkpoint import load_tensors, save_tensors
from inkseed.errors import InkseedError
from inkseed.model import catalogue
from inkseed.model.hand import load_hand
from inkseed.named_files import MODELS
from inkseed.nn import network_from
from inkseed.plain import called, read_json, read_toml, table_in
from inkseed.registry import NETWORKS
from inkseed.study import StudySettings
from inkseed.study.study import _Drawing
from inkseed.training.recipes import load_recipe
from inkseed.training.run_folder import draw_loss, open_log
from tests.fuzz import PATCH, a_run
from tests.small_runs import REPORTS, rows_of
from tests.test_plain import HUGE

DIGITS_400 = 10**400


@pytest.fixture(scope="module")
def weights() -> dict[str, torch.Tensor]:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return network_from(PATCH["network"]).state_dict()


def changed(path: str, value: Any) -> dict[str, Any]:
    """The configuration of a sound model with another value at `path`."""
    config = json.loads(json.dumps(PATCH))
    *inner, last = path.split(".")
    table = config
    for name in inner:
        table = table[name]
    table[last] = value
    return config


def test_the_model_that_is_spoilt_is_sound(weights, tmp_path):
    save_tensors(tmp_path / "sound.safetensors", weights, PATCH)
    model = package.load(tmp_path / "sound.safetensors")
    assert model.sample([3], thickness=2.4).images.shape == (1, 28, 28)


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("image_size", [28.0, 28.0], r"image_size\[0\] must be a whole number, not 28.0"),
        ("image_size", [DIGITS_400, 28], r"image_size\[0\] must be at most"),
        ("styles.thickness", [0.0, 0.6], "thickness is 0 on average"),
        ("styles.thickness", [-2.0, 0.6], "thickness is -2 on average"),
        ("styles.thickness", [DIGITS_400, 0.6], r"styles.thickness\[0\] must be a number, not 1"),
        ("styles", {"slant": "a", "thickness": "b"}, "styles.slant must be a list"),
        ("network.styles", {"slant": "a", "thickness": "b"}, "network: styles.slant must be a"),
        ("network.styles", {"slant": [6, 15], "thickness": [2, 0]}, "deviation above 0"),
        ("network.styles", 5, "styles must be those"),
        ("network.n_classes", DIGITS_400, "as many different labels"),
        ("network.widths", [16, DIGITS_400], "spoilt"),
        ("network.widths", ["16", 64], r"network: widths\[0\] must be a whole number, not '16'"),
        ("network.blocks", True, "network: blocks must be a whole number, not True"),
        ("network.places", 0.5, "network: places must be a whole number"),
        ("network.colour", 1, "network: unknown setting 'colour'"),
        ("network.name", ["patch_unet"], "no network"),
        ("schedule.sigma_max", DIGITS_400, "schedule: sigma_max must be a finite number"),
        ("schedule.sigma_max", "80", "schedule: sigma_max must be a number, not '80'"),
        ("prediction.sigma_data", None, "prediction: sigma_data must be a number, not None"),
        ("prediction.schedule", {}, "prediction: unknown setting 'schedule'"),
        ("sampling.one_hand", "no", "one_hand must be true or false"),
        ("sampling.guide_w", DIGITS_400, "guide_w must be from -1 to 100"),
        ("sampling.guide_interval", [DIGITS_400, None], "guide_interval must be"),
        ("training", None, "training must be a table, not None"),
        ("training", "word", "training must be a table, not 'word'"),
        ("training.images_seen", "many", "training.images_seen must be a whole number"),
        ("training.images_seen", -1, "training.images_seen must be at least 0"),
        ("training.from", "a model", "training.from must be a table"),
        ("training.from", {"images_seen": 0.5}, "training.from.images_seen must be a whole"),
        ("training.recipe", ["a\nb"], "training.recipe must be text"),
        ("class_names", ["\ud800", *"123456789"], "is no JSON"),
    ],
)
def test_a_model_that_claims_what_cannot_be(inkseed, weights, tmp_path, path, value, words):
    file = tmp_path / "spoilt.safetensors"
    save_tensors(file, weights, changed(path, value))
    with pytest.raises(InkseedError, match=words):
        package.load(file)
    recipe = tmp_path / "r.toml"
    recipe.write_text(REPORTS.format(epochs=1))
    for command in (
        ("sample", "--model", file, "--out", tmp_path / "s.npz"),
        ("train", recipe, "--from", file, "--out", tmp_path / "run"),
    ):
        refused = inkseed(*command)
        assert refused.status == 2
        assert len(refused.err.strip().splitlines()) == 1
    assert sorted(tmp_path.iterdir()) == [recipe, file]


@pytest.mark.parametrize(
    "text", ["[" * 5000, "[]", "5", "", "\ufeff{}", '{"a": ' * 999, "9" * 5000]
)
def test_metadata_that_is_no_table(tmp_path, weights, monkeypatch, text):
    monkeypatch.setattr("inkseed.checkpoint.json.dumps", lambda *_, **__: text)
    save_tensors(tmp_path / "x.safetensors", weights, {})
    monkeypatch.undo()
    with pytest.raises(InkseedError, match=r"metadata of .*x\.safetensors is no JSON"):
        package.load(tmp_path / "x.safetensors")
    with pytest.raises(InkseedError, match="mine"):
        table_in(text, "mine")


def test_a_byte_order_mark_is_no_fault(tmp_path):
    (tmp_path / "r.toml").write_bytes(b"\xef\xbb\xbf" + REPORTS.format(epochs=1).encode())
    assert load_recipe(tmp_path / "r.toml").epochs == 1
    (tmp_path / "s.json").write_bytes(b'\xef\xbb\xbf{"a": 1}')
    assert read_json(tmp_path / "s.json") == {"a": 1}


@pytest.mark.parametrize(
    "content",
    [b"\xff\xfe\x00", b"a = " + b"[" * 50_000, b"a = " + b"9" * 5000, b"a = 1\na = 2", b"\0"],
    ids=range(5),
)
def test_a_recipe_that_is_no_toml(tmp_path, content):
    (tmp_path / "r.toml").write_bytes(content)
    for read in (load_recipe, read_toml):
        with pytest.raises(InkseedError, match=r"r\.toml is not a TOML file that can be read"):
            read(tmp_path / "r.toml")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (f"n_feat = 1{'0' * 400}", "network: n_feat must be"),
        ("n_feat = 8.0", "network: n_feat must be a whole number, not 8.0"),
        ("n_feat = 2020-01-01", "network: n_feat must be a whole number"),
        ("n_feat = 12", "network: n_feat must be a multiple of 8"),
        ("n_feat = nan", "network: n_feat must be a whole number"),
    ],
)
def test_a_recipe_of_an_impossible_network(inkseed, tmp_path, line, words):
    recipe = tmp_path / "r.toml"
    recipe.write_text(REPORTS.format(epochs=1).replace("n_feat = 8", line))
    refused = inkseed("train", recipe, "--out", tmp_path / "run")
    assert refused.status == 2
    assert words in refused.err
    assert len(refused.err.strip().splitlines()) == 1
    assert not (tmp_path / "run").exists()


class Odd:
    """A network of a user's own, with parameters of all sorts."""

    def __init__(self, in_channels: int, n_classes: int, act: torch.nn.Module = None, **more: Any):
        if more.get("fails"):
            raise KeyError("fails")
        self.more = more


def test_a_users_own_class_is_called_with_what_fits_it(forget):
    NETWORKS.register("odd")(Odd)
    sound = {"name": "odd", "in_channels": 1, "n_classes": 10}
    assert network_from({**sound, "depth": [1, 2]}).more == {"depth": [1, 2]}
    for more, words in (
        ({"act": "relu"}, "network: act cannot be set in a file"),
        ({"fails": True}, "network: 'fails'"),
        ({"depth": HUGE}, "network: depth"),
        ({"in_channels": "1"}, "network: in_channels must be a whole number, not '1'"),
    ):
        with pytest.raises(InkseedError, match=words):
            network_from({**sound, **more})
    with pytest.raises(InkseedError, match="the setting 'n_classes' is missing"):
        called(Odd, {"in_channels": 1})


@pytest.mark.parametrize(
    "text", ["[" * 5000, "{", "null", '{"recipe": 5}', '{"from": ["a"]}', "\0"]
)
def test_a_runs_settings_that_are_spoilt(inkseed, tmp_path, text):
    recipe, out = tmp_path / "r.toml", tmp_path / "run"
    recipe.write_text(REPORTS.format(epochs=1))
    out.mkdir()
    (out / "settings.json").write_text(text)
    refused = inkseed("train", recipe, "--out", out, "--resume")
    assert refused.status == 2
    assert str(out / "settings.json") in refused.err
    assert len(refused.err.strip().splitlines()) == 1


def test_a_word_in_the_loss_log_is_no_row(tmp_path):
    head = "step,images,loss,learning_rate,images_per_second"
    sound = ["0,64,0.5,0.001,64.0", "1,128,2e-05,0.001,64.0"]
    spoilt = ["2,192,word,0.001,64.0", "3,\0,0.1,1,1", "4,1,nan,1,1", "5,1,0.1,1", "0-1,1,1,1,1"]
    spoilt += [f"6,{'9' * 5000},0.1,1,1", "\u0663,1,0.1,1,1", "[" * 5000, ""]
    (tmp_path / "loss.csv").write_text("\n".join([head, *sound, *spoilt]) + "\n")
    draw_loss(tmp_path)
    assert (tmp_path / "loss.png").stat().st_size > 1000
    open_log(tmp_path, 10).close()
    assert (tmp_path / "loss.csv").read_text().splitlines() == [head, *sound]
    assert [row["loss"] for row in rows_of(tmp_path)] == ["0.5", "2e-05"]


def test_a_state_of_other_tensors_is_refused(tmp_path):
    run, recipe, _ = a_run(tmp_path)
    run.save(tmp_path / "state.safetensors", recipe)
    run.restore(tmp_path / "state.safetensors")
    tensors, told = load_tensors(tmp_path / "state.safetensors")
    name = next(each for each in tensors if each.startswith("adam.exp_avg."))
    for spoilt in (
        {**tensors, name: torch.zeros(1)},  # which copying would spread over all
        {k: v for k, v in tensors.items() if k != name},
        {**tensors, "more": torch.zeros(1)},
    ):
        save_tensors(tmp_path / "spoilt.safetensors", spoilt, told)
        with pytest.raises(InkseedError, match="does not fit its run's settings"):
            run.restore(tmp_path / "spoilt.safetensors")
    told["training"]["step"] = "many"
    save_tensors(tmp_path / "spoilt.safetensors", tensors, told)
    with pytest.raises(InkseedError, match=r"training\.step must be a whole number"):
        run.restore(tmp_path / "spoilt.safetensors")


def test_a_studys_pool_of_another_shape_is_refused(tiny_model, tmp_path):
    settings = StudySettings("tiny", "0", {"steps": 1, "sampler": "ddim"}, 25, 2, 2)
    labels = np.arange(50).reshape(2, 25) % 10
    drawing = _Drawing(package.load(tiny_model), settings, labels, tmp_path, lambda _: None)
    path = tmp_path / "seed_0" / "pool.npz"
    path.parent.mkdir()
    scores = {name: np.zeros((25, 2)) for name in ("stability", "renoise", "judge", "ink")}
    sound = {"labels": labels[0], "images": np.zeros((25, 2, 28, 28), np.uint8), **scores}
    np.savez(path, **sound)
    assert np.array_equal(drawing.pool(0).labels, labels[0])
    for spoilt in (
        {"labels": labels[0][:-1]},
        {"labels": labels[0] + 1},
        {"labels": labels[0].astype(float)},
        {"images": np.zeros((25, 3, 28, 28), np.uint8)},
        {"images": np.zeros((25, 2, 28, 28))},
        {"ink": np.zeros(25)},
        {"ink": np.array(["word"] * 50).reshape(25, 2)},
        {"more": np.zeros(1)},
    ):
        np.savez(path, **{**sound, **spoilt})
        with pytest.raises(InkseedError, match=r"pool\.npz is damaged, or another study's"):
            drawing.pool(0)
    np.savez(path, **{name: sound[name] for name in scores})
    with pytest.raises(InkseedError, match=r"pool\.npz is damaged"):
        drawing.pool(0)


@pytest.mark.parametrize(
    ("name", "value"),
    [("count", 2.5), ("seeds", "5"), ("candidates", DIGITS_400), ("count", True), ("how", None)],
)
def test_a_study_of_impossible_settings(name, value):
    with pytest.raises(InkseedError, match=f"{name} must be"):
        StudySettings(**{"model": "tiny", "sha256": "0", "how": {}, name: value})


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float32, torch.int8, torch.bool])
def test_a_hand_of_other_numbers(tmp_path, kind):
    path = tmp_path / "hand.safetensors"
    save_tensors(path, {"images": torch.ones(2, 28, 28).to(kind)}, {"kind": "hand"})
    with pytest.raises(InkseedError, match="a hand is digits as uint8, not"):
        load_hand(path)


@pytest.mark.parametrize(
    "text", ["", "[]", "[" * 9999, '{"sha256": 5}', '{"sha256": "0", "n": 1, "metrics": {"a": 5}}']
)
def test_a_measurement_that_is_spoilt(tiny_model, tmp_path, monkeypatch, text):
    (tmp_path / "tiny.safetensors").write_bytes(tiny_model.read_bytes())
    (tmp_path / "tiny.json").write_text(text)
    monkeypatch.setattr(MODELS, "folder", tmp_path)
    with pytest.raises(InkseedError, match=r"tiny\.json.*remove it, or measure the model again"):
        catalogue.bundled()


@pytest.mark.parametrize("label", [b"\xff", None, 1.5, math.nan, 1j, -1, True])
def test_labels_that_are_neither_text_nor_numbers(inkseed, tmp_path, label):
    images = np.zeros((20, 28, 28), np.uint8)
    images[:, 4:24, 12:16] = 255
    np.savez(tmp_path / "set.npz", images=images, labels=np.array([label] * 20))
    refused = inkseed("evaluate", tmp_path / "set.npz")
    assert refused.status == 2
    assert "labels" in refused.err
    assert len(refused.err.strip().splitlines()) == 1


def test_digits_of_another_script_are_no_digits_to_a_judge(inkseed, tmp_path):
    images = np.zeros((20, 28, 28), np.uint8)
    images[:, 4:24, 12:16] = 255
    np.savez(tmp_path / "set.npz", images=images, labels=np.array(["\u0663"] * 20))
    assert "the judge reads 0 to 9" in inkseed("evaluate", tmp_path / "set.npz").err
