"""Python files of the user's own, `--noise mine.py` or `--sampler mine.py`: run once each."""

import hashlib
import importlib.util
import re
import sys
from functools import partial
from pathlib import Path
from typing import Any

from inkseed.checks import brief
from inkseed.errors import InkseedError
from inkseed.files import sha256

_REGISTERED: list[Any] = []  # by every registry, in order
_RUN: dict[tuple[Path, str], list[Any]] = {}  # what each file registered, by path and SHA-256


def note(named: Any) -> None:
    """Remember what a registry has just taken in, so that a file's own can be told."""
    _REGISTERED.append(named)


def registered_by(path: Path) -> list[Any]:
    """What the Python file at `path` registers, in order: it is run, unless it has been.

    One file may register several kinds, and is run once for all of them. Raises InkseedError for a
    file that is missing or cannot be run.
    """
    if not path.is_file():
        raise InkseedError(f"no such file: {path}")
    key = path.resolve(), sha256(path)
    if key in _RUN:
        return _RUN[key]
    place = hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:8]
    name = f"inkseed_file_{path.stem}_{place}"  # two files of one name are two homes
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
        raise InkseedError(f"{path} cannot be run: {type(error).__name__}: {error}") from error
    _RUN[key] = _REGISTERED[begin:]
    return _RUN[key]


def check_name(name: Any, kind: str) -> None:
    """Raise InkseedError where `name` cannot name a strategy or a sampler, as `kind` says."""
    if not isinstance(name, str):
        raise InkseedError(f'register a {kind} under a name: @register("mine")')
    if not re.fullmatch("[a-z0-9_]+", name):
        raise InkseedError(f"a {kind}'s name is made of a-z, 0-9 and _, not {brief(name)}")


def home(function: Any) -> str:
    """The module that a function, or an object's class, was defined in.

    Running that module again may replace its own.
    """
    while isinstance(function, partial):
        function = function.func
    kind = function if hasattr(function, "__qualname__") else type(function)
    return str(kind.__module__)
