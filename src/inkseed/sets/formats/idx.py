"""MNIST's IDX files: single digits at 28x28, a drop-in for MNIST in any trainer that reads it."""

import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from inkseed.data.idx import UNSIGNED_BYTE, read_idx
from inkseed.data.pairs import CELL
from inkseed.errors import InkseedError
from inkseed.files import write_atomically
from inkseed.registry import FORMATS
from inkseed.sets.formats.parts import images_of, join_once, write_part
from inkseed.sets.formats.registry import Row, Shape
from inkseed.sets.labelled_number import LabelledNumber

PREFIXES = {"test": "t10k"}  # as MNIST's own files are named; every other split trains


@FORMATS.register("idx", lambda made: made())
class Idx:
    """`train-images-idx3-ubyte` and `train-labels-idx1-ubyte`; `t10k-` in a folder called test."""

    def check(self, shape: Shape) -> None:
        """Refuse what is not like MNIST."""
        if shape.longest != 1:
            raise InkseedError("MNIST's IDX holds single digits: take digits:1 or another format")
        if shape.colour or shape.dark or (shape.height, shape.width) != (CELL, CELL):
            raise InkseedError(
                f"MNIST's IDX holds grey images of {CELL}x{CELL}, light ink on dark paper: ask for"
                " those, or for another format"
            )

    def write_shard(self, into: Path, shard: int, numbers: Sequence[LabelledNumber]) -> None:
        """Write the shard's images as an array, to be joined."""
        write_part(into, shard, numbers)

    def finish(self, folder: Path, rows: Sequence[Row]) -> None:
        """Join the arrays, and put the labels beside them."""
        images, labels = _paths(folder)

        def join() -> None:
            write_atomically(images, lambda opened: _write_images(opened, folder, len(rows)))
            write_atomically(labels, lambda opened: _write_labels(opened, rows))

        join_once(folder, (images, labels), join)

    def read(self, folder: Path) -> Iterator[LabelledNumber]:
        """Read both files."""
        images, labels = (
            read_idx(path, axes) for path, axes in zip(_paths(folder), (3, 1), strict=True)
        )
        for index, (image, label) in enumerate(zip(images, labels, strict=True)):
            yield LabelledNumber(index, str(label), image, [])


def _paths(folder: Path) -> tuple[Path, Path]:
    prefix = PREFIXES.get(folder.name, "train")
    return folder / f"{prefix}-images-idx3-ubyte", folder / f"{prefix}-labels-idx1-ubyte"


def _write_images(opened: BinaryIO, folder: Path, count: int) -> None:
    opened.write(_header(count, CELL, CELL))
    for images in images_of(folder, count):
        opened.write(images.tobytes())


def _write_labels(opened: BinaryIO, rows: Sequence[Row]) -> None:
    opened.write(_header(len(rows)))
    opened.writelines(bytes([int(row.label)]) for row in rows)


def _header(*sizes: int) -> bytes:
    return struct.pack(f">BBBB{len(sizes)}I", 0, 0, UNSIGNED_BYTE, len(sizes), *sizes)
