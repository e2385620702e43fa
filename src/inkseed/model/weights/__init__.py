"""The bundled weights, and which of them is the default; imports nothing heavy."""

from pathlib import Path

from inkseed.named_files import MODELS

DEFAULT_MODEL = "digits"


def find_model(name: str | Path) -> Path:
    """A bundled model's name, or a path, -> the file. Raises InkseedError where there is none."""
    return MODELS.find(name)
