"""Images as PNG files, in a folder for each shard: what several formats share."""

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from inkseed.sets.formats.registry import Row, Shape
from inkseed.sets.labelled_number import LabelledNumber

IMAGES = "images"  # the folder of a split that holds them
EFFORT = 1  # of zlib: more takes longer for four bytes in a hundred


class PictureFolder:
    """A format whose shards are PNG files: `images/<shard>/<index>.png`."""

    def check(self, shape: Shape) -> None:
        """It holds every set."""

    def write_shard(self, into: Path, shard: int, numbers: Sequence[LabelledNumber]) -> None:
        """Write the images of a shard."""
        for number in numbers:
            path = into / IMAGES / name_of(shard, number.index)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(encode(number.image))


def name_of(shard: int, index: int) -> str:
    """An image's name below the folder of images; it says nothing of the label."""
    return f"{shard:05d}/{index:09d}.png"


def path_of(row: Row) -> str:
    """An image's name below the folder of its split."""
    return f"{IMAGES}/{name_of(row.shard, row.index)}"


def index_of(name: str) -> int:
    """An image's place in the set, from its name."""
    return int(Path(name).stem)


def encode(image: np.ndarray) -> bytes:
    """uint8 (H, W) or (H, W, 3) as the bytes of a PNG file."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG", compress_level=EFFORT)
    return buffer.getvalue()


def decode(content: bytes) -> np.ndarray:
    """The bytes of a PNG file as uint8 (H, W) or (H, W, 3)."""
    with Image.open(io.BytesIO(content)) as picture:
        return np.asarray(picture)


def load(path: Path) -> np.ndarray:
    """A PNG file as uint8 (H, W) or (H, W, 3)."""
    return decode(path.read_bytes())
