"""What is printed at a prompt is short, and what a notebook shows is a picture."""

import io

import numpy as np
import pytest
from PIL import Image

import inkseed as package
from inkseed.data import split_mnist
from inkseed.evaluation import EvaluatedSet
from inkseed.outline import outline
from inkseed.study.pool import SCORES, Pool

WIDEST = 700  # characters


@pytest.fixture(scope="module")
def model(tiny_model) -> package.Model:
    return package.load(tiny_model)


def test_reprs_are_short(model):
    number = package.write("0123456789" * 6, model=model)
    validation = split_mnist().validation
    pool = Pool(
        np.zeros(50, int), np.zeros((50, 8, 28, 28), np.uint8), dict.fromkeys(SCORES, np.zeros(50))
    )
    for value in (model, number, number.samples, validation, EvaluatedSet(validation), pool):
        shown = repr(value)
        assert len(shown) < WIDEST, shown
        assert "\n" not in shown
        assert shown.startswith(type(value).__name__)
    assert "images=uint8 (60, 28, 28)" in repr(number.samples)
    assert "streams=int64 (60, 2)" in repr(number.samples)
    assert repr(model).startswith("Model(ContextUnet of 0.0 million parameters, draws 0, 1, 2, ...")


def test_outlines():
    assert outline([1, 2.5]) == "[1, 2.5]"
    assert outline(list(range(1000))) == "list of 1,000"
    assert outline("x" * 1000).endswith("...")
    assert outline((np.zeros(3), "a")) == "(float64 (3,), 'a')"


def test_notebooks_show_pictures(model):
    number = package.write("42", model=model)
    shown = Image.open(io.BytesIO(number._repr_png_()))
    assert np.array_equal(np.asarray(shown), np.asarray(number.image))
    samples = model.sample([0, 1, 2])
    assert Image.open(io.BytesIO(samples._repr_png_())).size == (3 * 56, 56)
    many = model.sample([0] * 101, steps=1)
    assert Image.open(io.BytesIO(many._repr_png_())).size == (560, 560)
