"""The strategies by name: those here, a file's, and those of installed packages."""

from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from inkseed.checks import brief
from inkseed.errors import InkseedError
from inkseed.noise.task import Strategy
from inkseed.plugins import check_name, home, note, registered_by

SAME = "same distribution, no extra cost"
CHANGED = "changed distribution, no extra cost"
SEARCH = "search"
PROMISES = (SAME, CHANGED, SEARCH)
ENTRY_POINTS = "inkseed.noise"  # the group in which installed packages name strategies of theirs


class Named(NamedTuple):
    """A strategy with its name, what it promises, and one line on what it does."""

    name: str
    promise: str
    summary: str
    choose: Strategy


_KNOWN: dict[str, Named] = {}

S = TypeVar("S", bound=Callable[..., Any])


def register(name: str, promise: str = SEARCH) -> Callable[[S], S]:
    """Make a function of a `Task`, or a class of such functions, known under `name`.

    A class is built without arguments. `promise` is SAME, CHANGED or SEARCH; the first line of the
    docstring is its summary. Raises InkseedError for a name that another module's strategy has, or
    that is not made of the characters a-z, 0-9 and _.
    """
    if promise not in PROMISES:
        raise InkseedError(f"a strategy's promise is one of {PROMISES}, not {brief(promise)}")
    check_name(name, "strategy")

    def keep(strategy: S) -> S:
        there = _KNOWN.get(name)
        if there is not None and home(there.choose) != home(strategy):
            raise InkseedError(f"there is a noise strategy {brief(name)}: take another name")
        summary = (strategy.__doc__ or "").strip().split("\n")[0]
        _KNOWN[name] = Named(name, promise, summary, built(strategy))
        note(_KNOWN[name])
        return strategy

    return keep


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
    """All strategies by name, those of installed packages too, in the order of their promises.

    Raises InkseedError for an installed one that cannot be loaded.
    """
    for entry in entry_points(group=ENTRY_POINTS):
        _load(entry)
    in_order = sorted(_KNOWN.values(), key=lambda named: PROMISES.index(named.promise))
    return {named.name: named for named in in_order}


def available() -> list[str]:
    """The strategies' names; nothing is loaded."""
    return sorted({*_KNOWN, *(entry.name for entry in entry_points(group=ENTRY_POINTS))})


def find_strategy(name: str) -> Named:
    """The strategy of that name, or the one that the Python file `name` registers.

    Raises InkseedError where there is none.
    """
    if name in _KNOWN:
        return _KNOWN[name]
    if Path(name).suffix == ".py":
        return _from_file(Path(name))
    for entry in entry_points(group=ENTRY_POINTS):
        if entry.name == name:
            return _load(entry)
    known = ", ".join(available())
    raise InkseedError(
        f"no noise strategy {brief(name)}: give one of {known}, or a .py file's path"
    )


def _load(entry: EntryPoint) -> Named:
    """An installed package's strategy, which may register itself when it is imported."""
    if entry.name not in _KNOWN:
        try:
            loaded = entry.load()
            if entry.name not in _KNOWN:
                register(entry.name)(loaded)
        except Exception as error:
            words = f"{type(error).__name__}: {error}"
            raise InkseedError(f"the installed noise strategy {entry.name!r}: {words}") from error
    return _KNOWN[entry.name]


def _from_file(path: Path) -> Named:
    """The strategy that the file registers last."""
    own = [each for each in registered_by(path) if isinstance(each, Named)]
    if not own:
        raise InkseedError(f"{path} registers no strategy: decorate it with inkseed.noise.register")
    return own[-1]
