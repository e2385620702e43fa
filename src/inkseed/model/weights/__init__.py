"""The bundled weights: their names and files, without heavy imports."""

from pathlib import Path

from inkseed.errors import InkseedError

WEIGHTS = Path(__file__).parent
DEFAULT_MODEL = "digits"


def available() -> list[str]:
    """The bundled models' names."""
    return sorted(path.stem for path in WEIGHTS.glob("*.safetensors"))


def find_model(name: str | Path) -> Path:
    """The file of a bundled model's name, or of a path. Raises InkseedError if there is none."""
    path = WEIGHTS / f"{name}.safetensors" if str(name) in available() else Path(str(name))
    try:
        found = path.is_file()
    except OSError:  # a name longer than any file's
        found = False
    if not found:
        if path.suffix == ".safetensors":
            hint = "to finish a stopped run, use --resume"
            raise InkseedError(f"no such model file: {str(name)[-200:]}; {hint}")
        bundled = ", ".join(available()) or "none"
        given = str(name) if len(str(name)) <= 60 else str(name)[:57] + "..."
        raise InkseedError(f"no model {given!r}: give one of {bundled}, or a model file's path")
    return path
