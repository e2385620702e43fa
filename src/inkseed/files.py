"""Write files so that a crash, a full disk or kill -9 never leaves half of one behind.

What is there already is treated alike by everything that inkseed writes. A file is replaced at
once and keeps its mode; a new one obeys the umask. Of a link, the file that it leads to is
replaced or made, and the link stays. A pipe or a device is refused. A folder of results is new, or
an empty one that is then filled, be it a link or a mounted volume.
"""

import errno
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from inkseed.errors import InkseedError
from inkseed.held import is_free, scratch
from inkseed.interrupt import deferred

LONGEST_NAME = 255  # bytes, on nearly every file system


def write_atomically(
    path: str | Path, write: Callable[[BinaryIO], object], exclusive: bool = False
) -> None:
    """Let `write` fill an open file, flush it to disk and put it at `path`.

    If `exclusive`, a file that is there already is not replaced. Raises InkseedError if `path`
    cannot be written.
    """
    with failing(path):
        target = _file(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        with scratch(target.parent, target.name) as place:
            made = place / target.name
            with made.open("x+b") as opened:
                write(opened)
                opened.flush()
                os.fsync(opened.fileno())
            if exclusive:
                _create(made, target)
                return
            if target.exists():
                shutil.copymode(target, made)
            with _kept(path, made):
                _replace(made, target)


def write_text(path: str | Path, text: str, exclusive: bool = False) -> None:
    """Write text in UTF-8, whole or not at all."""
    write_atomically(path, lambda opened: opened.write(text.encode()), exclusive)


def write_json(path: Path, value: Any) -> None:
    """Write plain values as indented JSON, whole or not at all."""
    write_text(path, json_text(value))


def json_text(value: Any) -> str:
    """Plain values as indented JSON."""
    return json.dumps(value, indent=1) + "\n"


def write_folder(path: str | Path, fill: Callable[[Path], object]) -> None:
    """Let `fill` put files and folders into a hidden folder, then put them at `path`.

    A new folder appears with all that is in it. One that is there must be empty; what `fill` made
    is moved into it, piece by piece. Raises InkseedError if `path` cannot be written.
    """
    with failing(path):
        target = _folder(path)
        there = target.is_dir()
        home = target if there else target.parent
        home.mkdir(parents=True, exist_ok=True)
        with scratch(home, target.name) as place:
            made = place / target.name
            made.mkdir()
            fill(made)
            with _kept(path, made), deferred():
                if there:
                    for each in sorted(made.iterdir()):
                        each.rename(target / each.name)
                else:
                    made.rename(target)


def write_files(home: Path, name: str, fill: Callable[[Path], object]) -> dict[str, int]:
    """Let `fill` put files into a hidden folder, flush them to disk, then move each into `home`.

    What is there already stays, but for files that are made anew: each is replaced at once. A
    process that is killed leaves some of the files, and the hidden folder, which whoever writes the
    same `name` again clears. Returns the path of each file below `home`, and its bytes. Raises
    InkseedError if that cannot be done.
    """
    with failing(home):
        home.mkdir(parents=True, exist_ok=True)
        with scratch(home, name) as place:
            made = place / "files"
            made.mkdir()
            fill(made)
            files = sorted(each for each in made.rglob("*") if each.is_file())
            for each in files:
                with each.open("rb") as opened:
                    os.fsync(opened.fileno())
            made_of = {each.relative_to(made).as_posix(): each.stat().st_size for each in files}
            with deferred():
                for each in files:
                    target = home / each.relative_to(made)
                    target.parent.mkdir(parents=True, exist_ok=True)
                    each.replace(target)
    return made_of


def sha256(path: Path) -> str:
    """The SHA-256 of a file's bytes, as hexadecimal digits."""
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def check_writable(path: str | Path, suffixes: tuple[str, ...]) -> Path:
    """Check that an output path can be written, before any work is done; raise InkseedError if not.

    `suffixes` are the endings allowed. "" among them allows a folder, which must be new or empty.
    """
    path = Path(path)
    if path.suffix.lower() not in suffixes:
        endings = " or ".join(filter(None, suffixes))
        folder = "; for a folder, give a name without an ending" if "" in suffixes else ""
        raise InkseedError(f"{str(path)!r} must end in {endings}{folder}")
    if longest := [part for part in path.parts if len(os.fsencode(part)) > LONGEST_NAME]:
        raise InkseedError(f"a name of {len(longest[0])} characters is too long: give another one")
    target = _file(path) if path.suffix else _folder(path)
    parent = target if target.is_dir() else target.parent
    while not parent.exists():
        parent = parent.parent
    if not parent.is_dir() or not os.access(parent, os.W_OK | os.X_OK):
        raise InkseedError(f"cannot write {path}: {parent} is not a folder you can write to")
    return path


def check_apart(path: str | Path, source: str | Path | None, option: str) -> None:
    """Raise InkseedError if what is to be written at `path` is, or lies in, what `option` reads.

    It would take the place of the source, or be read as a part of it the next time.
    """
    if source is not None and real(source) in (found := real(path), *found.parents):
        raise InkseedError(f"{path} would be a part of {option} {source}: give another --out")


def real(path: str | Path) -> Path:
    """Where a path leads, through links, also to what is not there. Raises InkseedError if nowhere.

    What is written there leaves the links as they are.
    """
    found = Path(os.path.realpath(path))
    if found.is_symlink():
        raise InkseedError(f"{path} is a link that leads back to itself: give another name")
    return found


def _file(path: str | Path) -> Path:
    """The file that is to be written for a path. Raises InkseedError if that cannot be."""
    target = real(path)
    if target.is_dir():
        raise InkseedError(f"{path} is a folder: give a file name")
    _refuse_special(path, target)
    if target.exists() and not os.access(target, os.W_OK):
        raise InkseedError(f"cannot write {path}: it is write-protected")
    return target


def _folder(path: str | Path) -> Path:
    """The folder that is to be filled for a path. Raises InkseedError if it is no empty one."""
    target = real(path)
    _refuse_special(path, target)
    if target.exists() and not is_free(target):
        raise InkseedError(f"{path} exists and is not an empty folder: give another name")
    return target


def _refuse_special(path: str | Path, target: Path) -> None:
    if target.exists() and not target.is_file() and not target.is_dir():
        raise InkseedError(f"{path} is a pipe or a device: give the name of a file")


def _replace(made: Path, target: Path) -> None:
    try:
        made.replace(target)
    except OSError as error:
        if error.errno != errno.EBUSY:
            raise
        shutil.copyfile(made, target)  # a file mounted by itself cannot be replaced, only filled


def _create(made: Path, target: Path) -> None:
    try:
        target.hardlink_to(made)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        made.rename(target)


@contextmanager
def failing(path: str | Path) -> Iterator[None]:
    """In this block an OSError is an InkseedError that names the output."""
    try:
        yield
    except OSError as error:
        raise InkseedError(f"cannot write {path}: {error.strerror or error}") from error


@contextmanager
def _kept(path: str | Path, made: Path) -> Iterator[None]:
    """If what was made cannot be put in place, it is kept beside that place, where it is seen."""
    try:
        yield
    except OSError as error:
        beside = Path(tempfile.mkdtemp(dir=made.parents[1], prefix="inkseed-"))
        rescued = made.rename(beside / made.name)
        raise InkseedError(
            f"cannot put {path} in place: {error.strerror or error}; it is whole, and is now"
            f" {rescued}"
        ) from error
