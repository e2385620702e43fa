"""Blurred digits get edges as crisp as MNIST's, which stay what they are."""

import numpy as np
import pytest
from PIL import Image

from inkseed.data.crisp import SOFT, crisp, softness
from inkseed.data.split import split_mnist
from inkseed.data.style import measure_style


@pytest.fixture(scope="module")
def digits() -> np.ndarray:
    return split_mnist().validation.images[:400]


def resized(images: np.ndarray, side: int) -> np.ndarray:
    way = Image.Resampling.BILINEAR
    return np.stack(
        [np.asarray(Image.fromarray(image).resize((side, side), way)) for image in images]
    )


def test_a_sharp_edge_that_the_grid_makes_grey_has_two_thirds():
    """Of p evenly from 0 to 1, 4 p (1 - p) is 2/3 on average, and each pixel a pixel of outline."""
    y, x = np.mgrid[:2800, :2800] / 100
    disc = np.hypot(y - 14.3, x - 13.8) < 9
    image = (disc.reshape(28, 100, 28, 100).mean((1, 3)) * 255).round().astype(np.uint8)
    assert softness(image[None])[0] == pytest.approx(2 / 3, abs=0.05)
    assert softness(np.zeros((1, 28, 28), np.uint8))[0] == 0


def test_mnists_digits_are_crisp_already(digits):
    soft = softness(digits) > SOFT
    assert soft.mean() < 0.01
    assert np.array_equal(crisp(digits)[~soft], digits[~soft])


@pytest.mark.parametrize("side", [56, 90, 400])
def test_what_was_scaled_twice_is_as_it_was(digits, side):
    blurred = resized(resized(digits, side), 28)
    found = crisp(blurred)
    assert np.median(softness(blurred)) > SOFT
    assert np.median(softness(found)) == pytest.approx(np.median(softness(digits)), abs=0.06)
    error, was = (abs(each.astype(float) - digits).mean() for each in (found, blurred))
    assert error < 0.7 * was
    ours, real = (measure_style(each)[1].mean() for each in (found, digits))
    assert abs(ours - real) < 0.15


def test_pale_digits_keep_their_strokes(digits):
    pale = (resized(resized(digits, 90), 28) * 0.4).astype(np.uint8)
    full = crisp(pale)
    assert (full.max((1, 2)) > 191).mean() > 0.99
    assert crisp(np.zeros((2, 28, 28), np.uint8)).sum() == 0
