"""Labelled images in a CSV, one per line: `label,pixel0,pixel1,...`, like Kaggle's MNIST."""

import gzip
import math
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from inkseed.data.arrays import ArrayPictures
from inkseed.data.claims import Claim, check_bytes, check_set
from inkseed.errors import InkseedError
from inkseed.labels import MAX_NAME

LONGEST = 1 << 20  # characters of a line: with more it is not a small picture
LABELS = ("label", "labels", "class", "digit", "target", "y")  # names of the labels' column


def read_csv(path: Path, transposed: bool = False) -> ArrayPictures:
    """Read square images, row by row, with labels in the first or last column.

    A header is recognised; without one, labels come first. Raises InkseedError, which names the
    line, for anything else.
    """
    labels: list[str] = []
    rows: list[np.ndarray] = []
    last = False
    for number, line in _lines(path):
        first = number == 1 and not _is_number(line.rpartition(",")[2])
        if first:
            last = _labels_come_last(line, path)
            continue
        label, _, pixels = line.rpartition(",")[::-1] if last else line.partition(",")
        rows.append(_pixels(pixels, path, number, len(rows[0]) if rows else None))
        labels.append(_label(label, path, number))
        if len(rows).bit_count() == 1:  # and so at each doubling
            _check(2 * len(rows), len(rows[0]), path)
    if not rows:
        raise InkseedError(
            f"{path} holds no images: give a line for each, as label,pixel0,pixel1,..."
        )
    return ArrayPictures(np.stack(rows), np.array(labels), path, transposed)


def _check(count: int, pixels: int, path: Path) -> None:
    """Raise InkseedError unless so many images of so many pixels can be a set."""
    if math.isqrt(pixels) ** 2 != pixels:
        raise InkseedError(f"{path}: {pixels:,} pixels per line do not make a square picture")
    images = Claim((count, pixels), np.dtype(np.float32))
    check_bytes(images, str(path))
    check_set(images, Claim((count,), np.dtype(object)), path)


def _labels_come_last(header: str, path: Path) -> bool:
    names = [name.strip().strip('"').lower() for name in header.split(",")]
    if names[0] in LABELS:
        return False
    if names[-1] in LABELS:
        return True
    raise InkseedError(f"{path} has no labels: name the first or the last column 'label'")


def _label(text: str, path: Path, number: int) -> str:
    label = text.strip().strip('"')
    if len(label) > MAX_NAME:  # one would make all of them as long
        raise InkseedError(f"{path}, line {number}: the label has more than {MAX_NAME} characters")
    return label


def _pixels(text: str, path: Path, number: int, wanted: int | None) -> np.ndarray:
    try:
        values = np.array(text.split(","), np.float32)
    except ValueError as error:
        raise InkseedError(f"{path}, line {number}: a pixel is not a number") from error
    if wanted is not None and len(values) != wanted:
        raise InkseedError(
            f"{path}, line {number}: {len(values)} pixels, where other lines have {wanted}"
        )
    return values


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines that are not empty, with their numbers."""
    opener = gzip.open if path.suffix.lower() == ".gz" else open
    try:
        with opener(path, "rt", encoding="utf-8-sig") as opened:
            number = 0
            while line := opened.readline(LONGEST):
                number += 1
                if len(line) >= LONGEST:
                    raise InkseedError(f"{path}, line {number} is too long to be a small picture")
                if line.strip():
                    yield number, line.strip()
    except UnicodeDecodeError as error:
        raise InkseedError(f"{path} is not a CSV: it is not UTF-8 text") from error
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InkseedError(f"{path} is damaged or cut short: get a fresh copy ({error})") from error
    except OSError as error:
        raise InkseedError(f"cannot read {path}: {error.strerror or error}") from error


def _is_number(text: str) -> bool:
    try:
        float(text.strip().strip('"'))
    except ValueError:
        return False
    return True
