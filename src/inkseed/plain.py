"""Values from plain data such as TOML or JSON, each field checked by its type with pydantic."""

import inspect
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from functools import cache, partial
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_type_hints

from pydantic import (
    AllowInfNan,
    BaseModel,
    ConfigDict,
    PydanticUserError,
    Strict,
    TypeAdapter,
    ValidationError,
    create_model,
)
from pydantic_core import PydanticSerializationError, from_json, to_json

from inkseed.checks import brief
from inkseed.errors import InkseedError

V = TypeVar("V")
LONGEST_TOML, LONGEST_JSON = 1 << 20, 16 << 20  # bytes of a file that people or we write
FINITE = ConfigDict(allow_inf_nan=False, arbitrary_types_allowed=True)

Whole = Annotated[int, Strict()]  # neither True nor 3.0
Real = Annotated[float, Strict()]  # finite; whole numbers too
Typed = Annotated[float, AllowInfNan(True)]  # out of text too
Flag = Annotated[bool, Strict()]
Table = dict[str, Any]
EXTRA = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)

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
    "Cannot check `isinstance` when validating from json, use a JsonOrPython validator instead": (
        "cannot be set in a file"
    ),
}


def read_json(path: Path) -> Table:
    """The table in a JSON file. Raises InkseedError, which names it, if it holds anything else."""
    return _table(path, from_json, "JSON", LONGEST_JSON)


def read_toml(path: Path) -> Table:
    """The table in a TOML file. Raises InkseedError, which names it, if it cannot be read."""
    return _table(path, tomllib.loads, "TOML", LONGEST_TOML)


def table_in(text: str, origin: str) -> Table:
    """The table in a JSON text. Raises InkseedError, which names `origin`, for anything else."""
    try:
        return fits(from_json(text), Table, "it")
    except ValueError as error:  # an InkseedError is one too
        raise InkseedError(f"{origin} is no JSON that can be read: {error}") from error


def _table(path: Path, parse: Callable[[str], Any], form: str, longest: int) -> Table:
    try:
        if path.stat().st_size > longest:
            raise ValueError(f"it has more than {longest:,} bytes")
        return fits(parse(path.read_text("utf-8-sig")), Table, "it")  # some editors begin with one
    except (ValueError, OSError, RecursionError) as error:
        raise InkseedError(f"{path} is not a {form} file that can be read: {error}") from error


def fits(value: Any, kind: Any, place: str) -> Any:
    """`value` as a `kind`, a type that pydantic knows. Raises InkseedError, naming the place."""
    try:
        return _adapter(kind).validate_python(value)
    except ValidationError as error:
        raise InkseedError(_in_one_line(error, place)) from None


def check_entries(table: Mapping[str, Any], kinds: Mapping[str, Any], place: str) -> None:
    """Check the entries of a table that `kinds` names, if they are there; others may be anything.

    Raises InkseedError for the first that does not fit.
    """
    for name, kind in kinds.items():
        if name in table:
            fits(table[name], kind, f"{place}.{name}")


def called(function: Callable[..., V], settings: Mapping[str, Any]) -> V:
    """Call a function, or build a class, with plain settings that fit its signature.

    Raises InkseedError for settings that are unknown or missing, or not of the parameter's type,
    where it has one.
    """
    parameters = inspect.signature(function).parameters
    anything = any(each.kind is each.VAR_KEYWORD for each in parameters.values())
    if unknown := [name for name in settings if name not in parameters and not anything]:
        known = ", ".join(parameters) or "none"
        raise InkseedError(f"unknown setting {brief(unknown[0])}: known are {known}")
    for name, each in parameters.items():
        if name not in settings and each.default is each.empty and each.kind not in EXTRA:
            raise InkseedError(f"the setting {name!r} is missing")
    types = _types(function)
    return function(**{k: _as_json(v, types.get(k, Any), k) for k, v in settings.items()})


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


def _as_json(value: Any, kind: Any, place: str) -> Any:
    """`value` as a `kind`, by the rules of JSON: a list may be a tuple, but no text a number."""
    try:
        return _adapter(kind).validate_json(to_json(value, inf_nan_mode="constants"), strict=True)
    except ValidationError as error:
        raise InkseedError(_in_one_line(error, place)) from None
    except PydanticSerializationError:
        raise InkseedError(f"{place} is no plain value: {brief(value)}") from None


def _types(function: Callable[..., Any]) -> dict[str, Any]:
    """The parameters' types, where they can be known."""
    while isinstance(function, partial):
        function = function.func
    try:
        return get_type_hints(
            function.__init__ if inspect.isclass(function) else function, include_extras=True
        )
    except (NameError, TypeError, AttributeError):  # names imported for type checkers alone
        return {}


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    try:
        return TypeAdapter(kind, config=FINITE)
    except PydanticUserError:  # a model, which has a configuration of its own
        return TypeAdapter(kind)


@cache
def _model(kind: type) -> type[BaseModel]:
    """The pydantic model that checks the fields of a dataclass."""
    types: dict[str, Any] = {each.name: (each.type, ...) for each in fields(kind)}
    return create_model(kind.__name__, __config__=FINITE, **types)


def _in_one_line(error: ValidationError, place: str = "") -> str:
    """The first mistake in one line, such as `size[1] must be a multiple of 4, not 30`."""
    wrong = error.errors(include_url=False, include_context=False)[0]
    for each in wrong["loc"]:
        place += f"[{each}]" if type(each) is int else f".{brief(each)[1:-1]}"
    place = place.removeprefix(".")
    text = wrong["msg"]
    for theirs, ours in WORDS.items():
        text = text.replace(theirs, ours)
    return f"{place} {text}" + f", not {brief(wrong['input'])}" * text.startswith("must be")
