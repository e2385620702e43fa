"""Images as PNG files, in a folder for each shard: what several formats share."""

import io
from collections.abc import Iterable, Sequence
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
        write_files(into / IMAGES, shard, ((each.index, encode(each.image)) for each in numbers))


def write_files(
    place: Path, shard: int, contents: Iterable[tuple[int, bytes]], suffix: str = ".png"
) -> None:
    """Write (index, content) as files `<shard>/<index><suffix>` below a folder."""
    (place / f"{shard:06d}").mkdir(parents=True, exist_ok=True)
    for index, content in contents:
        with open(f"{place}/{name_of(shard, index, suffix)}", "wb") as opened:  # noqa: PTH123
            opened.write(content)  # a Path for each of a hundred thousand takes as long as its file


def name_of(shard: int, index: int, suffix: str = ".png") -> str:
    """A file's name below the folder of its kind; it says nothing of the label."""
    return f"{shard:06d}/{index:09d}{suffix}"


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
