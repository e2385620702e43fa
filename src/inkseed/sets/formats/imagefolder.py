"""Hugging Face's imagefolder: PNG files with `metadata.parquet`.

A metadata.csv would lose zeros, and a metadata.jsonl makes times of labels that look like dates.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from inkseed.files import write_atomically
from inkseed.registry import FORMATS
from inkseed.sets.extra import needed
from inkseed.sets.formats.lists import some_at_once
from inkseed.sets.formats.picture_folder import PictureFolder, index_of, load, path_of
from inkseed.sets.formats.registry import Row, Shape
from inkseed.sets.labelled_number import LabelledNumber

METADATA = "metadata.parquet"


@FORMATS.register("imagefolder", lambda made: made())
class ImageFolder(PictureFolder):
    """Columns file_name, label and boxes; `datasets` adds the image."""

    def check(self, shape: Shape) -> None:
        """Refuse where pyarrow is not installed."""
        needed("pyarrow.parquet")

    def finish(self, folder: Path, rows: Sequence[Row]) -> None:
        """Write the metadata."""
        write_atomically(folder / METADATA, lambda opened: _write(opened, rows))

    def read(self, folder: Path) -> Iterator[LabelledNumber]:
        """Read the metadata and its images."""
        with needed("pyarrow.parquet").ParquetFile(folder / METADATA) as opened:
            for batch in opened.iter_batches():
                for row in batch.to_pylist():
                    name = row["file_name"]
                    boxes = [(x0, y0, x1, y1) for x0, y0, x1, y1 in row["boxes"]]
                    image = load(folder / name)
                    yield LabelledNumber(index_of(name), row["label"], image, boxes)


def _write(opened: BinaryIO, rows: Sequence[Row]) -> None:
    arrow = needed("pyarrow")
    boxes: Any = arrow.list_(arrow.list_(arrow.int32(), 4))
    columns = [("file_name", arrow.string()), ("label", arrow.string()), ("boxes", boxes)]
    with needed("pyarrow.parquet").ParquetWriter(opened, schema := arrow.schema(columns)) as table:
        for some in some_at_once(rows):
            values = ([path_of(row) for row in some], [row.label for row in some])
            held = [[list(box) for box in row.boxes] for row in some]
            table.write_table(arrow.table([*values, held], schema=schema))
