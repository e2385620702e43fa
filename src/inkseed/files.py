"""Write files so that a crash, a full disk or kill -9 never leaves half of one behind."""

import hashlib
import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from inkseed.errors import InkseedError

TEMPORARY = ".inkseed-"  # how the names of unfinished files begin


def write_atomically(path: str | Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a temporary file beside `path`, flush it to disk and rename it to `path`.

    The temporary file has `path`'s suffix, since writers choose their format by it. Raises
    InkseedError if `path` cannot be written.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=TEMPORARY, suffix=path.suffix)
        os.close(handle)
    except OSError as error:
        raise InkseedError(f"cannot write {path}: {error.strerror or error}") from error
    temporary = Path(name)
    try:
        write(temporary)
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    except OSError as error:
        raise InkseedError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        temporary.unlink(missing_ok=True)


def write_json(path: Path, value: Any) -> None:
    """Write plain values as indented JSON, whole or not at all."""
    text = json.dumps(value, indent=1) + "\n"
    write_atomically(path, lambda temporary: temporary.write_text(text, "utf-8"))


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
    if path.suffix == "":
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise InkseedError(f"{path} exists and is not an empty folder: give another name")
        if path.resolve() == Path.cwd():
            raise InkseedError(f"{path} is the current folder: give a new folder's name")
    elif path.is_dir():
        raise InkseedError(f"{path} is a folder: give a file name")
    parent = path.absolute().parent
    while not parent.exists():
        parent = parent.parent
    if not parent.is_dir() or not os.access(parent, os.W_OK):
        raise InkseedError(f"cannot write {path}: {parent} is not a folder you can write to")
    return path
