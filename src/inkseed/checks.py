"""Checks of values that callers pass in."""

import operator
from typing import Any

import numpy as np

from inkseed.errors import InkseedError


def whole_number(value: Any, name: str, least: int, most: int) -> int:
    """`value` as a whole number from `least` to `most`. Raises InkseedError, naming it, if not."""
    try:
        if isinstance(value, bool | np.bool_):
            raise TypeError
        number = operator.index(value)
    except TypeError as error:
        raise InkseedError(f"{name} must be a whole number, not {brief(value)}") from error
    if not least <= number <= most:
        raise InkseedError(f"{name} must be from {least} to {most}, not {brief(value)}")
    return number


def real_number(value: Any, name: str, least: float, most: float) -> float:
    """`value` as a finite number from `least` to `most`. Raises InkseedError, naming it, if not."""
    try:
        if isinstance(value, bool | str | bytes) or np.ndim(value) > 0:
            raise TypeError
        number = float(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise InkseedError(f"{name} must be a number, not {brief(value)}") from error
    if not least <= number <= most:  # nan is refused here
        raise InkseedError(f"{name} must be from {least:g} to {most:g}, not {brief(value)}")
    return number


def brief(value: Any) -> str:
    """`value`, short enough for a one-line error."""
    try:
        text = " ".join(repr(value).split())
    except (ValueError, RecursionError):  # too many digits to print, or lists nested too deep
        text = f"this {type(value).__name__}"
    return text if len(text) <= 60 else text[:57] + "..."
