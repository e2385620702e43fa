"""Checks of values that callers pass in: numbers of Python, numpy and torch, and no others."""

import math
import operator
from collections.abc import Sequence
from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np

from inkseed.errors import InkseedError


def whole_number(value: Any, name: str, least: int, most: int) -> int:
    """`value` as a whole number from `least` to `most`. Raises InkseedError, naming it, if not."""
    try:
        number = operator.index(_item(value))
    except TypeError as error:
        raise InkseedError(f"{name} must be a whole number, not {brief(value)}") from error
    if not least <= number <= most:
        raise InkseedError(f"{name} must be from {least} to {most}, not {brief(value)}")
    return number


def real_number(value: Any, name: str, least: float = -math.inf, most: float = math.inf) -> float:
    """`value` as a number from `least` to `most`. Raises InkseedError, naming it, if not."""
    number = _as_float(value)
    if number is None or number != number:
        raise InkseedError(f"{name} must be a number, not {brief(value)}")
    if not least <= number <= most:
        raise InkseedError(f"{name} must be from {least:g} to {most:g}, not {brief(value)}")
    return number


def real_numbers(value: Any, name: str, count: int) -> np.ndarray:
    """`value` as numbers, float64 (count,): one for all, or one for each; any may be NaN.

    Raises InkseedError, naming it, for anything else.
    """
    one = _as_float(value)
    if one is not None:
        return np.full(count, one)
    try:
        found = np.asarray(value)
    except Exception:  # lists of unequal length, a tensor on a GPU
        found = np.empty(0, object)
    if found.dtype.kind not in "iuf" or found.shape not in ((1,), (count,)):
        words = f"one number, or one for each of the {count} images" if count > 1 else "a number"
        raise InkseedError(f"{name} must be {words}, not {brief(value)}")
    with np.errstate(over="ignore"):
        return np.broadcast_to(found.astype(np.float64), count)


def _as_float(value: Any) -> float | None:
    """A number as a float, infinite if it is too large; None for anything that is no number."""
    number: Any = _item(value)
    if not isinstance(number, Real | Decimal):
        return None
    try:
        with np.errstate(over="ignore"):
            return float(number)
    except OverflowError:
        return math.inf if operator.gt(number, 0) else -math.inf
    except ValueError:  # a signalling NaN
        return math.nan


def _item(value: Any) -> Any:
    """What an array or tensor of no dimensions holds; None for a truth value, no number."""
    if getattr(value, "ndim", None) == 0 and hasattr(value, "item"):
        value = value.item()
    return None if isinstance(value, bool) else value


def sides(value: Any, name: str, least: int, most: int) -> tuple[int, int]:
    """`value`, a side or (height, width), as two whole numbers. Raises InkseedError, naming it."""
    pair = tuple(value) if isinstance(value, Sequence | np.ndarray) else (value, value)
    if len(pair) != 2 or isinstance(value, str):
        raise InkseedError(f"{name} must be a side or (height, width), not {brief(value)}")
    height, width = (whole_number(side, name, least, most) for side in pair)
    return height, width


def brief(value: Any, most: int = 60) -> str:
    """`value`, short enough for a one-line error: `most` characters."""
    try:
        text = " ".join(repr(value).split())
    except (ValueError, RecursionError):  # too many digits to print, or lists nested too deep
        text = f"this {type(value).__name__}"
    return text if len(text) <= most else text[: most - 3] + "..."
