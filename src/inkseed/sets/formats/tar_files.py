"""Tar files whose bytes depend on what is in them alone."""

import io
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path


def write_tar(path: Path, members: Iterable[tuple[str, bytes]]) -> None:
    """Write (name, content) in this order, without times or owners."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as opened:
        for name, content in members:
            facts = tarfile.TarInfo(name)
            facts.size = len(content)
            opened.addfile(facts, io.BytesIO(content))


def read_tar(path: Path) -> Iterator[tuple[str, bytes]]:
    """(name, content) of each member, in the order of the file."""
    with tarfile.open(path) as opened:
        for facts in opened:
            member = opened.extractfile(facts)
            assert member is not None  # folders and links are never written
            yield facts.name, member.read()
