"""Lists with a line an image, written as the rows come and read line by line."""

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path

from inkseed.files import write_atomically
from inkseed.sets.formats.registry import Row
from inkseed.sets.labelled_number import Box

AT_ONCE = 4096  # rows in memory


def write_lines(path: Path, lines: Iterable[str]) -> None:
    """Write lines as UTF-8 with \\n at their ends, whole or not at all."""
    write_atomically(path, lambda opened: opened.writelines(f"{each}\n".encode() for each in lines))


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Write a table with a header, whole or not at all."""
    writer = csv.writer(_Line(), lineterminator="")
    write_lines(path, map(writer.writerow, chain([header], rows)))


def read_csv(path: Path) -> Iterator[dict[str, str]]:
    """The rows of a table, each by the names in its header, as text."""
    with path.open(encoding="utf-8", newline="") as opened:
        yield from csv.DictReader(opened)


def boxes_as_text(boxes: Sequence[Box]) -> str:
    """Boxes as JSON: `[[x0, y0, x1, y1], ...]`."""
    return json.dumps([list(map(int, box)) for box in boxes])


def boxes_from_text(text: str) -> list[Box]:
    """Boxes from JSON, as `boxes_as_text` writes them."""
    return [(x0, y0, x1, y1) for x0, y0, x1, y1 in json.loads(text)]


class _Line:
    """A file for csv to write to, which hands each line back."""

    def write(self, line: str) -> str:
        return line


def json_lines(begin: str, entries: Iterable[str], end: str) -> Iterator[str]:
    """One JSON object or array with a line an entry, which need not fit in memory."""
    yield begin
    before = None
    for entry in entries:
        if before is not None:
            yield f"{before},"
        before = entry
    if before is not None:
        yield before
    yield end


def some_at_once(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Rows in lists that are not too long to hold in memory."""
    left = iter(rows)
    while some := list(islice(left, AT_ONCE)):
        yield some
