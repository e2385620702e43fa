"""WebDataset: tar shards of `<index>.png`, `<index>.txt` (the label) and `<index>.json`."""

import json
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from inkseed.registry import FORMATS
from inkseed.sets.formats.lists import boxes_as_text
from inkseed.sets.formats.picture_folder import decode, encode
from inkseed.sets.formats.registry import Row, Shape
from inkseed.sets.formats.tar_files import read_tar, write_tar
from inkseed.sets.labelled_number import LabelledNumber


@FORMATS.register("webdataset", lambda made: made())
class WebDataset:
    """A shard is a tar file, complete as it is, so there is nothing left to finish.

    Labels are .txt, since a .cls is read as a whole number, which loses zeros.
    """

    def check(self, shape: Shape) -> None:
        """It holds every set."""

    def write_shard(self, into: Path, shard: int, numbers: Sequence[LabelledNumber]) -> None:
        """Write a shard's tar file."""
        write_tar(into / f"{shard:06d}.tar", _members(numbers))

    def finish(self, folder: Path, rows: Sequence[Row]) -> None:
        """Nothing depends on the whole split."""

    def read(self, folder: Path) -> Iterator[LabelledNumber]:
        """Read the shards in order."""
        for path in sorted(folder.glob("*.tar")):
            for key, members in groupby(read_tar(path), lambda member: member[0].split(".")[0]):
                held = {name.split(".")[1]: content for name, content in members}
                facts = json.loads(held["json"])
                boxes = [(x0, y0, x1, y1) for x0, y0, x1, y1 in facts["boxes"]]
                label = held["txt"].decode()
                yield LabelledNumber(int(key), label, decode(held["png"]), boxes)


def _members(numbers: Sequence[LabelledNumber]) -> Iterator[tuple[str, bytes]]:
    for number in numbers:
        facts = f'{{"label": "{number.label}", "boxes": {boxes_as_text(number.boxes)}}}'
        key = f"{number.index:09d}"
        yield f"{key}.png", encode(number.image)
        yield f"{key}.txt", number.label.encode()
        yield f"{key}.json", facts.encode()
