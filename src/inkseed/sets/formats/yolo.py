"""YOLO: `images/`, `labels/` with a text file an image (digit, middle, size), and `data.yaml`."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from inkseed.data.mnist import DIGITS
from inkseed.registry import FORMATS
from inkseed.sets.formats.boxed import shown
from inkseed.sets.formats.lists import write_lines
from inkseed.sets.formats.picture_folder import IMAGES, PictureFolder, index_of, load, write_files
from inkseed.sets.formats.registry import Row
from inkseed.sets.labelled_number import Box, LabelledNumber

LABELS = "labels"
DATA = "data.yaml"
SPLITS = {"train": "train", "val": "validation", "test": "test"}  # a trainer's words, and ours
PLACES = 6  # decimals: enough for whole pixels of any image


@FORMATS.register("yolo", lambda made: made())
class Yolo(PictureFolder):
    """A line a digit, from left to right as the number is read; class k is the digit k."""

    def write_shard(self, into: Path, shard: int, numbers: Sequence[LabelledNumber]) -> None:
        """Write a shard's images, and the boxes of each beside them."""
        super().write_shard(into, shard, numbers)
        texts = ((number.index, _text(number).encode()) for number in numbers)
        write_files(into / LABELS, shard, texts, ".txt")

    def finish(self, folder: Path, rows: Sequence[Row]) -> None:
        """Write what tells a trainer where images are and what classes mean."""
        names = [f"  {digit}: '{digit}'" for digit in DIGITS]
        write_lines(folder / DATA, [*_places(folder), "names:", *names])

    def read(self, folder: Path) -> Iterator[LabelledNumber]:
        """Read the images and their boxes."""
        for path in sorted((folder / IMAGES).glob("*/*.png")):
            image = load(path)
            texts = folder / LABELS / path.relative_to(folder / IMAGES).with_suffix(".txt")
            lines = [line.split() for line in texts.read_text("utf-8").splitlines()]
            label = "".join(line[0] for line in lines)
            boxes = [_box(list(map(float, line[1:])), image.shape[:2]) for line in lines]
            yield LabelledNumber(index_of(path.name), label, image, boxes)


def _places(folder: Path) -> list[str]:
    """Where the images of each split are, all of which are written before the first is finished.

    A trainer must be told of images to validate on: where there are none, those that it trains on.
    """
    beside = {key: f"../{name}/{IMAGES}" for key, name in SPLITS.items()}
    there = {key: place for key, place in beside.items() if (folder / place).is_dir()}
    train = there.get("train", IMAGES)
    return [f"{key}: {place}" for key, place in {"train": train, "val": train, **there}.items()]


def _text(number: LabelledNumber) -> str:
    height, width = number.image.shape[:2]
    lines = []
    for digit, (x0, y0, x1, y1) in shown(number.label, number.boxes):
        middle = (x0 + x1) / 2 / width, (y0 + y1) / 2 / height
        size = (x1 - x0) / width, (y1 - y0) / height
        values = " ".join(f"{each:.{PLACES}f}" for each in (*middle, *size))
        lines.append(f"{digit} {values}\n")
    return "".join(lines)


def _box(values: Sequence[float], shape: tuple[int, ...]) -> Box:
    x, y, width, height = values
    high, wide = shape
    edges = ((x - width / 2) * wide, (y - height / 2) * high)
    x0, y0 = map(round, edges)
    return x0, y0, x0 + round(width * wide), y0 + round(height * high)
