"""What one process holds at a time: a run's folder, and hidden folders for what is unfinished."""

import errno
import hashlib
import os
import re
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from inkseed.errors import InkseedError
from inkseed.interrupt import deferred, to_be_left_in_order

if TYPE_CHECKING:
    from filelock import BaseFileLock

TEMPORARY = ".inkseed-"  # how names begin of what only a killed process leaves behind
LOCK = f"{TEMPORARY}run"  # in a run's folder
HELD = "held"  # in a hidden folder: locked by the process that works there
NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP}
SOFT = ".pid"  # of a lock's second file
HIDDEN = re.compile(rf"{re.escape(TEMPORARY)}[0-9a-f]{{8}}-\d+")


@contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Hold a run's folder, which is made if there is none, against all other processes.

    What killed processes left unfinished in it is cleared first. Raises InkseedError if another
    process holds it.
    """
    with alone_in(folder) as alone:
        if not alone:
            raise InkseedError(
                f"a run is going on in {folder}: wait until it has ended, or give another --out"
            )
        clear_unfinished(folder)
        yield


@contextmanager
def alone_in(folder: Path) -> Iterator[bool]:
    """Hold a folder, made if there is none, unless another process does; yields whether it is held.

    Raises InkseedError if it cannot be written in.
    """
    lock = None
    with to_be_left_in_order():
        try:
            with deferred():
                try:
                    Path(os.path.realpath(folder)).mkdir(parents=True, exist_ok=True)
                    lock = _locked(folder / LOCK)
                except OSError as error:
                    why = error.strerror or error
                    raise InkseedError(
                        f"cannot write in {folder}: {why}: give another --out"
                    ) from error
            yield lock is not None
        finally:
            with deferred():
                if lock is not None:
                    _release(lock)


def is_free(folder: Path) -> bool:
    """Whether there is nothing in an existing folder but what killed processes left."""
    return folder.is_dir() and all(
        each.name in (LOCK, LOCK + SOFT) or (HIDDEN.fullmatch(each.name) and _is_ours(each))
        for each in folder.iterdir()
    )


@contextmanager
def scratch(home: Path, name: str) -> Iterator[Path]:
    """A hidden folder in `home` for what becomes `name`, gone afterwards with all that is in it.

    It is the same one for the same name, so that whoever writes that again clears what a killed
    process left. Those of live processes are left alone: each is locked.
    """
    place = lock = None
    with to_be_left_in_order():
        try:
            with deferred():
                place, lock = _taken(home, name)
            yield place
        finally:
            with deferred():
                if place is not None and lock is not None:
                    _remove(place, lock)


def clear_unfinished(folder: Path) -> None:
    """Remove what killed processes left unfinished in a folder and in the folders in it.

    Links are not followed, and nothing is removed that a live process holds.
    """
    inner = [each for each in folder.iterdir() if each.is_dir() and not each.is_symlink()]
    for home in (folder, *inner):
        for place in home.glob(f"{TEMPORARY}*"):
            if HIDDEN.fullmatch(place.name) and _is_ours(place):
                lock = _locked(place / HELD)
                if lock is not None:
                    _remove(place, lock)


def _taken(home: Path, name: str) -> "tuple[Path, BaseFileLock]":
    """A hidden folder that nobody held, now empty and held by this process."""
    digest = hashlib.sha256(os.fsencode(name)).hexdigest()[:8]
    for k in count():
        place = home / f"{TEMPORARY}{digest}-{k}"
        place.mkdir(mode=0o700, exist_ok=True)
        lock = _locked(place / HELD) if _is_ours(place) else None
        if lock is not None:
            _empty(place)
            return place, lock
    raise AssertionError


def _is_ours(place: Path) -> bool:
    """Whether a path is a hidden folder that inkseed made for this user."""
    try:
        told, names = place.lstat(), {each.name for each in place.iterdir()}
    except OSError:  # gone in the meantime, or another user's
        return False
    mine = not hasattr(os, "geteuid") or told.st_uid == os.geteuid()
    locked = bool(names & {HELD, HELD + SOFT})
    return stat.S_ISDIR(told.st_mode) and mine and (not names or locked)


def _locked(path: Path) -> "BaseFileLock | None":
    """A lock on a file, which is made if there is none; None if another process has it.

    Where the file system knows no locks, as some network ones do, a second file is the lock, and
    says which process it belongs to.
    """
    from filelock import FileLock, SoftFileLock, Timeout

    lock: BaseFileLock = FileLock(path, thread_local=False, fallback_to_soft=False)
    try:
        try:
            lock.acquire(timeout=0)
        except (OSError, NotImplementedError) as error:
            if getattr(error, "errno", errno.ENOSYS) not in NO_LOCKS:
                raise
            lock = SoftFileLock(f"{path}{SOFT}", thread_local=False)
            lock.acquire(timeout=0)
    except (Timeout, FileNotFoundError):  # its holder has removed the folder
        return None
    return lock


def _release(lock: "BaseFileLock") -> None:
    with suppress(OSError):  # Windows removes no file that is open
        Path(lock.lock_file.removesuffix(SOFT)).unlink()
    lock.release()


def _empty(place: Path) -> None:
    for each in place.iterdir():
        if each.is_dir() and not each.is_symlink():
            shutil.rmtree(each, ignore_errors=True)
        elif each.name not in (HELD, HELD + SOFT):
            with suppress(OSError):
                each.unlink()


def _remove(place: Path, lock: "BaseFileLock") -> None:
    _empty(place)
    _release(lock)
    with suppress(OSError):  # another process has begun to use it
        place.rmdir()
