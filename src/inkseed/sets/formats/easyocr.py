"""EasyOCR's trainer: one folder of PNG files with `labels.csv`: filename, words.

The trainer lets pandas guess a column's type, and digits alone become numbers, in which zeros are
lost and the trainer stops. Quoting does not help; a word of letters does. pandas may guess for some
rows at a time, so there is one every so often, and at the end. It has a picture of its own.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from inkseed.files import write_atomically
from inkseed.pictures import PAPER
from inkseed.registry import FORMATS
from inkseed.sets.formats.lists import read_csv, write_csv
from inkseed.sets.formats.picture_folder import encode, load
from inkseed.sets.formats.registry import Row, Shape
from inkseed.sets.labelled_number import LabelledNumber

PLACE = "words"  # the trainer reads folders that hold no others
LABELS = "labels.csv"
HEADER = ("filename", "words")
WORD = "word"
EVERY = 100_000  # rows: pandas guesses for 262,144 at a time where a table has two columns


@FORMATS.register("easyocr", lambda made: made())
class EasyOcr:
    """`words/` with the images and their table."""

    def check(self, shape: Shape) -> None:
        """It holds every set."""

    def write_shard(self, into: Path, shard: int, numbers: Sequence[LabelledNumber]) -> None:
        """Write the images of a shard."""
        (into / PLACE).mkdir(parents=True, exist_ok=True)
        for number in numbers:
            (into / PLACE / _name(number.index)).write_bytes(encode(number.image))

    def finish(self, folder: Path, rows: Sequence[Row]) -> None:
        """Write the table, and the picture of a word."""
        word = encode(_word(rows[0].height))
        write_atomically(folder / PLACE / f"{WORD}.png", lambda opened: opened.write(word))
        write_csv(folder / PLACE / LABELS, HEADER, _lines(rows))

    def read(self, folder: Path) -> Iterator[LabelledNumber]:
        """Read the table and its images, but for the word."""
        for row in read_csv(folder / PLACE / LABELS):
            name, label = row["filename"], row["words"]
            if label != WORD:
                yield LabelledNumber(int(Path(name).stem), label, load(folder / PLACE / name), [])


def _name(index: int) -> str:
    return f"{index:09d}.png"


def _lines(rows: Sequence[Row]) -> Iterator[tuple[str, str]]:
    for k, row in enumerate(rows, start=1):
        yield _name(row.index), row.label
        if k % EVERY == 0:
            yield f"{WORD}.png", WORD
    yield f"{WORD}.png", WORD


def _word(height: int) -> np.ndarray:
    """The word in print, so that whoever learns it learns nothing false: uint8 (H, W)."""
    font = ImageFont.load_default(size=0.6 * height)
    picture = Image.new("L", (2 * height, height), PAPER)
    ImageDraw.Draw(picture).text((height, height / 2), WORD, fill=0, font=font, anchor="mm")
    return np.asarray(picture)
