"""Samplers by name: those in this folder, in a user's file, or in an installed package."""

from collections.abc import Callable
from typing import NamedTuple, TypeVar

from inkseed.checks import whole_number
from inkseed.diffusion.schedule import MAX_STEPS
from inkseed.registry import SAMPLERS, SPACINGS
from inkseed.samplers.steps import Sampler


class Named(NamedTuple):
    """A registered sampler.

    Attributes:
        name: what `sampler=` and `--sampler` take.
        walk: the function.
        steps: how many steps it takes unless asked otherwise; None is the schedule's whole chain.
        spacing: how its times are spaced unless asked otherwise; None is the model's own.
        posterior_mean: whether it needs a denoiser that predicts E[x_0 | x_t].
    """

    name: str
    walk: Sampler
    steps: int | None
    spacing: str | None
    posterior_mean: bool = True


S = TypeVar("S", bound=Callable[..., object])


def register(
    name: str, steps: int | None, spacing: str | None = None, posterior_mean: bool = True
) -> Callable[[S], S]:
    """Register a function as a sampler under `name`; use it as a decorator.

    Args:
        name: made of the characters a-z, 0-9 and _.
        steps: how many steps it takes unless asked otherwise; None is the schedule's whole chain.
        spacing: how its times are spaced unless asked otherwise; None is the model's own.
        posterior_mean: whether it needs a denoiser that predicts E[x_0 | x_t], which a consistency
            model's does not.

    Returns:
        A decorator that returns the function unchanged.

    Raises:
        InkseedError: for a name that is taken by another module or has other characters, for an
            impossible number of steps, and for an unknown spacing.
    """
    count = None if steps is None else whole_number(steps, "steps", 1, MAX_STEPS)
    if spacing is not None:
        SPACINGS.find(spacing)
    return SAMPLERS.register(name, lambda walk: Named(name, walk, count, spacing, posterior_mean))


def named_sampler(sampler: str | Sampler) -> Named | None:
    """The sampler of a name, or the one that a function was registered as; None if it was not.

    Raises InkseedError for a name that no sampler has.
    """
    if isinstance(sampler, str):
        return find_sampler(sampler)
    known = SAMPLERS.registered.values()
    return next((each for each in known if each.walk is sampler), None)


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
    return SAMPLERS.find(name, files)
