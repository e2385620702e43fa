"""What each bundled model says of where it came from."""

import datetime as dt

import pytest

from inkseed.checkpoint import load_tensors
from inkseed.model.weights import find_model
from inkseed.named_files import MODELS, RECIPES

MOST_BYTES = 14e6


@pytest.fixture(params=sorted(MODELS.names()))
def training(request) -> dict:
    return load_tensors(find_model(request.param))[1]["training"] | {"name": request.param}


def test_it_names_its_recipe_and_when_it_ran(training):
    assert training["recipe"] == training["name"]
    assert training["recipe"] in RECIPES.names()
    assert dt.date.fromisoformat(training["date"]) > dt.date(2026, 1, 1)


def test_it_says_how_many_images_it_saw_and_of_which_part_of_the_data(training):
    assert training["images_seen"] >= 100_000
    assert "training digits" in training["data"]
    assert "MNIST" in training["data"]


def test_it_says_what_it_began_at(training):
    """Another model's weights are named by their SHA-256; one without began from nothing."""
    began = training.get("from")
    while began is not None:
        assert len(began["sha256"]) == 64
        assert began["images_seen"] > 0
        assert began["recipe"]
        began = began.get("from")
    if training["settings"].get("start"):
        assert "from" in training


def test_it_is_small(training):
    assert find_model(training["name"]).stat().st_size < MOST_BYTES
