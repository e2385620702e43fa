"""A folder of PNG files with `labels.csv`: filename, label, boxes."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from inkseed.registry import FORMATS
from inkseed.sets.formats.lists import boxes_as_text, boxes_from_text, read_csv, write_csv
from inkseed.sets.formats.picture_folder import PictureFolder, index_of, load, path_of
from inkseed.sets.formats.registry import Row
from inkseed.sets.labelled_number import LabelledNumber

LABELS = "labels.csv"


@FORMATS.register("png", lambda made: made())
class Png(PictureFolder):
    """A table that any program reads; whoever guesses types must be told that labels are text."""

    def finish(self, folder: Path, rows: Sequence[Row]) -> None:
        """Write the table."""
        lines = ((path_of(row), row.label, boxes_as_text(row.boxes)) for row in rows)
        write_csv(folder / LABELS, ("filename", "label", "boxes"), lines)

    def read(self, folder: Path) -> Iterator[LabelledNumber]:
        """Read the table and its images."""
        for row in read_csv(folder / LABELS):
            name = row["filename"]
            boxes = boxes_from_text(row["boxes"])
            yield LabelledNumber(index_of(name), row["label"], load(folder / name), boxes)
