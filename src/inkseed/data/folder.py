"""A labelled folder, `folder/<label>/*`: its pictures, or what is wrong with it."""

import unicodedata
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from inkseed.data.account import Named
from inkseed.data.decode import decode, picture_size, suffixes
from inkseed.errors import InkseedError
from inkseed.labels import check_class_name

CLUTTER = {"__MACOSX", "Thumbs.db", "desktop.ini"}  # left by systems and archives
PICTURES_TOO = {".heic", ".heif", ".pdf", ".svg", ".eps", ".jxl", ".dng", ".cr2", ".nef", ".psb"}
AT_MOST = 200  # entries of a folder that are examined to say what is wrong with it


class PictureFiles:
    """Pictures in files of any format.

    `moving` says which have several frames or pages, `others` counts all other files.
    """

    noun = "pictures"

    def __init__(
        self, files: Sequence[Path], others: Named, labels: np.ndarray, class_names: tuple[str, ...]
    ) -> None:
        self.files, self.others, self.labels, self.class_names = files, others, labels, class_names
        self.moving: set[int] = set()
        self.shapes = [picture_size(path) for path in files]

    def __len__(self) -> int:
        return len(self.files)

    def name(self, k: int) -> str:
        """`<folder>/<file>`."""
        return "/".join(self.files[k].parts[-2:])

    def shape(self, k: int) -> tuple[int, int] | None:
        """Height and width when upright, from the file's header."""
        return self.shapes[k]

    def load(self, k: int) -> np.ndarray:
        """Grey levels, float32 (H, W), 0 to 1. Raises UnreadableError."""
        decoded = decode(self.files[k])
        if decoded.frames > 1:
            self.moving.add(k)
        return decoded.grey


class FolderPictures(PictureFiles):
    """The pictures of a labelled folder, classes in the order of their names, numbers by value.

    Raises InkseedError for another layout.
    """

    def __init__(self, folder: Path) -> None:
        files, labels, others = [], [], Named()
        classes = sorted(
            (child for child in folder.iterdir() if child.is_dir() and not is_clutter(child)),
            key=lambda child: by_number_or_name(child.name),
        )
        for k, child in enumerate(classes):
            for path in sorted(child.iterdir()):
                if is_clutter(path):
                    continue
                if is_picture(path):
                    files.append(path)
                    labels.append(k)
                else:
                    others.add(f"{child.name}/{path.name}")
        if not files:
            raise InkseedError(_what_is_wrong(folder))
        names = tuple(check_class_name(unicodedata.normalize("NFC", each.name)) for each in classes)
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise InkseedError(f"{folder} holds two folders for the label {twice!r}: join them")
        if astray := _pictures(folder):
            raise InkseedError(
                f"{astray[0]} has no label: move it into a folder of its label's name"
            )
        super().__init__(files, others, np.array(labels, np.int64), names)


def by_number_or_name(name: str) -> tuple[bool, int, str]:
    """The sort key of labels: numbers by value, then names."""
    number = name.isdecimal()
    return not number, len(name.lstrip("0")) if number else 0, name


def _what_is_wrong(folder: Path) -> str:
    """Why a folder holds no `<label>/*` pictures: too high, too low, or empty."""
    higher = [child for child in _folders(folder) if any(map(_pictures, _folders(child)))]
    if len(higher) == 1:
        return f"{folder} is one level too high: give {higher[0]}"
    if higher and all(child.name.isdecimal() for child in higher):
        deep = next(child for child in _folders(higher[0]) if _pictures(child))
        return f"{deep} is one level too deep: pictures belong in {higher[0]}"
    if higher:
        best = next((child for child in higher if child.name.startswith("train")), higher[0])
        names = ", ".join(child.name for child in higher[:4])
        return f"{folder} is one level too high: it holds {names}; give one, such as {best}"
    if _pictures(folder):
        beside = sum(bool(_pictures(child)) for child in _folders(folder.resolve().parent))
        if beside > 1:
            return f"{folder} is one level too low: give {folder.resolve().parent}"
        return f"{folder} has no folder for each label: move its pictures to {folder}/<label>/"
    if idx := [path for path in _some(folder) if "idx3" in path.name]:
        return f"{folder} holds IDX files: give that of the images, {idx[0]}"
    return f"{folder} holds no images: put them into {folder}/<label>/"


def _folders(folder: Path) -> list[Path]:
    return [child for child in _some(folder) if child.is_dir() and not is_clutter(child)]


def _pictures(folder: Path) -> list[Path]:
    return [path for path in _some(folder) if not is_clutter(path) and is_picture(path)]


def is_picture(path: Path) -> bool:
    """Whether a file is a picture, by its suffix or, without one, by its content."""
    if path.is_dir():
        return False
    if not path.suffix:
        return picture_size(path) is not None
    return path.suffix.lower() in suffixes() | PICTURES_TOO


def _some(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())[:AT_MOST]
    except OSError:  # no permission
        return []


def is_clutter(path: Path) -> bool:
    """Whether nobody put it there on purpose."""
    return path.name.startswith(".") or path.name in CLUTTER
