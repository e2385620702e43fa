"""Hands: as varied as the data, an image's own, and what a model of `one_hand` draws by itself."""

from statistics import NormalDist

import numpy as np
import pytest

from inkseed.hand import ANY, USUAL, draw_hands
from inkseed.model import load

STYLES = {"slant": (6.0, 15.0), "thickness": (2.4, 0.6)}


@pytest.mark.parametrize(("between", "spread"), [(ANY, 0.97), (USUAL, 0.79)])
def test_hands_vary_as_a_normal_between_its_quantiles(between, spread):
    found = draw_hands(STYLES, 1, range(4000), between)
    for name, (mean, deviation) in STYLES.items():
        z = (found[name] - mean) / deviation
        limit = NormalDist().inv_cdf(between[1])
        assert np.abs(z).max() <= limit
        assert z.mean() == pytest.approx(0, abs=0.05)
        assert z.std() == pytest.approx(spread, abs=0.03)
    assert abs(np.corrcoef(found["slant"], found["thickness"])[0, 1]) < 0.05


def test_a_hand_is_the_images_own():
    some, other = draw_hands(STYLES, 1, [3, 7]), draw_hands(STYLES, 2, [7])
    (alone,) = draw_hands(STYLES, 1, [7])["slant"]
    assert some["slant"][1] == alone
    assert other["slant"][0] != alone


def test_a_model_of_one_hand_draws_the_style_that_is_left_free():
    model = load("digits")
    labels, how = [3, 1, 4], {"steps": 2, "first": 5}
    hands = draw_hands(model.styles, 9, range(5, 8))
    asked = model.sample(labels, 9, **how, **hands).images
    half = model.sample(labels, 9, **how, slant=20, thickness=hands["thickness"]).images
    free = model.sample(labels, 9, **how).images
    model.config["sampling"]["one_hand"] = True
    assert (model.sample(labels, 9, **how).images == asked).all()
    assert (model.sample(labels, 9, **how, slant=20).images == half).all()
    nothing = {"slant": float("nan"), "thickness": float("nan")}
    assert (model.sample(labels, 9, **how, **nothing).images == free).all()
    assert (free != asked).any()
