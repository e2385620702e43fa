"""docTR: a folder of images and `labels.json`, which maps their names to labels."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from inkseed.registry import FORMATS
from inkseed.sets.formats.lists import json_lines, write_lines
from inkseed.sets.formats.picture_folder import IMAGES, PictureFolder, index_of, load, name_of
from inkseed.sets.formats.registry import Row
from inkseed.sets.labelled_number import LabelledNumber

LABELS = "labels.json"


@FORMATS.register("doctr", lambda made: made())
class DocTr(PictureFolder):
    """What `doctr.datasets.RecognitionDataset` and docTR's training scripts read."""

    def finish(self, folder: Path, rows: Sequence[Row]) -> None:
        """Write the labels."""
        entries = (f'"{name_of(row.shard, row.index)}": "{row.label}"' for row in rows)
        write_lines(folder / LABELS, json_lines("{", entries, "}"))

    def read(self, folder: Path) -> Iterator[LabelledNumber]:
        """Read the labels and their images."""
        labels = json.loads((folder / LABELS).read_text("utf-8"))
        for name, label in labels.items():
            yield LabelledNumber(index_of(name), label, load(folder / IMAGES / name), [])
