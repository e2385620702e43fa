"""Libraries that only labelled sets need, which extras such as `inkseed[sets]` install."""

from importlib import import_module
from typing import Any

from inkseed.errors import InkseedError


def needed(library: str, extra: str = "sets") -> Any:
    """Import a library of an extra. Raises InkseedError, which says how to install it."""
    try:
        return import_module(library)
    except ImportError as error:
        raise InkseedError(
            f'labelled sets need {library.split(".")[0]}: pip install "inkseed[{extra}]"'
        ) from error
