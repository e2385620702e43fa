"""The strategies by name: those here, and a user's own."""

import importlib.util
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from inkseed.checks import brief
from inkseed.errors import InkseedError
from inkseed.noise.task import Strategy

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
    docstring is its summary. Raises InkseedError for a name that another file's strategy has.
    """
    if promise not in PROMISES:
        raise InkseedError(f"a strategy's promise is one of {PROMISES}, not {brief(promise)}")

    def keep(strategy: S) -> S:
        there = _KNOWN.get(name)
        if there is not None and _home(there.choose) != _home(strategy):
            raise InkseedError(
                f"there is a noise strategy {brief(name)} already: take another name"
            )
        choose = strategy() if isinstance(strategy, type) else strategy
        summary = (strategy.__doc__ or "").strip().split("\n")[0]
        _KNOWN[name] = Named(name, promise, summary, choose)
        return strategy

    return keep


def strategies() -> dict[str, Named]:
    """All strategies by name, those of installed packages too, in the order of their promises."""
    for entry in entry_points(group=ENTRY_POINTS):
        if entry.name not in _KNOWN:
            register(entry.name)(entry.load())
    in_order = sorted(_KNOWN.values(), key=lambda named: PROMISES.index(named.promise))
    return {named.name: named for named in in_order}


def available() -> list[str]:
    """The strategies' names."""
    return list(strategies())


def find_strategy(name: str) -> Named:
    """The strategy of that name, or the one that the Python file `name` registers.

    Raises InkseedError where there is none.
    """
    if name in _KNOWN:
        return _KNOWN[name]
    if Path(name).suffix == ".py":
        return _from_file(Path(name))
    known = strategies()
    if name not in known:
        raise InkseedError(
            f"no noise strategy {brief(name)}: give one of {', '.join(known)}, or a .py file's path"
        )
    return known[name]


def _from_file(path: Path) -> Named:
    """Run the file, and take the strategy that it registers last."""
    if not path.is_file():
        raise InkseedError(f"no such file: {path}")
    before = dict(_KNOWN)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise InkseedError(f"{path} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except InkseedError:
        raise
    except Exception as error:
        raise InkseedError(f"{path} cannot be run: {type(error).__name__}: {error}") from error
    new = [named for name, named in _KNOWN.items() if before.get(name) is not named]
    if not new:
        raise InkseedError(f"{path} registers no strategy: decorate it with inkseed.noise.register")
    return new[-1]


def _home(strategy: Any) -> str:
    """The module that a strategy was defined in: running it again may replace its own."""
    kind = strategy if hasattr(strategy, "__qualname__") else type(strategy)
    return str(kind.__module__)
