"""The bundled weights, and which is the default; without heavy imports."""

from pathlib import Path

from inkseed.named_files import MODELS

DEFAULT_MODEL = "digits"


def find_model(name: str | Path) -> Path:
    """The file of a bundled model's name, or of a path. Raises InkseedError if there is none."""
    return MODELS.find(name)
