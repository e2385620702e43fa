"""PaddleOCR: PNG files, `labels.txt` with `path<TAB>label`, and the dictionary `digits.txt`."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from inkseed.data.mnist import DIGITS
from inkseed.registry import FORMATS
from inkseed.sets.formats.lists import write_lines
from inkseed.sets.formats.picture_folder import PictureFolder, index_of, load, path_of
from inkseed.sets.formats.registry import Row
from inkseed.sets.labelled_number import LabelledNumber

LABELS, DICTIONARY = "labels.txt", "digits.txt"


@FORMATS.register("paddleocr", lambda made: made())
class PaddleOcr(PictureFolder):
    """The folder is `data_dir`, `labels.txt` the `label_file_list`."""

    def finish(self, folder: Path, rows: Sequence[Row]) -> None:
        """Write the list and the dictionary."""
        write_lines(folder / DICTIONARY, DIGITS)
        write_lines(folder / LABELS, (f"{path_of(row)}\t{row.label}" for row in rows))

    def read(self, folder: Path) -> Iterator[LabelledNumber]:
        """Read the list and its images."""
        with (folder / LABELS).open(encoding="utf-8", newline="") as opened:
            for line in opened:
                name, label = line.strip("\n").split("\t")
                yield LabelledNumber(index_of(name), label, load(folder / name), [])
