"""inkseed: noise into labelled handwritten digits and numbers, by conditional diffusion."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from inkseed.errors import InkseedError, InkseedWarning
    from inkseed.model.loading import load
    from inkseed.model.model import Model
    from inkseed.model.samples import Samples
    from inkseed.writing.number import Number, write

__version__ = "0.1.0"

__all__ = ["InkseedError", "InkseedWarning", "Model", "Number", "Samples", "load", "write"]

_HOMES = {
    "InkseedError": "inkseed.errors",
    "InkseedWarning": "inkseed.errors",
    "Model": "inkseed.model.model",
    "Samples": "inkseed.model.samples",
    "load": "inkseed.model.loading",
    "Number": "inkseed.writing.number",
    "write": "inkseed.writing.number",
}
_ROOMS = ("data", "ddpm", "nn", "noise", "samplers")


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for: the command line must start in a blink."""
    if name in _ROOMS:
        return import_module(f"inkseed.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module 'inkseed' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value
