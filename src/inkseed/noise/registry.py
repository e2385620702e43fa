"""The strategies by name: those in this folder, a file's, and those of installed packages."""

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
    """A strategy with its name, its kind, and one line on what it does."""

    name: str
    kind: str
    summary: str
    choose: Strategy


S = TypeVar("S", bound=Callable[..., Any])


def register(name: str, kind: str = SEARCH) -> Callable[[S], S]:
    """Make a function of a `Task`, or a class of such functions, known under `name`.

    A class is built without arguments. `kind` is SAME, CHANGED or SEARCH; the first line of the
    docstring is its summary. Raises InkseedError for a name that another module's strategy has, or
    that is not made of the characters a-z, 0-9 and _.
    """
    if kind not in KINDS:
        raise InkseedError(f"a strategy's kind is one of {KINDS}, not {brief(kind)}")

    def named(strategy: Any) -> Named:
        summary = (strategy.__doc__ or "").strip().split("\n")[0]
        return Named(name, kind, summary, built(strategy))

    return STRATEGIES.register(name, named)


def built(strategy: Any) -> Strategy:
    """The function itself, or an instance of the class. Raises InkseedError for neither."""
    try:
        function = strategy() if isinstance(strategy, type) else strategy
    except TypeError as error:
        raise InkseedError(f"the noise strategy cannot be built: {error}") from error
    if not callable(function):
        raise InkseedError("a noise strategy is a function, or a class with __call__")
    return function


def strategies() -> dict[str, Named]:
    """All strategies by name, those of installed packages too, in the order of their kinds.

    Raises InkseedError for an installed one that cannot be loaded.
    """
    in_order = sorted(STRATEGIES.values(), key=lambda named: KINDS.index(named.kind))
    return {named.name: named for named in in_order}


def available() -> list[str]:
    """The strategies' names; nothing is loaded."""
    return sorted(STRATEGIES.names())


def find_strategy(name: str) -> Named:
    """The strategy of that name, or the one that the Python file `name` registers last.

    Raises InkseedError where there is none.
    """
    return STRATEGIES.find(name)
