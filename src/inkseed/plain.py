"""Values from plain data such as TOML or JSON, each field checked by its type with pydantic."""

from collections.abc import Mapping
from dataclasses import MISSING, fields
from functools import cache
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Strict, ValidationError, create_model

from inkseed.checks import brief
from inkseed.errors import InkseedError

V = TypeVar("V")

Whole = Annotated[int, Strict()]  # neither True nor 3.0
Real = Annotated[float, Strict()]  # finite; whole numbers too
Flag = Annotated[bool, Strict()]
Table = dict[str, Any]

WORDS = {  # pydantic's, and ours
    "Input should": "must",
    "Tuple should": "must",
    "Field required": "is missing",
    "greater than or equal to": "at least",
    "less than or equal to": "at most",
    "a valid integer": "a whole number",
    "a valid number": "a number",
    "a valid boolean": "true or false",
    "a valid dictionary": "a table",
    "a valid tuple": "a list",
    "a valid string": "text",
    " after validation": "",
}


def check(value: object) -> None:
    """Check the fields of a frozen dataclass by their types, and convert them: lists to tuples.

    For use in `__post_init__`. Raises InkseedError for the first field that does not fit its type.
    """
    kind: type = type(value)
    try:
        found = _model(kind).model_validate(vars(value))
    except ValidationError as error:
        raise InkseedError(_in_one_line(error)) from None
    for name in vars(value):
        object.__setattr__(value, name, getattr(found, name))


def build(kind: type[V], settings: Mapping[str, Any], origin: str) -> V:
    """Build a dataclass from plain data; `origin` names the data in errors.

    Raises InkseedError for settings that are unknown or missing, or that the dataclass refuses.
    """
    known = {each.name: each for each in fields(kind)}  # type: ignore[arg-type]
    if unknown := [name for name in settings if name not in known]:
        raise InkseedError(
            f"{origin}: unknown setting {brief(unknown[0])}: known are {', '.join(known)}"
        )
    for name, each in known.items():
        if name not in settings and each.default is each.default_factory is MISSING:
            raise InkseedError(f"{origin}: the setting {name!r} is missing")
    try:
        return kind(**settings)
    except InkseedError as error:
        raise InkseedError(f"{origin}: {error}") from error


@cache
def _model(kind: type) -> type[BaseModel]:
    """The pydantic model that checks the fields of a dataclass."""
    types: dict[str, Any] = {each.name: (each.type, ...) for each in fields(kind)}
    return create_model(kind.__name__, __config__=ConfigDict(allow_inf_nan=False), **types)


def _in_one_line(error: ValidationError) -> str:
    """The first mistake in one line, such as `size[1] must be a multiple of 4, not 30`."""
    wrong = error.errors(include_url=False, include_context=False)[0]
    first, *rest = wrong["loc"]
    place = str(first) + "".join(f"[{each}]" if type(each) is int else f".{each}" for each in rest)
    text = wrong["msg"]
    for theirs, ours in WORDS.items():
        text = text.replace(theirs, ours)
    return f"{place} {text}" + f", not {brief(wrong['input'])}" * text.startswith("must be")
