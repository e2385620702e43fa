"""Read a user's own labelled images: `folder/<label>/*.png` or .jpg and so on."""

import unicodedata
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from PIL import Image, UnidentifiedImageError

from inkseed.data.labelled import LabelledImages, paper_is_light
from inkseed.errors import InkseedError
from inkseed.labels import check_class_name

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")
Paper = Literal["auto", "light", "dark"]


def read_folder(
    folder: str | Path, image_size: tuple[int, int] | None = None, paper: Paper = "auto"
) -> LabelledImages:
    """Read `folder/<label>/*.png` as grey images with ink 255, classes in the order of their names.

    `image_size` (height, width) resizes every image, bilinear; without it all must share one size.
    `paper` says what the files show: dark ink on "light" paper, the reverse, or "auto", which asks
    the borders of all images together. Names that are numbers sort as numbers.
    Raises InkseedError, naming the file, for anything that cannot be read as such.
    """
    folder = Path(folder)
    if paper not in get_args(Paper):
        raise InkseedError(f"paper must be one of {', '.join(get_args(Paper))}, not {paper!r}")
    if not folder.is_dir():
        raise InkseedError(f"{folder} is not a folder: give one that holds a folder for each label")
    classes = sorted(
        (child for child in folder.iterdir() if child.is_dir() and not _is_clutter(child)),
        key=_by_number_or_name,
    )
    names = tuple(check_class_name(unicodedata.normalize("NFC", child.name)) for child in classes)
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InkseedError(f"{folder} holds two folders for the label {twice!r}: join them")
    if classes and (astray := _pictures(folder)):
        raise InkseedError(f"{astray[0]} has no label: move it into a folder of its label's name")
    files = [(k, path) for k, child in enumerate(classes) for path in _pictures(child)]
    if not files:
        raise InkseedError(f"{folder} holds no images: they belong in {folder}/<label>/*.png")

    pixels = [_read_grey(path, image_size) for _, path in files]
    for (_, path), image in zip(files, pixels, strict=True):
        if image.shape != pixels[0].shape:
            (h, w), (h0, w0) = image.shape, pixels[0].shape
            raise InkseedError(
                f"{path} is {h}x{w} but {files[0][1]} is {h0}x{w0}: give an image size to "
                "resize to, as --size 28"
            )
    images = np.stack(pixels)
    if paper == "light" or (paper == "auto" and paper_is_light(images)):
        images = 255 - images
    labels = np.array([k for k, _ in files], np.int64)
    return LabelledImages(images, labels, names)


def _pictures(folder: Path) -> list[Path]:
    return sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in SUFFIXES and not _is_clutter(path)
    )


def _is_clutter(path: Path) -> bool:
    """What file managers and archives leave lying about."""
    return path.name.startswith(".") or path.name == "__MACOSX"


def _by_number_or_name(child: Path) -> tuple[bool, int, str]:
    number = child.name.isdecimal()
    return not number, len(child.name.lstrip("0")) if number else 0, child.name


def _read_grey(path: Path, image_size: tuple[int, int] | None) -> np.ndarray:
    try:
        if path.exists() and not path.is_file():  # a pipe would be waited for
            raise OSError("no file")
        with Image.open(path) as opened:
            picture: Image.Image = opened
            if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
                rgba = picture.convert("RGBA")  # what is transparent is paper, not black ink
                picture = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)
            if picture.mode.startswith("I;16"):  # Pillow clips these where it should scale
                picture = Image.fromarray((np.asarray(picture) >> 8).astype(np.uint8))
            grey = picture.convert("L")
            if image_size is not None and (grey.height, grey.width) != image_size:
                grey = grey.resize(image_size[::-1], Image.Resampling.BILINEAR)
            return np.asarray(grey)
    except (
        UnidentifiedImageError,
        Image.DecompressionBombError,
        OSError,
        ValueError,
        SyntaxError,
    ) as error:
        raise InkseedError(f"{path} cannot be read as a picture: mend or remove it") from error
