"""Training recipes: the bundled TOML files beside this one, or a user's own."""

import math
import tomllib
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any

from inkseed.errors import InkseedError
from inkseed.training.recipes.renamed import RENAMED

FOLDER = Path(__file__).parent
OPTIMIZERS = ("adamw", "muon")
TWO_DIGITS = "pairs"
DATA = ("mnist", "mnist_parts_a_b", TWO_DIGITS)
MOST = 10**7
MAX_SIDE = 256  # pixels
LARGEST_BETA = 0.999999
LARGEST_LEVEL = 10.0  # of |log(sigma / alpha)|


@dataclass(frozen=True)
class Recipe:
    """What decides a training run, apart from the machine. Raises InkseedError for a bad value.

    The tables `network`, `schedule`, `prediction` and `sampling` go into the model's configuration;
    what the data decide (classes, sizes, moments) is added there.
    """

    network: dict[str, Any]
    schedule: dict[str, Any]
    prediction: dict[str, Any]
    epochs: int
    batch_size: int  # of all processes together
    learning_rate: float  # at its highest
    drop_prob: float  # chance that an image loses its label, and its style with it
    sampling: dict[str, Any] = field(default_factory=dict)  # the model's defaults for drawing
    optimizer: str = "adamw"  # or "muon", with AdamW for what is no matrix
    styles: bool = False  # also condition on slant and thickness
    times: str = ""  # how a step draws its times: uniform, log_normal; "": the prediction's usual
    p_mean: float = -0.7  # of log(sigma / alpha), for log_normal times, like the next
    p_std: float = 1.4
    warm_up: int = 0  # steps in which the learning rate rises
    decay_start: float = 0.0  # part of the run after which it falls, linearly to 0
    weight_decay: float = 0.0
    adam_beta2: float = 0.999  # Adam's own; with 0.99 short runs keep up with their gradients
    max_grad_norm: float = 0.0  # longer gradients are cut to it; 0 does not clip
    ema: tuple[float, ...] = ()  # decays of weight averages; validation chooses one
    start: str = ""  # the model to begin at, if none is given; "" begins from scratch
    data: str = "mnist"
    images: int = 0  # in a pass: the first so many of MNIST's; 0 is all
    size: tuple[int, int] = (28, 56)  # height, width of two-digit images, like the next two
    layout: dict[str, Any] = field(default_factory=dict)  # of `inkseed.data.pairs.Layout`
    held_out_labels: tuple[str, ...] = ()  # of two-digit images: never seen in training
    pictures: int = 20  # how often in a run a grid of samples is drawn
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("network", "schedule", "prediction", "sampling", "layout"):
            if not isinstance(getattr(self, name), dict):
                raise InkseedError(f"recipe: {name} must be a table, [{name}]")
        if given := sorted({"in_channels", "n_classes", "styles"} & set(self.network)):
            raise InkseedError(f"recipe: leave {given[0]} out of [network]: the data decide it")
        for name, least in (("epochs", 1), ("batch_size", 1), ("warm_up", 0), ("images", 0)):
            self._check(name, least, MOST, whole=True)
        self._check("pictures", 1, 1000, whole=True)
        self._check("seed", 0, 2**63 - 1, whole=True)
        self._check("drop_prob", 0, 1)
        self._check("decay_start", 0, 1)
        self._check("learning_rate", 1e-12, 1)
        self._check("weight_decay", 0, 10)
        self._check("adam_beta2", 0, LARGEST_BETA)
        self._check("max_grad_norm", 0, math.inf)
        self._check("p_mean", -LARGEST_LEVEL, LARGEST_LEVEL)
        self._check("p_std", 1e-3, LARGEST_LEVEL)
        object.__setattr__(self, "ema", self._numbers("ema"))
        if not all(0 < decay < 1 for decay in self.ema) or len(set(self.ema)) < len(self.ema):
            raise InkseedError(f"recipe: ema must be decays between 0 and 1, not {self.ema!r}")
        if self.data not in DATA:
            raise InkseedError(f"recipe: data must be one of {', '.join(DATA)}, not {self.data!r}")
        size = self._numbers("size")
        if len(size) != 2 or any(side not in range(4, MAX_SIDE + 1, 4) for side in size):
            raise InkseedError(
                f"recipe: size must be [height, width], divisible by 4, to {MAX_SIDE}"
            )
        object.__setattr__(self, "size", (int(size[0]), int(size[1])))
        if type(self.held_out_labels) not in (list, tuple):
            raise InkseedError(
                f"recipe: held_out_labels must be a list of labels, not {self.held_out_labels!r}"
            )
        object.__setattr__(self, "held_out_labels", tuple(map(str, self.held_out_labels)))
        if self.data != TWO_DIGITS and (self.layout or self.held_out_labels):
            raise InkseedError(f'recipe: layout and held_out_labels are for data = "{TWO_DIGITS}"')
        if self.optimizer not in OPTIMIZERS:
            raise InkseedError(
                f"recipe: optimizer must be one of {', '.join(OPTIMIZERS)}, not {self.optimizer!r}"
            )
        if not isinstance(self.start, str):
            raise InkseedError(f"recipe: start must be a model's name, not {self.start!r}")
        if not isinstance(self.times, str):
            raise InkseedError(f"recipe: times must be a name, not {self.times!r}")
        if type(self.styles) is not bool:
            raise InkseedError(f"recipe: styles must be true or false, not {self.styles!r}")

    def _check(self, name: str, least: float, most: float, whole: bool = False) -> None:
        value = getattr(self, name)
        if whole and (type(value) is not int or not least <= value <= most):
            raise InkseedError(
                f"recipe: {name} must be a whole number from {least} to {most}, not {value!r}"
            )
        if not whole and not (_is_real(value) and least <= value <= most):
            bounds = f"at least {least}" if most == math.inf else f"from {least:g} to {most:g}"
            raise InkseedError(f"recipe: {name} must be {bounds}, not {value!r}")

    def _numbers(self, name: str) -> tuple[float, ...]:
        value = getattr(self, name)
        if type(value) not in (list, tuple) or not all(map(_is_real, value)):
            raise InkseedError(f"recipe: {name} must be a list of numbers, not {value!r}")
        return tuple(map(float, value))


