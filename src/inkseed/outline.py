"""Short reprs: the type and shape of each field rather than its thousands of numbers."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

MOST = 60  # characters of one field
MANY = 4  # entries of a list or a mapping that are shown one by one


class Outlined:
    """For dataclasses with `repr=False`: shows arrays by type and shape, long lists by length.

    `Samples(images=uint8 (40, 28, 28), ..., nfe=14, noise=float32 (40, 1, 28, 28))`.
    """

    def __repr__(self) -> str:
        parts = (f"{each.name}={outline(getattr(self, each.name))}" for each in fields(self))  # type: ignore[arg-type]
        return f"{type(self).__name__}({', '.join(parts)})"


def outline(value: Any) -> str:
    """One value in a few words."""
    if hasattr(value, "shape") and hasattr(value, "dtype"):  # of numpy or torch, imported or not
        return f"{str(value.dtype).removeprefix('torch.')} {tuple(value.shape)}"
    if isinstance(value, (list, tuple, Mapping)) and len(value) > MANY:
        return f"{type(value).__name__} of {len(value):,}"
    if type(value) in (list, tuple):
        inner = ", ".join(map(outline, value))
        return f"[{inner}]" if isinstance(value, list) else f"({inner})"
    text = " ".join(repr(value).split())
    return text if len(text) <= MOST or isinstance(value, Outlined) else text[: MOST - 3] + "..."
