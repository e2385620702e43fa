"""What formats of boxes share: which digits they show."""

from collections.abc import Iterator, Sequence

from inkseed.sets.labelled_number import Box


def shown(label: str, boxes: Sequence[Box]) -> Iterator[tuple[int, Box]]:
    """Each digit of a number and its box; a digit without ink is not there to be found."""
    for digit, box in zip(label, boxes, strict=True):
        if box[0] < box[2] and box[1] < box[3]:
            yield int(digit), box
