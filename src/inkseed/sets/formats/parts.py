"""Parts: what shards leave for a format to join into one file when the split is finished."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from inkseed.errors import InkseedError
from inkseed.sets.formats.registry import Shape
from inkseed.sets.labelled_number import LabelledNumber

PARTS = "parts"  # the folder of a split that holds them until it is finished


def check_one_size(shape: Shape, name: str) -> None:
    """Raise InkseedError for images of several widths, which no array holds."""
    if shape.width is None:
        raise InkseedError(f"{name} holds images of one width: give --width")


def part_path(folder: Path, shard: int, suffix: str) -> Path:
    """Where a shard's part lies, below a folder that is made if there is none."""
    place = folder / PARTS
    place.mkdir(parents=True, exist_ok=True)
    return place / f"{shard:06d}{suffix}"


def parts_of(folder: Path, suffix: str) -> list[Path]:
    """The parts of a split, in the order of the set."""
    return sorted((folder / PARTS).glob(f"*{suffix}"))


def is_joined(path: Path) -> bool:
    """Whether a file is a part that may be gone, since its split has what was made of the parts."""
    home = path.parent
    if home.name != PARTS or not home.parent.is_dir():
        return False
    return any(each.name != PARTS and each.name[0] != "." for each in home.parent.iterdir())


def write_part(into: Path, shard: int, numbers: Sequence[LabelledNumber]) -> None:
    """Write a shard's images as one array (n, H, W) or (n, H, W, 3)."""
    images = np.stack([number.image for number in numbers])
    np.save(part_path(into, shard, ".npy"), images, allow_pickle=False)


def images_of(folder: Path, count: int) -> Iterator[np.ndarray]:
    """The arrays that shards left, one at a time.

    Raises InkseedError at their end unless they hold `count` images.
    """
    found = 0
    for path in parts_of(folder, ".npy"):
        images = np.load(path, allow_pickle=False)
        found += len(images)
        yield images
    check_count(folder, found, count)


def check_count(folder: Path, found: int, count: int) -> None:
    """Raise InkseedError unless the parts hold as many images as there are rows."""
    if found != count:
        raise InkseedError(
            f"{folder / PARTS} holds {found:,} images where {count:,} are known: remove {folder},"
            " and the same command draws them again"
        )


def join_once(folder: Path, joined: Sequence[Path], join: Callable[[], object]) -> None:
    """Let `join` make files of the parts unless they are there, then remove the parts.

    So it can be stopped at any moment and begun again.
    """
    if not all(path.exists() for path in joined):
        join()
    shutil.rmtree(folder / PARTS, ignore_errors=True)
