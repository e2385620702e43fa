"""COCO: PNG files and `annotations.json`: a box for each digit, and each image's label."""

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Any

from inkseed.data.mnist import DIGITS
from inkseed.registry import FORMATS
from inkseed.sets.formats.boxed import shown
from inkseed.sets.formats.lists import json_lines, write_lines
from inkseed.sets.formats.picture_folder import PictureFolder, index_of, load, path_of
from inkseed.sets.formats.registry import Row
from inkseed.sets.labelled_number import Box, LabelledNumber

ANNOTATIONS = "annotations.json"
FIRST = 1  # of COCO's ids: many trainers keep category 0 for the background


@FORMATS.register("coco", lambda made: made())
class Coco(PictureFolder):
    """Boxes are [x, y, width, height]; category k + 1 is the digit k."""

    def finish(self, folder: Path, rows: Sequence[Row]) -> None:
        """Write the annotations."""
        write_lines(folder / ANNOTATIONS, _document(rows))

    def read(self, folder: Path) -> Iterator[LabelledNumber]:
        """Read the annotations and their images."""
        held = json.loads((folder / ANNOTATIONS).read_text("utf-8"))
        boxes: dict[int, list[Box]] = defaultdict(list)
        for each in held["annotations"]:
            x, y, width, height = each["bbox"]
            boxes[each["image_id"]].append((x, y, x + width, y + height))
        for image in held["images"]:
            name = image["file_name"]
            known = boxes[image["id"]]
            yield LabelledNumber(index_of(name), image["label"], load(folder / name), known)


def _document(rows: Sequence[Row]) -> Iterator[str]:
    categories = [{"id": FIRST + int(digit), "name": digit} for digit in DIGITS]
    yield f'{{"categories": {json.dumps(categories)},'
    yield from json_lines('"images": [', map(json.dumps, map(_image, rows)), "],")
    yield from json_lines('"annotations": [', map(json.dumps, _annotations(rows)), "]}")


def _image(row: Row) -> dict[str, Any]:
    size = {"width": row.width, "height": row.height}
    return {"id": FIRST + row.index, "file_name": path_of(row), **size, "label": row.label}


def _annotations(rows: Sequence[Row]) -> Iterator[dict[str, Any]]:
    number = count(FIRST)
    for row in rows:
        for digit, (x0, y0, x1, y1) in shown(row.label, row.boxes):
            yield {
                "id": next(number),
                "image_id": FIRST + row.index,
                "category_id": FIRST + digit,
                "bbox": [x0, y0, x1 - x0, y1 - y0],
                "area": (x1 - x0) * (y1 - y0),
                "iscrowd": 0,
            }
