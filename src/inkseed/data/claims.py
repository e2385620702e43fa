"""What files of arrays claim to hold, checked before it is read: shapes, types, and the memory."""

import math
from pathlib import Path
from typing import NamedTuple

import numpy as np

from inkseed import memory
from inkseed.errors import InkseedError

MOST_BYTES = 4 << 30  # of an array: a header that claims more is not believed
MOST_SIDE = 1024  # pixels of an image
LONGEST_LABEL = 4096  # bytes
READING = 5  # bytes a pixel beside the array itself, while it is read, and
FACTS = 600  # bytes an image


class Claim(NamedTuple):
    """An array's shape and type, as a header gives them."""

    shape: tuple[int, ...]
    dtype: np.dtype

    @property
    def bytes(self) -> int:
        """What the array takes, in a number that no header can overflow."""
        return self.dtype.itemsize * math.prod(self.shape)


def check_bytes(claim: Claim, what: str) -> None:
    """Raise InkseedError for an array that no set of digits has."""
    if claim.dtype.hasobject:
        raise InkseedError(f"{what} holds Python objects: save numbers or text")
    if claim.bytes > MOST_BYTES:
        raise InkseedError(f"{what} claims more than {MOST_BYTES:,} bytes")


def check_set(images: Claim, labels: Claim, path: Path) -> None:
    """Raise InkseedError unless images and labels can be a set, and fit in memory together."""
    if images.shape[:1] != labels.shape[:1]:
        many, known = _many(images), _many(labels)
        raise InkseedError(f"{path} holds {many} images but {known} labels")
    height, width, channels = sides_of(images.shape, path)
    if images.dtype.kind not in "buif":
        raise InkseedError(
            f"{path}: the images cannot be used: values of type {images.dtype} are not grey levels"
        )
    if labels.dtype.itemsize > LONGEST_LABEL:
        raise InkseedError(f"{path}: labels of {labels.dtype.itemsize:,} bytes are too long")
    count, copies = images.shape[0], 2 if images.dtype.kind == "f" else 1
    each = height * width * (images.dtype.itemsize * channels * copies + READING)
    each += FACTS + 4 * labels.dtype.itemsize
    memory.require_each(count, each, f"{path}: {count:,} images of {height}x{width}")


def sides_of(shape: tuple[int, ...], path: Path) -> tuple[int, int, int]:
    """Height, width and channels of the images in an array of this shape.

    (N, H, W), (N, H W) if square, and one or three channels before or after the sides. Raises
    InkseedError, which names `path`, for any other.
    """
    match shape:
        case (_, pixels) if (side := math.isqrt(pixels)) ** 2 == pixels:
            found = side, side, 1
        case (_, height, width):
            found = height, width, 1
        case (_, height, width, 1 | 3 as channels) | (_, 1 | 3 as channels, height, width):
            found = height, width, channels
        case _:
            found = 0, 0, 0
    if min(found) < 1 or max(found) > MOST_SIDE:
        words = "x".join(map(str, shape))
        raise InkseedError(f"{path}: images have shape {words}: they must be (N, height, width)")
    return found


def _many(claim: Claim) -> str:
    return f"{claim.shape[0]:,}" if claim.shape else "no array of"
