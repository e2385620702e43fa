"""The samplers by name: those here, and the user's own."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeVar

from inkseed.checks import brief, whole_number
from inkseed.diffusion.schedule import MAX_STEPS, SPACINGS
from inkseed.errors import InkseedError
from inkseed.plugins import check_name, home, note, registered_by
from inkseed.samplers.ancestral import ancestral
from inkseed.samplers.ddim import ddim
from inkseed.samplers.dpm_solver import dpm_solver
from inkseed.samplers.heun import heun
from inkseed.samplers.steps import Sampler


class Named(NamedTuple):
    """A registered sampler.

    Attributes:
        name: what `sampler=` and `--sampler` take.
        walk: the function.
        steps: how many steps it takes unless asked otherwise; None is the schedule's whole chain.
        spacing: how its times are spaced unless asked otherwise; None is the model's own.
    """

    name: str
    walk: Sampler
    steps: int | None  # None: the schedule's whole chain
    spacing: str | None  # None: the model's own


_BUNDLED = (
    Named("ancestral", ancestral, None, "uniform"),
    Named("ddim", ddim, 50, "uniform"),
    Named("heun", heun, 10, "log_snr"),
    Named("dpm_solver", dpm_solver, 20, "log_snr"),
    Named("dpm_solver_sde", partial(dpm_solver, eta=1.0), 20, "log_snr"),
)
SAMPLERS: dict[str, Named] = {named.name: named for named in _BUNDLED}

S = TypeVar("S", bound=Callable[..., object])


def register(name: str, steps: int, spacing: str | None = None) -> Callable[[S], S]:
    """Register a function as a sampler under `name`; use it as a decorator.

    Args:
        name: of the characters a-z, 0-9 and _.
        steps: how many steps it takes unless asked otherwise.
        spacing: how its times are spaced unless asked otherwise; None is the model's own.

    Returns:
        A decorator that returns the function unchanged.

    Raises:
        InkseedError: for a name that is taken by another module or has other characters, for an
            impossible number of steps, and for an unknown spacing.
    """
    check_name(name, "sampler")
    steps = whole_number(steps, "steps", 1, MAX_STEPS)
    if spacing is not None and spacing not in SPACINGS:
        raise InkseedError(f"no spacing {brief(spacing)}: give one of {', '.join(SPACINGS)}")

    def keep(walk: S) -> S:
        if not callable(walk):
            raise InkseedError(f"the sampler {brief(name)} must be a function")
        there = SAMPLERS.get(name)
        if there in _BUNDLED or (there is not None and home(there.walk) != home(walk)):
            raise InkseedError(f"there is a sampler {brief(name)}: take another name")
        SAMPLERS[name] = Named(name, walk, steps, spacing)  # type: ignore[arg-type]
        note(SAMPLERS[name])
        return walk

    return keep


def find_sampler(name: str, files: bool = True) -> Named:
    """Find a sampler by its name, or the last one that a Python file registers.

    Args:
        name: a registered name, or the path of a .py file, which is run.
        files: whether a path is allowed.

    Returns:
        The sampler.

    Raises:
        InkseedError: if there is none.
    """
    if name in SAMPLERS:
        return SAMPLERS[name]
    known = ", ".join(SAMPLERS)
    if not files:
        raise InkseedError(f"no sampler {name!r}: give one of {known}")
    if Path(name).suffix != ".py":
        raise InkseedError(f"no sampler {name!r}: give one of {known}, or a .py file's path")
    own = [each for each in registered_by(Path(name)) if isinstance(each, Named)]
    if not own:
        raise InkseedError(f"{name} registers no sampler: decorate it with @samplers.register")
    return own[-1]