def names() -> list[str]:
    """The bundled recipes' names."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def load_recipe(name: str | Path) -> Recipe:
    """Read a bundled recipe by its name, or a TOML file by its path.

    Args:
        name: a bundled recipe, for example "quick", or the path of a TOML file.

    Returns:
        The recipe, checked.

    Raises:
        InkseedError: for an unknown name, a file that is not TOML, or unknown or bad settings.
    """
    path = FOLDER / f"{name}.toml" if str(name) in names() else Path(name)
    if not path.is_file():
        raise InkseedError(
            f"no recipe {str(name)!r}: give one of {', '.join(names())}, or a TOML file"
        )
    try:
        settings = tomllib.loads(path.read_text("utf-8"))
    except (ValueError, OSError, RecursionError) as error:
        raise InkseedError(f"{path} is not a TOML file that can be read: {error}") from error
    return recipe_from(settings, str(path))


def recipe_from(settings: dict[str, Any], origin: str) -> Recipe:
    """Build a recipe from a plain dict; `origin` names it in errors.

    Raises InkseedError for settings that are unknown, renamed, missing or bad.
    """
    known = [each.name for each in fields(Recipe)]
    unknown = [name for name in settings if name not in known]
    if unknown and unknown[0] in RENAMED:
        raise InkseedError(f"{origin}: {unknown[0]!r} is now {RENAMED[unknown[0]]}: write that")
    if unknown:
        raise InkseedError(
            f"{origin}: unknown setting {unknown[0]!r}: known are {', '.join(known)}"
        )
    required = [
        each.name
        for each in fields(Recipe)
        if each.default is MISSING and each.default_factory is MISSING
    ]
    missing = [name for name in required if name not in settings]
    if missing:
        raise InkseedError(f"{origin}: the setting {missing[0]!r} is missing")
    return Recipe(**settings)


def _is_real(value: object) -> bool:
    if type(value) is int:
        return abs(value) <= MOST**4  # isfinite cannot take what no float can hold
    return type(value) is float and math.isfinite(value)
