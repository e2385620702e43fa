"""Training recipes: the bundled TOML files beside this one, or a user's own."""

import math
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from inkseed.errors import InkseedError

FOLDER = Path(__file__).parent
MAX_WIDTH = 4096


@dataclass(frozen=True)
class Recipe:
    """What decides a training run, apart from the machine. Raises InkseedError for a bad value."""

    n_feat: int  # width of ContextUnet
    n_T: int  # diffusion steps
    betas: tuple[float, float]  # (beta_1, beta_T)
    drop_prob: float  # chance that an image loses its label
    epochs: int
    batch_size: int
    learning_rate: float  # of Adam in the first epoch
    images: int | None = None  # use only the first so many training digits
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("n_feat", "n_T", "epochs", "batch_size", "images"):
            value = getattr(self, name)
            if value is None and name == "images":
                continue
            if type(value) is not int or not 1 <= value <= 10**7:
                raise InkseedError(f"recipe: {name} must be a whole number from 1, not {value!r}")
        if self.n_feat % 8 or self.n_feat > MAX_WIDTH:
            raise InkseedError(
                f"recipe: n_feat must be divisible by 8, to {MAX_WIDTH}, not {self.n_feat}"
            )
        if type(self.seed) is not int or not 0 <= self.seed < 2**63:
            raise InkseedError(f"recipe: seed must be a whole number from 0, not {self.seed!r}")
        betas = self.betas
        if type(betas) not in (list, tuple) or len(betas) != 2 or not all(map(_is_real, betas)):
            raise InkseedError(f"recipe: betas must be [beta_1, beta_T], not {betas!r}")
        if not 0 < betas[0] <= betas[1] < 1:
            raise InkseedError(f"recipe: betas must rise within (0, 1), not {betas!r}")
        object.__setattr__(self, "betas", (float(betas[0]), float(betas[1])))
        if not _is_real(self.drop_prob) or not 0 <= self.drop_prob <= 1:
            raise InkseedError(f"recipe: drop_prob must be from 0 to 1, not {self.drop_prob!r}")
        if not _is_real(self.learning_rate) or not 0 < self.learning_rate <= 1:
            raise InkseedError(
                f"recipe: learning_rate must be above 0, to 1, not {self.learning_rate!r}"
            )


def names() -> list[str]:
    """The bundled recipes' names."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def load_recipe(name: str | Path) -> Recipe:
    """Read a bundled recipe by its name, or a TOML file by its path.

    Raises InkseedError for an unknown name, a file that is not TOML, or unknown or bad settings.
    """
    path = FOLDER / f"{name}.toml" if str(name) in names() else Path(name)
    if not path.is_file():
        raise InkseedError(
            f"no recipe {str(name)!r}: give one of {', '.join(names())}, or a TOML file"
        )
    try:
        settings = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError, RecursionError) as error:
        raise InkseedError(f"{path} is not a TOML file that can be read: {error}") from error
    return recipe_from(settings, str(path))


def recipe_from(settings: dict[str, Any], origin: str) -> Recipe:
    """Build a recipe from a plain dict; `origin` names it in errors."""
    known = [field.name for field in fields(Recipe)]
    unknown = [name for name in settings if name not in known]
    if unknown:
        raise InkseedError(
            f"{origin}: unknown setting {unknown[0]!r}: known are {', '.join(known)}"
        )
    missing = [name for name in known if name not in settings and name not in ("images", "seed")]
    if missing:
        raise InkseedError(f"{origin}: the setting {missing[0]!r} is missing")
    return Recipe(**settings)


def _is_real(value: object) -> bool:
    return type(value) in (int, float) and math.isfinite(value)  # type: ignore[arg-type]
