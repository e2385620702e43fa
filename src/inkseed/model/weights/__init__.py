"""The bundled weights: their names, files and defaults; imports nothing heavy."""

from pathlib import Path

from inkseed.errors import InkseedError

WEIGHTS = Path(__file__).parent
DEFAULT_MODEL = "digits"


def available() -> list[str]:
    """The bundled models' names."""
    return sorted(path.stem for path in WEIGHTS.glob("*.safetensors"))


def find_model(name: str | Path) -> Path:
    """A bundled model's name, or a path, -> the file. Raises InkseedError where there is none."""
    path = WEIGHTS / f"{name}.safetensors" if str(name) in available() else Path(str(name))
    try:
        found = path.is_file()
    except OSError:  # a name longer than any file's
        found = False
    if not found:
        if path.suffix == ".safetensors":
            hint = "an unfinished run goes on with --resume"
            raise InkseedError(f"no such model file: {str(name)[-200:]}; {hint}")
        bundled = ", ".join(available()) or "none"
        given = str(name) if len(str(name)) <= 60 else str(name)[:57] + "..."
        raise InkseedError(f"no model {given!r}: bundled are {bundled}; or give a file's path")
    return path
