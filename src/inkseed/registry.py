"""Registries of what has a name: samplers, strategies, schedules, predictions, networks, metrics.

Each kind has one registry, and a decorator puts a function or class into it. What is decorated may
live in three places: a module of the kind's folder in inkseed, an installed package that has an
entry point for it, or, for some kinds, a Python file of the user's own. It is imported when it is
first used. Names alone come from the sources and from package metadata, so that `--help` need not
import torch.
"""

import ast
import hashlib
import importlib.util
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property, partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, cast

from inkseed.checks import brief
from inkseed.errors import InkseedError
from inkseed.files import sha256

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from inkseed import noise, samplers
    from inkseed.diffusion.denoiser import NetworkDenoiser
    from inkseed.diffusion.schedule import Schedule, Spacing
    from inkseed.diffusion.training_times import TrainingTimes
    from inkseed.evaluation import registry as evaluation_metrics
    from inkseed.nn.network import Network
    from inkseed.sets.formats.registry import Format

PACKAGE = Path(__file__).parent

E = TypeVar("E")
T = TypeVar("T")


class Declared(NamedTuple):
    """A built-in entry as its source declares it, known without importing it."""

    module: str
    facts: str  # the decorator's arguments after the name, as written


class Registry(Mapping[str, E]):
    """The entries of one kind by their names; looking one up imports it.

    Args:
        kind: what an entry is called in errors.
        room: the folder of inkseed whose modules hold the built-in entries.
        decorator: how those modules spell the decorator.
        group: the entry-point group in which installed packages declare theirs.
        files: whether an entry may come from a Python file of the user's own.
    """

    def __init__(
        self, kind: str, room: str, decorator: str, group: str, files: bool = False
    ) -> None:
        self.kind, self.room, self.decorator = kind, room, decorator
        self.group, self.files = group, files
        self.registered: dict[str, E] = {}  # so far
        self._homes: dict[str, str] = {}  # the modules they were defined in

    def register(self, name: str, make: Callable[[Any], E] | None = None) -> Callable[[T], T]:
        """Register what is decorated under `name`.

        Args:
            name: made of the characters a-z, 0-9 and _.
            make: builds the entry from what is decorated; None takes it as it is.

        Raises:
            InkseedError: for a name that is taken by another module or has other characters, and
                for anything that cannot be called.
        """
        if not isinstance(name, str):
            raise InkseedError(f'register a {self.kind} under a name: @register("mine")')
        if not re.fullmatch("[a-z0-9_]+", name):
            raise InkseedError(f"a {self.kind}'s name is made of a-z, 0-9 and _, not {brief(name)}")

        def keep(thing: T) -> T:
            if not callable(thing):
                raise InkseedError(f"the {self.kind} {brief(name)} must be a function or a class")
            if self._owner(name, home(thing)) != home(thing):
                raise InkseedError(
                    f"there is already a {self.kind} {brief(name)}: take another name"
                )
            self.registered[name] = cast(E, thing) if make is None else make(thing)
            self._homes[name] = home(thing)
            _REGISTERED.append((self, self.registered[name]))
            return thing

        return keep

    def find(self, name: Any, files: bool = True) -> E:
        """The entry called `name` or, with `files`, the last one that the Python file registers.

        Raises InkseedError if there is none, or it cannot be imported.
        """
        if isinstance(name, str):
            found = self._find(name)
            if found is not None:
                return found
            if files and self.files and Path(name).suffix == ".py":
                return self._from_file(Path(name))
        known = ", ".join(self.names())
        more = ", or a .py file's path" if files and self.files else ", or register your own first"
        raise InkseedError(f"no {self.kind} {brief(name)}: give one of {known}{more}")

    def make(self, settings: Mapping[str, Any], *given: Any, name: str | None = None) -> Any:
        """Build what a table describes: its `name`, `name` if it has none, and the arguments.

        `given` are arguments that no table may set. Raises InkseedError for an unknown name, for
        arguments that do not fit the signature, and for those that the entry refuses.
        """
        from inkseed.plain import called  # with pydantic, for which `--help` need not wait

        told = dict(settings)
        entry: Any = self.find(told.pop("name", name))
        try:
            return called(partial(entry, *given), told)
        except MemoryError:
            raise
        except Exception as error:
            if home(entry).startswith("inkseed.") and not isinstance(error, ValueError):
                raise  # our own mistake
            raise InkseedError(f"{self.kind}: {error}") from error

    def names(self) -> list[str]:
        """All names, built-in ones first, without importing anything."""
        return list(dict.fromkeys([*self.declared, *self._entry_points(), *self.registered]))

    def __getitem__(self, name: str) -> E:
        found = self._find(name)
        if found is None:
            raise KeyError(name)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def __len__(self) -> int:
        return len(self.names())

    def __contains__(self, name: object) -> bool:
        return name in self.registered or name in self.names()

    @cached_property
    def declared(self) -> dict[str, Declared]:
        """The built-in entries, read from the folder's sources."""
        found = {}
        for path in sorted((PACKAGE / self.room).glob("*.py")):
            source = path.read_text("utf-8")
            if f"{self.decorator}(" in source:
                for name, facts in _calls(ast.parse(source), self.decorator):
                    found[name] = Declared(
                        f"inkseed.{self.room.replace('/', '.')}.{path.stem}", facts
                    )
        return found

    def _find(self, name: str) -> E | None:
        if name not in self.registered:
            if name in self.declared:
                import_module(self.declared[name].module)
            elif entry := self._entry_points().get(name):
                self._load(entry)
        return self.registered.get(name)

    def _entry_points(self) -> dict[str, "EntryPoint"]:
        from importlib.metadata import entry_points  # slow to import

        return {entry.name: entry for entry in entry_points(group=self.group)}

    def _owner(self, name: str, asking: str) -> str:
        """The module that owns the name; the asking one if nobody does."""
        if name not in self._homes and not asking.startswith("inkseed."):
            built_in = self.declared.get(name)
            return asking if built_in is None else built_in.module
        return self._homes.get(name, asking)

    def _load(self, entry: "EntryPoint") -> None:
        """Import an installed package's entry, whose decorator registers it."""
        try:
            entry.load()
        except Exception as error:
            words = f"{type(error).__name__}: {error}"
            raise InkseedError(
                f"the installed {self.kind} {entry.name!r} failed: {words}"
            ) from error
        if entry.name not in self.registered:
            raise InkseedError(
                f"the installed {self.kind} {entry.name!r} does not register itself: decorate it"
                f" with {self._spelled}({entry.name!r}, ...)"
            )

    def _from_file(self, path: Path) -> E:
        own = [entry for registry, entry in _registered_by(path) if registry is self]
        if not own:
            raise InkseedError(
                f"{path} registers no {self.kind}: decorate one with {self._spelled}"
            )
        return cast(E, own[-1])

    @property
    def _spelled(self) -> str:
        """The decorator, as a user would write it."""
        home = self.room.replace("/", ".") if self.decorator == "register" else "registry"
        return f"@inkseed.{home}.{self.decorator}"


