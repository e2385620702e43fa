"""Drawn styles: as varied as the data's, an image's own, and what a model of `one_hand` draws."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from inkseed.data.mnist import DIGITS
from inkseed.data.split import split_mnist
from inkseed.data.style import measure_style
from inkseed.errors import InkseedError
from inkseed.model.config import ModelConfig
from inkseed.model.model import Model
from inkseed.model.style import ANY, USUAL, draw_styles
from inkseed.nn import network_from

STYLES = {"slant": (6.0, 15.0), "thickness": (2.4, 0.6)}


def test_styles_vary_as_the_datas_do():
    data = measure_style(split_mnist().part_a.images)
    moments = {
        name: (each.mean(), each.std())
        for name, each in zip(("slant", "thickness"), data, strict=True)
    }
    drawn, usual = (draw_styles(moments, 1, range(4000), between) for between in (ANY, USUAL))
    for (name, ours), real, unit in zip(drawn.items(), data, (2.0, 0.15), strict=True):
        for quantile in (5, 25, 50, 75, 95):
            assert np.percentile(ours, quantile) == pytest.approx(
                np.percentile(real, quantile), abs=unit
            )
        assert usual[name].min() > np.percentile(real, 1)
        assert usual[name].max() < np.percentile(real, 99)
    assert abs(np.corrcoef(drawn["slant"], drawn["thickness"])[0, 1]) < 0.05


def test_a_model_of_blank_images_is_refused_in_words():
    for mean in (0.0, -0.5):
        with pytest.raises(InkseedError, match=f"thickness is {mean:g} on average"):
            replace(of_styles().config, styles={**STYLES, "thickness": (mean, 0.6)})


def test_a_style_is_the_images_own():
    some, other = draw_styles(STYLES, 1, [3, 7]), draw_styles(STYLES, 2, [7])
    (alone,) = draw_styles(STYLES, 1, [7])["slant"]
    assert some["slant"][1] == alone
    assert other["slant"][0] != alone


def of_styles() -> Model:
    """A model that knows styles and no hand; what it draws is noise, but it hears its style."""
    settings = {"in_channels": 1, "n_classes": 10, "widths": [16, 64], "styles": STYLES}
    config = ModelConfig(
        network={"name": "patch_unet", **settings},
        schedule={"name": "variance_exploding", "sigma_max": 20.0, "sigma_min": 0.02},
        image_size=(28, 28),
        class_names=DIGITS,
        prediction={"name": "edm"},
        sampling={"sampler": "ddim", "guide_w": 0.0},
        styles=STYLES,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = network_from(config.network)
        for parameter in network.parameters():
            torch.nn.init.normal_(parameter, std=0.1)
    return Model(network, config, torch.device("cpu"))


def test_a_model_of_one_hand_draws_the_style_that_is_left_free():
    model = of_styles()
    labels, how = [3, 1, 4], {"steps": 2, "first": 5}
    styles = draw_styles(model.styles, 9, range(5, 8))
    asked = model.sample(labels, 9, **how, **styles).images
    half = model.sample(labels, 9, **how, slant=20, thickness=styles["thickness"]).images
    free = model.sample(labels, 9, **how).images
    model.config = replace(model.config, sampling={**model.config.sampling, "one_hand": True})
    assert (model.sample(labels, 9, **how).images == asked).all()
    assert (model.sample(labels, 9, **how, slant=20).images == half).all()
    nothing = {"slant": float("nan"), "thickness": float("nan")}
    assert (model.sample(labels, 9, **how, **nothing).images == free).all()
    assert (free != asked).any()
