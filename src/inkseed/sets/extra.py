"""Libraries that only labelled sets need, which the extra `inkseed[sets]` installs."""

from importlib import import_module
from typing import Any

from inkseed.errors import InkseedError


def needed(library: str) -> Any:
    """Import a library of the extra. Raises InkseedError, which says how to install it."""
    try:
        return import_module(library)
    except ImportError as error:
        raise InkseedError(
            f'labelled sets need {library.split(".")[0]}: pip install "inkseed[sets]"'
        ) from error
