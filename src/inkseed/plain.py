"""Values from plain data, as TOML and JSON hold it: pydantic checks each field by its type."""

from collections.abc import Mapping
from dataclasses import MISSING, fields
from functools import cache
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Strict, ValidationError, create_model

from inkseed.checks import brief
from inkseed.errors import InkseedError

V = TypeVar("V")

Whole = Annotated[int, Strict()]  # neither true nor 3.0
Real = Annotated[float, Strict()]  # finite; a whole number will do
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
    """Give the fields of a frozen dataclass what their types say; lists become tuples, say.

    Call it in `__post_init__`. Raises InkseedError for the first field that does not fit its type.
    """
    kind: type = type(value)
    try:
        found = _model(kind).model_validate(vars(value))
    except ValidationError as error:
        raise InkseedError(_in_one_line(error)) from None
    for name in vars(value):
        object.__setattr__(value, name, getattr(found, name))


def build(kind: type[V], settings: Mapping[str, Any], origin: str) -> V:
    """A value of a dataclass from plain data; `origin` names them in errors.

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
    """What checks the fields of a dataclass."""
    types: dict[str, Any] = {each.name: (each.type, ...) for each in fields(kind)}
    return create_model(kind.__name__, __config__=ConfigDict(allow_inf_nan=False), **types)


def _in_one_line(error: ValidationError) -> str:
    """`size[1] must be a multiple of 4, not 30`, of the first thing that is wrong."""
    wrong = error.errors(include_url=False, include_context=False)[0]
    first, *rest = wrong["loc"]
    place = str(first) + "".join(f"[{each}]" if type(each) is int else f".{each}" for each in rest)
    text = wrong["msg"]
    for theirs, ours in WORDS.items():
        text = text.replace(theirs, ours)
    return f"{place} {text}" + f", not {brief(wrong['input'])}" * text.startswith("must be")