_REGISTERED: list[tuple[Registry[Any], Any]] = []  # by all registries, in order
_RUN: dict[tuple[Path, str], list[tuple[Registry[Any], Any]]] = {}  # by path and SHA-256


def home(function: Any) -> str:
    """The module in which a function, or an object's class, was defined.

    A module that is run again may replace its own entries.
    """
    while isinstance(function, partial):
        function = function.func
    kind = function if hasattr(function, "__qualname__") else type(function)
    return str(kind.__module__)


def _calls(tree: ast.Module, decorator: str) -> Iterator[tuple[str, str]]:
    """The names that a source registers by `decorator`, with the other arguments as written."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(ast.Name() | ast.Attribute(), [ast.Constant(str(name)), *more]):
                if ast.unparse(node.func) == decorator:
                    facts = [ast.unparse(each) for each in (*more, *node.keywords)]
                    yield name, ", ".join(facts)


def _registered_by(path: Path) -> list[tuple[Registry[Any], Any]]:
    """Run the Python file at `path`, unless it has been run; return what it registers, in order.

    A file may register several kinds, and is run once for all. Raises InkseedError for a file that
    is missing or fails.
    """
    if not path.is_file():
        raise InkseedError(f"no such file: {path}")
    key = path.resolve(), sha256(path)
    if key in _RUN:
        return _RUN[key]
    place = hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:8]
    name = f"inkseed_file_{path.stem}_{place}"  # files of the same name are different modules
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise InkseedError(f"{path} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    begin, sys.modules[name] = len(_REGISTERED), module  # dataclasses look their module up
    try:
        spec.loader.exec_module(module)
    except InkseedError:
        raise
    except (Exception, SystemExit) as error:
        raise InkseedError(f"{path} failed: {type(error).__name__}: {error}") from error
    _RUN[key] = _REGISTERED[begin:]
    return _RUN[key]


SAMPLERS: "Registry[samplers.Named]" = Registry(
    "sampler", "samplers", "register", "inkseed.samplers", files=True
)
STRATEGIES: "Registry[noise.Named]" = Registry(
    "noise strategy", "noise", "register", "inkseed.noise", files=True
)
METRICS: "Registry[evaluation_metrics.Named]" = Registry(
    "metric", "evaluation", "register", "inkseed.metrics"
)
SCHEDULES: "Registry[Callable[..., Schedule]]" = Registry(
    "schedule", "diffusion", "SCHEDULES.register", "inkseed.schedules"
)
PREDICTIONS: "Registry[Callable[..., NetworkDenoiser]]" = Registry(
    "prediction", "diffusion", "PREDICTIONS.register", "inkseed.predictions"
)
TRAINING_TIMES: "Registry[Callable[[float, float], TrainingTimes]]" = Registry(
    "choice of training times", "diffusion", "TRAINING_TIMES.register", "inkseed.training_times"
)
SPACINGS: "Registry[Spacing]" = Registry(
    "spacing", "diffusion", "SPACINGS.register", "inkseed.spacings"
)
NETWORKS: "Registry[Callable[..., Network]]" = Registry(
    "network", "nn", "NETWORKS.register", "inkseed.networks"
)
FORMATS: "Registry[Format]" = Registry(
    "format", "sets/formats", "FORMATS.register", "inkseed.formats"
)
