"""The manifest: a row for each image of a set, in a Parquet file for each shard.

A shard's file is written last, and commits it: what has no rows here does not exist.
"""

import hashlib
import json
from bisect import bisect
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from itertools import accumulate
from pathlib import Path
from typing import Any, BinaryIO, overload

import numpy as np

from inkseed.errors import InkseedError
from inkseed.files import write_atomically
from inkseed.sets.drawing import DrawnNumber
from inkseed.sets.extra import needed
from inkseed.sets.formats.registry import Row
from inkseed.sets.plan import Plan, Shard

pa, parquet = needed("pyarrow"), needed("pyarrow.parquet")
KEY = b"inkseed"  # of the metadata: the settings, and whether splits share strings
FILES = b"inkseed.files"  # likewise, of this file alone: what else belongs to the shard
WORDS = pa.dictionary(pa.int32(), pa.string())  # for what many rows share
SCHEMA = pa.schema(
    {
        "index": pa.int64(),
        "split": WORDS,
        "shard": pa.int32(),
        "label": pa.string(),
        "height": pa.int32(),
        "width": pa.int32(),
        "boxes": pa.list_(pa.list_(pa.int32(), 4)),
        "seed": pa.int64(),
        "streams": pa.list_(pa.list_(pa.int64(), 2)),
        "hand": pa.string(),
        "slant": pa.float64(),
        "thickness": pa.float64(),
        "sampler": WORDS,
        "steps": pa.int32(),
        "guide_w": pa.float64(),
        "strategy": WORDS,
        "weights_sha256": WORDS,
        "confidence": pa.float64(),
        "redrawn": pa.int32(),
        "sha256": pa.string(),
    }
)
TOLD = ["index", "shard", "label", "boxes", "height", "width"]  # what formats are told


def write_rows(
    path: Path,
    plan: Plan,
    shard: Shard,
    numbers: Sequence[DrawnNumber],
    how: dict[str, Any],
    files: dict[str, int],
) -> None:
    """Write the rows of a shard, whole or not at all; `how` is what all of them share.

    `files` has the shard's other files, by their paths below the set's folder, and their bytes.
    """
    told = {"settings": plan.settings.plain(), "strings_apart": plan.strings_apart}
    schema = SCHEMA.with_metadata({KEY: json.dumps(told, sort_keys=True)})
    rows = [_row(plan, shard, each) | how for each in numbers]
    table = pa.Table.from_pylist(rows, schema)

    def write(opened: BinaryIO) -> None:
        with parquet.ParquetWriter(opened, schema) as writer:
            writer.write_table(table)
            writer.add_key_value_metadata({FILES: json.dumps(files)})

    write_atomically(path, write)


def checksum(image: np.ndarray) -> str:
    """The SHA-256 of an image's size and pixels."""
    digest = hashlib.sha256("x".join(map(str, image.shape)).encode())
    digest.update(np.ascontiguousarray(image).data)
    return digest.hexdigest()


class Rows(Sequence[Row]):
    """What formats are told of the images of some shards, read when they are looked at."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self.paths = paths
        counts = [_count(path) for path in paths]
        self.ends = list(accumulate(counts))

    def __len__(self) -> int:
        return self.ends[-1] if self.ends else 0

    def __iter__(self) -> Iterator[Row]:
        for path in self.paths:
            yield from _rows(path)

    @overload
    def __getitem__(self, place: int) -> Row: ...
    @overload
    def __getitem__(self, place: slice) -> list[Row]: ...
    def __getitem__(self, place: int | slice) -> Row | list[Row]:
        if isinstance(place, slice):
            return [self[k] for k in range(*place.indices(len(self)))]
        k = range(len(self))[place]
        which = bisect(self.ends, k)
        return _rows(self.paths[which])[k - (self.ends[which - 1] if which else 0)]


@lru_cache(maxsize=1)
def _rows(path: Path) -> list[Row]:
    table = _table(path, TOLD).to_pylist()
    return [Row(**(told | {"boxes": [tuple(box) for box in told["boxes"]]})) for told in table]


def read_row(path: Path, index: int) -> dict[str, Any]:
    """All that is known of one image. Raises InkseedError if the file has no such row."""
    for told in _table(path).to_pylist():
        if told["index"] == index:
            return dict(told)
    raise InkseedError(f"{path} has no row of number {index:,}: it is damaged")


def read_files(path: Path) -> dict[str, int]:
    """The other files of a shard, by their paths below the set's folder, and their bytes."""
    with _reading(path):
        metadata = parquet.read_metadata(path).metadata or {}
    found: dict[str, int] = json.loads(metadata.get(FILES, b"{}"))
    return found


def read_counts(paths: Sequence[Path], least: float) -> dict[str, int]:
    """What judge A said of a set: how many images it rejected, in how many numbers, and how many
    numbers it still doubts: below `least`.
    """
    found = dict.fromkeys(("rejected", "rejected_images", "doubted"), 0)
    for path in paths:
        table = _table(path, ["redrawn", "confidence"])
        redrawn, confidence = (table[name].to_numpy() for name in ("redrawn", "confidence"))
        found["rejected"] += int((redrawn > 0).sum())
        found["rejected_images"] += int(redrawn.sum())
        found["doubted"] += int((confidence < least).sum())
    return found


def _count(path: Path) -> int:
    with _reading(path):
        return int(parquet.read_metadata(path).num_rows)


def _table(path: Path, columns: list[str] | None = None) -> Any:
    with _reading(path):
        return parquet.read_table(path, columns=columns, partitioning=None)


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """In this block, what is wrong with a file is an InkseedError of one line."""
    try:
        yield
    except (pa.ArrowException, OSError, KeyError) as error:
        why = str(error).splitlines()[0]
        raise InkseedError(
            f"{path} is damaged: remove it, and inkseed dataset draws its numbers again ({why})"
        ) from error


def _row(plan: Plan, shard: Shard, drawn: DrawnNumber) -> dict[str, Any]:
    number = drawn.number
    return {
        "index": number.index,
        "split": shard.split,
        "shard": shard.number,
        "label": number.label,
        "height": number.image.shape[0],
        "width": number.image.shape[1],
        "boxes": [list(map(int, box)) for box in number.boxes],
        "seed": plan.settings.seed,
        "streams": drawn.streams.tolist(),
        "hand": drawn.hand,
        "slant": drawn.slant,
        "thickness": drawn.thickness,
        "confidence": drawn.confidence,
        "redrawn": drawn.redrawn,
        "sha256": checksum(number.image),
    }
