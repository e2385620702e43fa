"""The bundled weights: their names, files and defaults; imports nothing heavy."""

from pathlib import Path

from inkseed.errors import InkseedError

WEIGHTS = Path(__file__).parent
DEFAULT_MODEL = "report"
DEFAULT_GUIDE_W = 2.0  # by eye, for the young weights bundled now
DEFAULT_SAMPLER = "dpm_solver_sde"  # its fresh noise forgives young weights: docs/samplers.md


def available() -> list[str]:
    """The bundled models' names."""
    return sorted(path.stem for path in WEIGHTS.glob("*.safetensors"))


def find_model(name: str | Path) -> Path:
    """A bundled model's name, or a path, -> the file. Raises InkseedError where there is none."""
    path = WEIGHTS / f"{name}.safetensors" if str(name) in available() else Path(name)
    if not path.is_file():
        bundled = ", ".join(available()) or "none"
        raise InkseedError(f"no model {str(name)!r}: bundled are {bundled}; or give a file's path")
    return path
