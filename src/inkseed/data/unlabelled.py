"""Digits whose labels nobody asks for, as a hand needs them: from a folder, a sheet, a picture."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from inkseed.data.account import Account, Named
from inkseed.data.folder import PictureFiles, is_clutter, is_picture
from inkseed.data.form import SIDE
from inkseed.data.how_to_read import HowToRead
from inkseed.data.mnist import DIGITS
from inkseed.data.read import read_images, read_pictures
from inkseed.errors import InkseedError


class DigitsRead(NamedTuple):
    """What was read: uint8 images (k, 28, 28), ink 255, and the account of it."""

    images: np.ndarray
    account: Account


def read_digits(path: str | Path, how: HowToRead | None = None) -> DigitsRead:
    """Read digits, labelled or not, and bring them to MNIST's form; their labels are left out.

    Args:
        path: a folder of pictures, whose own folders are looked into too; one picture of a digit,
            or of a sheet of them; or whatever `read_images` reads.
        how: what to assume about the pictures, and what to change in them.

    Returns:
        The digits, and what was read and what was left out, as `account.line()` says it.

    Raises:
        InkseedError: if there is no digit.
    """
    path, how = Path(path), how or HowToRead()
    if path.is_dir() or (path.is_file() and is_picture(path)):
        read = read_pictures(UnlabelledPictures(path), (SIDE, SIDE), how)
    else:
        read = read_images(path, (SIDE, SIDE), how)
    return DigitsRead(read.images.images, read.account)


class UnlabelledPictures(PictureFiles):
    """A picture of digits, or those of a folder and of the folders in it.

    Raises InkseedError if there is none.
    """

    def __init__(self, path: Path) -> None:
        files, others = [path], Named()
        if path.is_dir():
            entries = [each for depth in ("*", "*/*") for each in sorted(path.glob(depth))]
            own = [each for each in entries if each.is_file() and not _among_clutter(each, path)]
            files = [each for each in own if is_picture(each)]
            for each in sorted({*own} - {*files}):
                others.add(str(each.relative_to(path)))
        if not files:
            raise InkseedError(
                f"{path} holds no pictures, nor do its folders: give the folder that they are in"
            )
        nobody_asks = np.zeros(len(files), np.int64)
        super().__init__(files, others, nobody_asks, DIGITS)


def _among_clutter(path: Path, folder: Path) -> bool:
    return any(is_clutter(Path(part)) for part in path.relative_to(folder).parts)
