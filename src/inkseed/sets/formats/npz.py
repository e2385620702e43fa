"""One NPZ: images, labels, boxes and indices, as numpy reads them without pickles."""

import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from inkseed.files import write_atomically
from inkseed.registry import FORMATS
from inkseed.sets.formats.lists import some_at_once
from inkseed.sets.formats.parts import check_one_size, images_of, join_once, write_part
from inkseed.sets.formats.registry import Row, Shape
from inkseed.sets.labelled_number import LabelledNumber

NAME = "numbers.npz"
NO_BOX = (-1, -1, -1, -1)  # where a number has fewer digits than the longest
EFFORT = 1  # of zlib: paper packs well with any


@FORMATS.register("npz", lambda made: made())
class Npz:
    """`numbers.npz`, written array by array as shards and rows come, however large it is."""

    def check(self, shape: Shape) -> None:
        """Refuse images of several widths."""
        check_one_size(shape, "an .npz")

    def write_shard(self, into: Path, shard: int, numbers: Sequence[LabelledNumber]) -> None:
        """Write the shard's images as an array, to be joined."""
        write_part(into, shard, numbers)

    def finish(self, folder: Path, rows: Sequence[Row]) -> None:
        """Join the arrays, and put labels, boxes and indices beside them."""

        def join() -> None:
            write_atomically(folder / NAME, lambda opened: _write(opened, folder, rows))

        join_once(folder, [folder / NAME], join)

    def read(self, folder: Path) -> Iterator[LabelledNumber]:
        """Read the arrays."""
        with np.load(folder / NAME, allow_pickle=False) as arrays:
            held = [arrays[name] for name in ("indices", "labels", "images", "boxes")]
        for index, label, image, boxes in zip(*held, strict=True):
            known = [(x0, y0, x1, y1) for x0, y0, x1, y1 in boxes[: len(label)].tolist()]
            yield LabelledNumber(int(index), str(label), image, known)


def _write(opened: BinaryIO, folder: Path, rows: Sequence[Row]) -> None:
    longest = max(len(row.label) for row in rows)
    images = images_of(folder, len(rows))
    first = next(images)

    def boxes(row: Row) -> list[tuple[int, int, int, int]]:
        return [*row.boxes, *[NO_BOX] * (longest - len(row.boxes))]

    columns: list[tuple[str, tuple[int, ...], str, Callable[[Row], Any]]] = [
        ("labels", (), f"<U{longest}", lambda row: row.label),
        ("boxes", (longest, 4), "<i4", boxes),
        ("indices", (), "<i8", lambda row: row.index),
    ]
    with zipfile.ZipFile(opened, "w", zipfile.ZIP_DEFLATED, compresslevel=EFFORT) as packed:
        _add(packed, "images", (len(rows), *first.shape[1:]), "|u1", chain([first], images))
        for name, shape, kind, value in columns:
            arrays = (np.array([value(row) for row in some], kind) for some in some_at_once(rows))
            _add(packed, name, (len(rows), *shape), kind, arrays)


def _add(
    packed: zipfile.ZipFile,
    name: str,
    shape: tuple[int, ...],
    kind: str,
    arrays: Iterable[np.ndarray],
) -> None:
    """Write one array of this shape, of which `arrays` are the rows."""
    header = {"descr": kind, "fortran_order": False, "shape": shape}
    with packed.open(f"{name}.npy", "w", force_zip64=True) as member:
        np.lib.format.write_array_header_1_0(member, header)
        for array in arrays:
            member.write(np.ascontiguousarray(array).data)
