"""Values from plain data: whatever is in it, they are sound or one line says what is not."""

import json
import math
from dataclasses import asdict, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inkseed.checks import brief
from inkseed.errors import InkseedError
from inkseed.training.recipes import Recipe, recipe_from
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


def test_what_cannot_be_written_is_told_briefly():
    assert brief(HUGE) == "this int"
    assert brief(NESTED) == "this list"
