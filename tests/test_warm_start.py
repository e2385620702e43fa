"""What a model that was trained on, on other data, says of its styles, and what it still knows."""

import numpy as np
import pytest
import torch

from inkseed.checkpoint import load_tensors, save_tensors
from inkseed.data import load_mnist
from inkseed.errors import InkseedError
from inkseed.model.loading import load
from inkseed.training.batches import Examples
from inkseed.training.data import TrainingData, model_config
from inkseed.training.loop import train
from inkseed.training.recipes import load_recipe
from inkseed.training.warm_start import start_from

SHORT = """
epochs = 1
batch_size = 8
learning_rate = 1e-5
drop_prob = 0.1
images = 64
pictures = 1
styles = {styles}
[network]
name = "patch_unet"
widths = [16, 64]
[schedule]
name = "variance_exploding"
[prediction]
name = "edm"
[sampling]
sampler = "ddim"
steps = 1
"""


@pytest.fixture(scope="module")
def digits():
    return load("digits")


def of_one_hand(slant, thickness):
    """Twenty digits that one hand wrote, with the styles that they are said to have."""
    images = load_mnist(train=True).subset(np.arange(20))
    spread = np.linspace(-1, 1, 20)
    known = (slant[0] + slant[1] * spread, thickness[0] + thickness[1] * spread)
    return TrainingData(Examples(images, known), None, "twenty digits", 20)


def trained_on(digits, data):
    """(network, configuration) of a run that begins at `digits`, before its first step."""
    config = model_config(load_recipe("quick"), "quick", data, styled=True)
    return start_from(digits, config)


def says(network, slant, thickness):
    draw = torch.Generator().manual_seed(0)
    x = torch.randn(2, 1, 28, 28, generator=draw)
    style = torch.tensor([[slant, thickness], [float("nan"), thickness]])
    network.eval()
    with torch.no_grad():
        return network(x, torch.tensor([3, 7]), torch.zeros(2), torch.zeros(2), style)


def test_the_model_tells_its_own_datas_styles_and_its_network_stays_what_it_was(digits):
    data = of_one_hand(slant=(20.0, 5.0), thickness=(3.0, 0.3))
    network, config = trained_on(digits, data)
    assert config.styles == data.styles()
    assert config.styles["slant"][0] == pytest.approx(20)
    assert config.network["styles"] == digits.config.network["styles"]
    before, after = (says(each, 25.0, 3.2) for each in (digits.network, network))
    assert torch.allclose(before, after, atol=1e-4)  # but for how they lie in memory


def test_styles_that_the_network_cannot_tell_apart_are_scaled_anew(digits):
    data = of_one_hand(slant=(20.0, 5.0), thickness=(7.0, 0.5))  # 28 pixels have no such strokes
    assert torch.equal(says(digits.network, 20.0, 6.5), says(digits.network, 20.0, 7.5))
    network, config = trained_on(digits, data)
    assert config.network["styles"]["thickness"] == data.styles()["thickness"]
    assert config.network["styles"]["slant"] == digits.config.network["styles"]["slant"]
    assert not torch.equal(says(network, 20.0, 6.5), says(network, 20.0, 7.5))


@pytest.fixture(scope="module")
def tuned(tmp_path_factory):
    """A model of thin and upright digits, by a recipe without styles, from one of all digits."""
    folder = tmp_path_factory.mktemp("runs")
    path = folder / "short.toml"
    path.write_text(SHORT.format(styles="true"))
    first = train(load_recipe(path), "short", folder / "first")
    mnist = load_mnist(train=True)
    images, labels = mnist.images[:400], mnist.labels[:400]
    slant, thickness = Examples(mnist.subset(np.arange(400))).style
    thin = (thickness < np.median(thickness)) & (abs(slant) < 15)
    np.savez(folder / "thin.npz", images=images[thin], labels=labels[thin])
    path.write_text(SHORT.format(styles="false"))
    own = {"data": folder / "thin.npz", "start": first}
    recipe = load_recipe(path)
    return load(first), train(recipe, "short", folder / "tuned", **own)


def test_hands_and_limits_are_those_of_ones_own_images(tuned):
    first, path = tuned
    model = load(path)
    assert model.styles["thickness"][0] < first.styles["thickness"][0] - 0.2
    assert model.styles["slant"][1] < 0.7 * first.styles["slant"][1]
    far = first.styles["slant"][0] + 3 * first.styles["slant"][1]
    assert len(first.sample([0], slant=far, steps=1).images) == 1
    with pytest.raises(InkseedError, match="slant must be from"):
        model.sample([0], slant=far, steps=1)


def test_a_file_of_impossible_styles_is_refused(tuned, tmp_path):
    tensors, config = load_tensors(tuned[1])
    for styles in ({"slant": [0.0, 1.0]}, config["styles"] | {"slant": [0.0, -1.0]}):
        damaged = tmp_path / "damaged.safetensors"
        save_tensors(damaged, tensors, config | {"styles": styles})
        with pytest.raises(InkseedError, match=r"damaged\.safetensors: styles"):
            load(damaged)
