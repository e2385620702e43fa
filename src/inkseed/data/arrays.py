"""Labelled images in arrays: an .npz from `inkseed sample`, Keras or another library."""

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np

from inkseed.data.claims import Claim, check_bytes, check_set, sides_of
from inkseed.data.decode import UnreadableError
from inkseed.data.folder import by_number_or_name
from inkseed.data.levels import span_of
from inkseed.errors import InkseedError
from inkseed.labels import MOST_CLASSES, check_class_name

PAIRS = (  # names of images and labels: ours, Keras's, MedMNIST's, numpy's, others'
    ("images", "labels"),
    ("x_train", "y_train"),
    ("train_images", "train_labels"),
    ("arr_0", "arr_1"),
    ("x", "y"),
    ("X", "y"),
    ("data", "target"),
    ("data", "labels"),
)
GREY = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R 601


class ArrayPictures:
    """Images (N, H, W) on one scale of grey levels, with labels that are numbers or names.

    Also (N, H W) if square, and one or three channels before or after the sides. `transposed` means
    columns before rows. Raises InkseedError, which names `path`, for other arrays.
    """

    noun = "images"

    def __init__(
        self, images: np.ndarray, labels: np.ndarray, path: Path, transposed: bool = False
    ) -> None:
        self.path, self.images = path, _stacked(images, path)
        if transposed:
            self.images = self.images.swapaxes(1, 2)
        names = _names(labels, path)
        if len(names) != len(self.images):
            raise InkseedError(f"{path} holds {len(self.images)} images but {len(names)} labels")
        if not len(names):
            raise InkseedError(f"{path} holds no images")
        known, numbers = np.unique(names, return_inverse=True)
        if len(known) > MOST_CLASSES:
            raise InkseedError(f"{path} holds {len(known):,} unlike labels: too many to learn")
        self.class_names = tuple(sorted(map(str, known), key=by_number_or_name))
        for name in self.class_names:
            check_class_name(name)
        order = {name: k for k, name in enumerate(self.class_names)}
        self.labels = np.array([order[str(name)] for name in known], np.int64)[numbers]
        try:
            self.span = span_of(self.images)
        except ValueError as error:
            raise InkseedError(f"{path}: the images cannot be used: {error}") from error

    def __len__(self) -> int:
        return len(self.images)

    def name(self, k: int) -> str:
        """The image's number, from 1."""
        return f"number {k + 1}"

    def shape(self, k: int) -> tuple[int, int]:
        """Height and width."""
        return self.images.shape[1], self.images.shape[2]

    def load(self, k: int) -> np.ndarray:
        """Grey levels, float32 (H, W), 0 to 1. Raises UnreadableError."""
        try:
            levels = self.span.unit(self.images[k])
        except ValueError as error:
            raise UnreadableError(str(error)) from error
        return levels if levels.ndim == 2 else levels @ GREY


def read_npz(path: Path, transposed: bool = False) -> ArrayPictures:
    """Read images and labels from an .npz, under any of their usual names. Raises InkseedError."""
    arrays = NpzFile(path)
    for images, labels in PAIRS:
        if images in arrays.names and labels in arrays.names:
            check_set(arrays.claim(images), arrays.claim(labels), path)
            return ArrayPictures(arrays[images], arrays[labels], path, transposed)
    names = ", ".join(map(ascii, sorted(arrays.names)[:8])) or "none"
    raise InkseedError(f"{path} needs the arrays 'images' and 'labels'; it has {names}")


class NpzFile:
    """An .npz, opened without pickles, of which an array's claim is known before it is read.

    Raises InkseedError for a file that is missing, damaged or too large.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        if not path.is_file():
            raise InkseedError(f"no such file: {path}")
        with self._sound(), zipfile.ZipFile(path) as opened:
            self.names = {
                name.removesuffix(".npy") for name in opened.namelist() if name.endswith(".npy")
            }

    def claim(self, name: str) -> Claim:
        """The shape and type of an array, from its header."""
        return self._look(name)[0]

    def __getitem__(self, name: str) -> np.ndarray:
        claim, held = self._look(name)
        if claim.bytes > held:
            raise self._damaged()
        with self._sound(), np.load(self.path, allow_pickle=False) as opened:
            array: np.ndarray = opened[name]
            return array

    def _look(self, name: str) -> tuple[Claim, int]:
        """An array's claim, and the bytes that are there of it."""
        with self._sound(), zipfile.ZipFile(self.path) as opened:
            member = opened.getinfo(f"{name}.npy")
            with opened.open(member) as stream:
                claim, held = _header(stream), member.file_size - stream.tell()
        check_bytes(claim, f"{self.path}: {name}")
        return claim, held

    @contextmanager
    def _sound(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # zip, zlib and numpy's header parser raise a dozen kinds
            raise self._damaged() from error

    def _damaged(self) -> InkseedError:
        return InkseedError(f"{self.path} is damaged, or not an .npz: save it again by numpy.savez")


def _header(stream: IO[bytes]) -> Claim:
    version = np.lib.format.read_magic(stream)
    read = (
        np.lib.format.read_array_header_1_0
        if version == (1, 0)
        else (np.lib.format.read_array_header_2_0)
    )
    shape, _, dtype = read(stream)
    return Claim(shape, dtype)


def _stacked(images: np.ndarray, path: Path) -> np.ndarray:
    """Images as (N, H, W), or (N, H, W, 3) in colour."""
    height, width, channels = sides_of(images.shape, path)
    if images.ndim == 4 and images.shape[3] != channels:
        images = np.moveaxis(images, 1, 3)
    images = images.reshape(-1, height, width, channels)
    return images if channels > 1 else images[..., 0]


def _names(labels: np.ndarray, path: Path) -> np.ndarray:
    """Labels as text (N,): whole numbers, text, or one column of them."""
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim == 1:
        if labels.dtype.kind == "f" and np.isfinite(labels).all() and (labels % 1 == 0).all():
            labels = labels.astype(np.int64)
        try:
            if labels.dtype.kind in "US" or (labels.dtype.kind in "iu" and (labels >= 0).all()):
                return labels.astype(str)
        except UnicodeDecodeError:
            pass
    raise InkseedError(f"{path}: labels must be one whole number from 0, or text, for each image")
