"""Formats by name, and what a format must do."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from inkseed.registry import FORMATS
from inkseed.sets.labelled_number import LabelledNumber


@dataclass(frozen=True)
class Shape:
    """What a format may refuse a set for: what all of its images have in common."""

    count: int
    height: int
    width: int | None  # None where widths differ
    colour: bool
    dark: bool  # dark ink on light paper; otherwise MNIST's way
    longest: int  # digits of the longest label
    shortest: int


@dataclass(frozen=True)
class Row:
    """What is known of an image once it has been written: a row of the manifest."""

    index: int
    shard: int
    label: str
    boxes: Sequence[tuple[int, int, int, int]]
    height: int
    width: int


class Format(Protocol):
    """How the images of one split lie in a folder, and how they are read back.

    A format keeps nothing between calls: shards are written by several processes in any order,
    and a shard that was interrupted is written again.
    """

    def check(self, shape: Shape) -> None:
        """Raise InkseedError, in one line that says what to do, for what it cannot hold."""

    def write_shard(self, into: Path, shard: int, numbers: Sequence[LabelledNumber]) -> None:
        """Write a shard's files below `into`, an empty folder, at the paths that they shall have.

        Two shards share no path. Only the numbers decide the bytes. What `finish` makes other
        files of, and removes, is in `into/parts`; a shard that loses any other file is drawn again.
        """

    def finish(self, folder: Path, rows: Sequence[Row]) -> None:
        """Write what depends on the whole split, each file whole or not at all; again if asked.

        All shards of all splits are there by then.
        """

    def read(self, folder: Path) -> Iterator[LabelledNumber]:
        """Read a finished split as its trainer does, in the order of the set.

        What a format has no room for is missing: boxes are empty, and numbers count from 0.
        """


def find_format(name: str) -> Format:
    """The format of this name. Raises InkseedError for an unknown one."""
    return FORMATS.find(name, files=False)


def available() -> list[str]:
    """The names of all formats."""
    return sorted(FORMATS)
