"""What formats of boxes share: which digits they show."""

from collections.abc import Iterator

from inkseed.sets.formats.registry import Row
from inkseed.sets.labelled_number import Box


def shown(row: Row) -> Iterator[tuple[int, Box]]:
    """Each digit of a number and its box; a digit without ink is not there to be found."""
    for digit, box in zip(row.label, row.boxes, strict=True):
        if box[0] < box[2] and box[1] < box[3]:
            yield int(digit), box
