"""Read labelled images from whatever they are kept in."""

import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np

from inkseed.checks import sides
from inkseed.data.account import Account
from inkseed.data.arrays import ArrayPictures, read_npz
from inkseed.data.claims import MOST_SIDE, check_set
from inkseed.data.csv_rows import read_csv
from inkseed.data.folder import FolderPictures, PictureFiles
from inkseed.data.how_to_read import Form, HowToRead, PaperChoice
from inkseed.data.idx import idx_claim, read_idx
from inkseed.data.labelled import LabelledImages
from inkseed.errors import InkseedError

EMNIST_HINT = "EMNIST's own files are transposed: --transposed turns them"


class Reading(NamedTuple):
    """What was read of a set.

    Attributes:
        images: the labelled images.
        kept: int64 (N,): for each image, the picture or row that it came from.
        account: what was read and what was left out; `account.line()` says it in one line.
    """

    images: LabelledImages
    kept: np.ndarray
    account: Account


def read_images(
    path: str | Path, image_size: tuple[int, int] | None = None, how: HowToRead | None = None
) -> Reading:
    """Read labelled images, ink 255 on paper 0, from whatever they are kept in.

    Ink is told from paper by contrast, picture by picture, whichever is lighter. Proportions are
    kept. Blank or unreadable pictures are left out, as the account says.

    Args:
        path: a folder `<label>/*` of pictures, an .npz with images and labels, either file of an
            IDX pair, or a CSV with a label and its pixels on each line.
        image_size: (height, width) to resize to. Without it, pictures of one size keep theirs, and
            others become 28x28.
        how: what to assume about the pictures, and what to change in them.

    Returns:
        The images, where each came from, and the account.

    Raises:
        InkseedError: if nothing is left, `path` is none of these, or the size is impossible.
    """
    path, how = Path(path), how or HowToRead()
    if image_size is not None:
        image_size = sides(image_size, "image_size", 1, MOST_SIDE)
    if path.is_dir():
        return read_pictures(FolderPictures(path), image_size, how)
    from inkseed.data.whole_set import Gathered  # with scipy, for which `write` need not wait

    arrays = _arrays(path, how.transposed)
    gathered = Gathered(arrays, image_size, how)
    if path.name.startswith("emnist") and not how.transposed:
        gathered.account.notes.append(EMNIST_HINT)
    return Reading(*gathered.result())


def read_pictures(
    pictures: PictureFiles, image_size: tuple[int, int] | None, how: HowToRead
) -> Reading:
    """What pictures in files hold, as `read_images` reads it. Raises InkseedError for nothing."""
    from inkseed.data.whole_set import Gathered

    gathered = Gathered(pictures, image_size, how)
    gathered.account.others = pictures.others
    for k in sorted(pictures.moving):
        gathered.account.moving.add(pictures.name(k))
    return Reading(*gathered.result())


def read_folder(
    folder: str | Path,
    image_size: tuple[int, int] | None = None,
    paper: PaperChoice = "auto",
    form: Form = "auto",
) -> LabelledImages:
    """Read `folder/<label>/*` as grey images with ink 255.

    The same as `read_images` for a folder, but a warning says what was left out.

    Args:
        folder: holds one folder for each label.
        image_size: (height, width) to resize to; see `read_images`.
        paper: what the pictures show; see `HowToRead`.
        form: whether to bring digits to MNIST's form; see `HowToRead`.

    Returns:
        The images; classes are in the order of their names, numbers in numerical order.

    Raises:
        InkseedError: if `folder` is not a folder, or no image is left.
    """
    if not Path(folder).is_dir():
        raise InkseedError(
            f"{folder} is not a folder that holds a folder for each label: inkseed.data.read_images"
            " reads files"
        )
    images, _, account = read_images(folder, image_size, HowToRead(paper, form))
    if not account.complete:
        warnings.warn(account.line(), stacklevel=2)
    return images


def _arrays(path: Path, transposed: bool) -> ArrayPictures:
    name = path.name.lower().removesuffix(".gz")
    if path.exists() and not path.is_file():  # a pipe would be waited for
        raise InkseedError(f"{path} is not a file")
    if name.endswith(".npz"):
        return read_npz(path, transposed)
    if name.endswith(".csv"):
        return read_csv(path, transposed)
    if not path.exists():
        raise InkseedError(f"no such file or folder: {path}")
    if "idx" in name or _begins_as_idx(path):
        images, labels = _idx_pair(path)
        check_set(idx_claim(images, 3), idx_claim(labels, 1), path)
        return ArrayPictures(read_idx(images, 3), read_idx(labels, 1), path, transposed)
    raise InkseedError(
        f"{path} is not a set: give a folder with a folder per label, an .npz with images and"
        " labels, an IDX file, or a .csv"
    )


def _begins_as_idx(path: Path) -> bool:
    with path.open("rb") as opened:
        return opened.read(2) in (b"\0\0", b"\x1f\x8b")


def _idx_pair(path: Path) -> tuple[Path, Path]:
    """The files of images and labels, given either: `...images-idx3...`, `...labels-idx1...`."""
    to_labels = (("images", "labels"), ("idx3", "idx1"))
    other = path.name
    given_labels = "labels" in path.name or "idx1" in path.name
    for images, labels in to_labels:
        other = other.replace(labels, images) if given_labels else other.replace(images, labels)
    partner = path.with_name(other)
    if not partner.is_file():
        # gzipped or not, whichever exists
        packed = partner.with_name(
            other.removesuffix(".gz") if other.endswith(".gz") else f"{other}.gz"
        )
        if other == path.name or not packed.is_file():
            raise InkseedError(f"{path} is one file of a pair: put {other} beside it")
        partner = packed
    return (partner, path) if given_labels else (path, partner)
