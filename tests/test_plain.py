"""Values from plain data: whatever is in it, they are sound or one line says what is not."""

import json
import math
from dataclasses import asdict, fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inkseed.checks import brief
from inkseed.errors import InkseedError
from inkseed.model.config import ModelConfig
from inkseed.training.recipes import Recipe, recipe_from
from tests.conftest import TINY
from tests.test_old_settings import SMALL

NESTED: list = []
for _ in range(100_000):
    NESTED = [NESTED]
HUGE = 10**5000  # more digits than Python writes
PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**400), 10**400)
    | st.floats()
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)
RECIPE = recipe_from(SMALL, "mine.toml")
NAMES = sorted(asdict(RECIPE))


def tried(name: str, value: Any) -> Recipe | None:
    """The recipe with this value, None if it is refused as it must be."""
    try:
        return recipe_from(SMALL | {name: value}, "mine.toml")
    except InkseedError as error:
        told = str(error)
    assert told.startswith("mine.toml: ")
    assert name in told
    assert "\n" not in told
    assert len(told) < 300
    with pytest.raises(InkseedError, match=name):
        replace(RECIPE, **{name: value})
    return None


@given(name=st.sampled_from(NAMES), value=PLAIN)
def test_any_value_of_any_setting_is_taken_or_refused_in_one_line(name, value):
    made = tried(name, value)
    if made is not None:
        assert type(getattr(made, name)) is type(getattr(RECIPE, name))
        assert type(value) is not bool or name == "styles"
        assert not isinstance(value, float) or math.isfinite(value)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", [HUGE, -HUGE, NESTED], ids=["huge", "negative", "nested"])
def test_what_python_cannot_even_write_is_refused_in_one_line(name, value):
    assert tried(name, value) is None


@given(settings=st.dictionaries(st.sampled_from(["epochs", "colour", "", "clip"]), PLAIN))
def test_settings_that_are_unknown_or_missing_are_named(settings):
    with pytest.raises(InkseedError, match=r"unknown setting|is missing|is now") as refused:
        recipe_from(settings, "mine.toml")
    assert "\n" not in str(refused.value)


def test_a_recipe_comes_back_from_its_plain_data():
    made = recipe_from(SMALL | {"ema": [0.5, 0.9], "size": [28, 28], "weight_decay": 1}, "mine")
    assert (made.ema, made.size, made.weight_decay) == ((0.5, 0.9), (28, 28), 1.0)
    assert recipe_from(json.loads(json.dumps(asdict(made))), "again") == made


@given(name=st.sampled_from([each.name for each in fields(ModelConfig)]), value=PLAIN)
def test_any_value_in_a_model_file_is_taken_or_refused_in_one_line(name, value):
    try:
        made = ModelConfig.of(TINY | {name: value}, "mine.safetensors")
    except InkseedError as error:
        told = str(error)
        assert told.startswith("mine.safetensors: ")
        assert "\n" not in told
    else:
        assert made.drop_prob is None
        assert type(getattr(made, name)) in (dict, tuple)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"network": None}, "network must be a table, not None"),
        ({"image_size": [28, 27]}, r"image_size\[1\] must be a multiple of 4, not 27"),
        ({"image_size": [28]}, r"image_size\[1\] is missing"),
        ({"class_names": [1, *"123456789"]}, r"class_names\[0\] must be text, not 1"),
        ({"class_names": ["../a", *"123456789"]}, "cannot be a label"),
        ({"class_names": list("012")}, "as many different labels as the network has classes"),
        ({"styles": {"slant": [0, 1]}}, "must be those that the network takes"),
        (
            {"network": TINY["network"] | {"styles": 5}, "styles": {"slant": [0, 1]}},
            "must be those",
        ),
        ({"styles": {"slant": [0, math.nan]}}, r"styles.slant\[1\] must be a finite number"),
    ],
)
def test_what_is_wrong_with_a_model_file_is_told_with_its_name(change, words):
    with pytest.raises(InkseedError, match=f"mine.safetensors: .*{words}"):
        ModelConfig.of(TINY | change, "mine.safetensors")


def test_a_model_file_that_lacks_a_setting_is_told_so():
    with pytest.raises(InkseedError, match=r"mine\.safetensors: the setting 'network' is missing"):
        ModelConfig.of({}, "mine.safetensors")


def test_a_configuration_comes_back_from_its_plain_data():
    old = {**TINY, "format": 1, "network": {**TINY["network"], "styles": {"slant": [6.0, 15.0]}}}
    made = ModelConfig.of(old, "old")
    assert made.styles == {"slant": (6.0, 15.0)}  # which old files tell of the network alone
    assert made.prediction == {"name": "eps"}
    assert ModelConfig.of(json.loads(json.dumps(made.plain())), "again") == made
    assert made.drop_prob is None
    assert made.trained({"settings": {"drop_prob": 0.1}}).drop_prob == 0.1


def test_what_cannot_be_written_is_told_briefly():
    assert brief(HUGE) == "this int"
    assert brief(NESTED) == "this list"
