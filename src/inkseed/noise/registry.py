"""Strategies by name: those in this folder, in a user's file, or in an installed package."""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from inkseed.checks import brief
from inkseed.errors import InkseedError
from inkseed.noise.task import Strategy
from inkseed.registry import STRATEGIES

SAME = "same distribution, no extra cost"
CHANGED = "changed distribution, no extra cost"
SEARCH = "search"
KINDS = (SAME, CHANGED, SEARCH)


class Named(NamedTuple):
    """A registered strategy.

    Attributes:
        name: what `noise=` and `--noise` take.
        kind: SAME, CHANGED or SEARCH.
        summary: one line on what it does.
        choose: the function.
    """

    name: str
    kind: str
    summary: str
    choose: Strategy


S = TypeVar("S", bound=Callable[..., Any])


def register(name: str, kind: str = SEARCH) -> Callable[[S], S]:
    """Register a function of a `Task` as a noise strategy under `name`; use it as a decorator.

    A class will do too: it is built without arguments, and its instance is called. The first line
    of the docstring is the strategy's summary.

    Args:
        name: made of the characters a-z, 0-9 and _.
        kind: SAME (the noise stays N(0, I)), CHANGED (it does not) or SEARCH (it costs more than
            one draw).

    Returns:
        A decorator that returns the function or class unchanged.

    Raises:
        InkseedError: for another kind, and for a name that is taken by another module or has other
            characters.
    """
    if kind not in KINDS:
        raise InkseedError(f"a strategy's kind is one of {KINDS}, not {brief(kind)}")

    def named(strategy: Any) -> Named:
        summary = (strategy.__doc__ or "").strip().split("\n")[0]
        return Named(name, kind, summary, built(strategy))

    return STRATEGIES.register(name, named)


def built(strategy: Any) -> Strategy:
    """The function itself, or an instance of the class. Raises InkseedError if it is neither."""
    try:
        function = strategy() if isinstance(strategy, type) else strategy
    except TypeError as error:
        raise InkseedError(f"the noise strategy cannot be built: {error}") from error
    if not callable(function):
        raise InkseedError("a noise strategy is a function, or a class with __call__")
    return function


def strategies() -> dict[str, Named]:
    """Load all strategies, those of installed packages too: by name, in the order of their kinds.

    Raises InkseedError for an installed one that cannot be loaded.
    """
    in_order = sorted(STRATEGIES.values(), key=lambda named: KINDS.index(named.kind))
    return {named.name: named for named in in_order}


def available() -> list[str]:
    """List the names of all strategies, without loading any."""
    return sorted(STRATEGIES.names())


def find_strategy(name: str) -> Named:
    """Find a strategy by its name, or the last one that a Python file registers.

    Args:
        name: a registered name, or the path of a .py file, which is run.

    Returns:
        The strategy.

    Raises:
        InkseedError: if there is none.
    """
    return STRATEGIES.find(name)
