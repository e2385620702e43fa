"""The manifest: a row for each image of a set, in a Parquet file for each shard.

A shard's file is written last, and commits it: what has no rows here does not exist.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from inkseed.errors import InkseedError
from inkseed.files import write_atomically
from inkseed.sets.drawing import DrawnNumber
from inkseed.sets.formats.registry import Row
from inkseed.sets.plan import Plan, Shard

KEY = b"inkseed"  # of the metadata: the settings, and whether splits share strings
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
    path: Path, plan: Plan, shard: Shard, numbers: Sequence[DrawnNumber], how: dict[str, Any]
) -> None:
    """Write the rows of a shard, whole or not at all; `how` is what all of them share."""
    told = {"settings": plan.settings.plain(), "strings_apart": plan.strings_apart}
    schema = SCHEMA.with_metadata({KEY: json.dumps(told, sort_keys=True)})
    rows = [_row(plan, shard, each) | how for each in numbers]
    table = pa.Table.from_pylist(rows, schema)
    write_atomically(path, lambda opened: parquet.write_table(table, opened))


def checksum(image: np.ndarray) -> str:
    """The SHA-256 of an image's size and pixels."""
    digest = hashlib.sha256("x".join(map(str, image.shape)).encode())
    digest.update(np.ascontiguousarray(image).data)
    return digest.hexdigest()


def read_rows(paths: Sequence[Path], split: str) -> Iterator[Row]:
    """What formats are told of the images of a split, in the order of the set."""
    for path in paths:
        for told in _table(path, [*TOLD, "split"]).to_pylist():
            if told.pop("split") == split:
                boxes = [tuple(box) for box in told.pop("boxes")]
                yield Row(**told, boxes=boxes)


def read_row(path: Path, index: int) -> dict[str, Any]:
    """All that is known of one image. Raises InkseedError if the file has no such row."""
    for told in _table(path).to_pylist():
        if told["index"] == index:
            return dict(told)
    raise InkseedError(f"{path} has no row of number {index:,}: it is damaged")


def counted(path: Path) -> tuple[int, int, int]:
    """How many images a shard has, how many of them were redrawn, and how many are doubted."""


def _table(path: Path, columns: list[str] | None = None) -> pa.Table:
    try:
        return parquet.read_table(path, columns=columns, partitioning=None)
    except (pa.ArrowException, OSError, KeyError) as error:
        raise InkseedError(f"{path} is no part of a manifest that can be read: {error}") from error


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
