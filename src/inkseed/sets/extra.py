"""Libraries that only labelled sets need, which the extras `sets` and `ray` install."""

from importlib import import_module
from typing import Any

from inkseed.errors import InkseedError


def needed(library: str) -> Any:
    """Import a library of an extra. Raises InkseedError, which says how to install it."""
    package = library.split(".")[0]
    try:
        return import_module(library)
    except ImportError as error:
        raise InkseedError(f"labelled sets need {package}: pip install {package}") from error
