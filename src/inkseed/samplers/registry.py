"""The samplers by name: those in this folder, a file's, and those of installed packages."""

from collections.abc import Callable
from typing import NamedTuple, TypeVar

from inkseed.checks import whole_number
from inkseed.diffusion.schedule import MAX_STEPS
from inkseed.registry import SAMPLERS, SPACINGS
from inkseed.samplers.steps import Sampler


class Named(NamedTuple):
    """A sampler with its name, and what it takes where no steps or spacing are asked for."""

    name: str
    walk: Sampler
    steps: int | None  # None: the schedule's whole chain
    spacing: str | None  # None: the model's own


S = TypeVar("S", bound=Callable[..., object])


def register(name: str, steps: int | None, spacing: str | None = None) -> Callable[[S], S]:
    """Make a function of `Sampler`'s signature known under `name`.

    It takes so many `steps` where none are asked for (None: the schedule's whole chain), and the
    model's own spacing where it brings none. Raises InkseedError for a name that another module's
    sampler has, or that is not made of the characters a-z, 0-9 and _; for impossible steps; and for
    a spacing that does not exist.
    """
    count = None if steps is None else whole_number(steps, "steps", 1, MAX_STEPS)
    if spacing is not None:
        SPACINGS.find(spacing)
    return SAMPLERS.register(name, lambda walk: Named(name, walk, count, spacing))


def find_sampler(name: str, files: bool = True) -> Named:
    """The sampler of that name, or the last one that the Python file `name` registers.

    Without `files` a path is no name. Raises InkseedError where there is none.
    """
    return SAMPLERS.find(name, files)
