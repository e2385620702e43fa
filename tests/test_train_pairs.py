"""Training on two-digit images: labels held out, other sizes, a hand of one's own, warm starts."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from inkseed.checkpoint import load_tensors
from inkseed.data import load_mnist
from inkseed.errors import InkseedError
from inkseed.model.loading import load
from inkseed.model.weights import find_model
from inkseed.training.batches import Batches
from inkseed.training.data import model_config, training_data
from inkseed.training.recipes import Recipe, load_recipe
from inkseed.training.warm_start import start_from

SMALL = """
data = "pairs"
styles = true
drop_prob = 0.1
epochs = 1
batch_size = 32
learning_rate = 1e-3
images = 200
pictures = 1
{more}
[network]
name = "patch_unet"
widths = [16, 64]
{places}
[schedule]
name = "variance_exploding"
[prediction]
name = "edm"
[sampling]
sampler = "ddim"
steps = 2
"""


def recipe_of(folder: Path, more: str = "", places: str = "places = 2") -> Path:
    path = folder / "pairs.toml"
    path.write_text(SMALL.format(more=more, places=places))
    return path


def small(tmp_path: Path, more: str = "") -> Recipe:
    return load_recipe(recipe_of(tmp_path, more))


def test_each_pass_has_images_of_its_own(tmp_path):
    data = training_data(small(tmp_path), None, None)
    first, second, again = data.of_pass(0), data.of_pass(1), data.of_pass(1)
    assert (first.images.images != second.images.images).any()
    assert (second.images.images == again.images.images).all()
    assert (first.images.labels == np.arange(200) % 100).all()
    batches = Batches(data.of_pass, True, 32, (0, 1))
    batch = batches[6]  # images 192 to 223: the end of one pass and the next's beginning
    assert batch.x.shape == (32, 1, 28, 56)
    alone = Batches(data.of_pass, True, 32, (0, 1))[6]
    assert torch.equal(batch.x, alone.x)
    assert torch.equal(batch.condition.label, alone.condition.label)
    assert torch.equal(batch.condition.style, alone.condition.style)


@pytest.mark.parametrize("name", ["pairs", "report-pairs"])
def test_the_bundled_recipes_take_both_digits_of_one_writer(name):
    recipe = replace(load_recipe(name), images=200)
    asked = replace(recipe, layout={"match": "writer"})
    other = replace(recipe, layout={"match": "style"})
    own, writers, style = (
        training_data(each, None, None).source for each in (recipe, asked, other)
    )
    assert (own.images == writers.images).all()
    assert (own.images != style.images).any()


def test_held_out_labels_are_never_seen(tmp_path):
    data = training_data(small(tmp_path, 'held_out_labels = ["07", "70", "33"]'), None, None)
    for number in (0, 1, 5):
        assert not np.isin(data.of_pass(number).images.labels, [7, 70, 33]).any()
    assert len(set(data.source.labels)) == 97
    assert not np.isin(data.validation.images.labels, [7, 70, 33]).any()
    assert "without 3 of the 100 labels" in data.description


def test_other_sizes_and_layouts(tmp_path):
    data = training_data(small(tmp_path, "size = [28, 28]\nlayout = {gap = [6, 0]}"), None, None)
    assert data.source.images.shape == (200, 28, 28)
    near = training_data(small(tmp_path, "layout = {gap = [-3, 0]}"), None, None)
    assert data.source.images.shape != near.source.images.shape


@pytest.mark.parametrize(
    ("more", "complaint"),
    [
        ('held_out_labels = ["100"]', "from 00 to 99"),
        (f"held_out_labels = {[f'{k:02d}' for k in range(100)]}", "no label"),
        ("layout = {space = 3}", "unknown setting 'space'"),
        ("layout = {gap = 3}", "gap"),
    ],
)
def test_what_cannot_be_composed_is_refused(tmp_path, more, complaint):
    with pytest.raises(InkseedError, match=complaint):
        training_data(small(tmp_path, more), None, None)


def test_a_size_is_the_recipes(tmp_path):
    with pytest.raises(InkseedError, match="leave --size out"):
        training_data(small(tmp_path), None, (28, 28))


@pytest.mark.parametrize("places", ["places = 2", ""])
def test_a_model_of_a_hundred_labels(inkseed, tmp_path, places):
    out = tmp_path / "run"
    assert inkseed("train", recipe_of(tmp_path, places=places), "--out", out).status == 0
    weights = out / "model.safetensors"
    model = load(weights)
    assert model.class_names[:8] == ("00", "01", "02", "03", "04", "05", "06", "07")
    assert len(load_tensors(weights)[0]["label.weight"]) == (11 if places else 101)
    drawn = tmp_path / "drawn.npz"
    asked = ("--labels", "00,07,42", "--count", 1, "--model", weights, "--out", drawn)
    assert inkseed("sample", *asked).status == 0
    with np.load(drawn) as kept:
        assert kept["images"].shape == (3, 28, 56)
        assert kept["labels"].tolist() == ["00", "07", "42"]
    refused = inkseed("sample", "--labels", "7", "--model", weights, "--out", drawn)
    assert refused.status == 2
    assert "no label '7'" in refused.err


def test_ones_own_digits_are_composed(inkseed, tmp_path):
    mnist = load_mnist(train=True)
    for digit in range(10):
        (tmp_path / "hand" / str(digit)).mkdir(parents=True)
        for k, image in enumerate(mnist.images[mnist.labels == digit][:8]):
            Image.fromarray(255 - image).save(tmp_path / "hand" / str(digit) / f"{k}.png")
    command = ("train", recipe_of(tmp_path), "--out", tmp_path / "run", "--data", tmp_path / "hand")
    assert inkseed(*command).status == 0
    model = load(tmp_path / "run/model.safetensors")
    assert model.config.training["data"] == "pairs of 80 images of hand"
    assert len(model.class_names) == 100
    strict = ("train", recipe_of(tmp_path, 'layout = {match = "writer"}'), "--out", tmp_path / "no")
    refused = inkseed(*strict, "--data", tmp_path / "hand")
    assert refused.status == 2
    assert "nobody knows who wrote these digits" in refused.err
    assert len(refused.err.strip().splitlines()) == 1
    recipe_of(tmp_path)
    (tmp_path / "hand" / "3").rename(tmp_path / "hand" / "three")
    other = inkseed(*command[:3], tmp_path / "other", *command[4:])
    assert other.status == 2
    assert "digits 0 to 9" in other.err


def test_what_digits_knows_of_each_digit_is_kept(tmp_path):
    source = training_data(load_recipe("pairs"), None, None)
    assert load_recipe("pairs").start == "digits"
    pairs = model_config(load_recipe("pairs"), "pairs", source, styled=True)
    digits = load("digits")
    network, config = start_from(digits, pairs)
    known = load_tensors(find_model("digits"))[0]["label.weight"].float()
    assert torch.equal(network.label.weight, known)
    assert config.network["places"] == network.places == 2
    single = {k: v for k, v in pairs.network.items() if k != "places"}
    nothing = start_from(digits, replace(pairs, network=single))[0].label.weight
    assert torch.equal(nothing, known[-1:].expand(101, -1))
