"""The bundled MNIST: 60,000 training and 10,000 test digits (LeCun, Cortes and Burges)."""

import hashlib
from pathlib import Path

import numpy as np

from inkseed.data.idx import read_idx
from inkseed.data.labelled import LabelledImages
from inkseed.errors import InkseedError

FOLDER = Path(__file__).parent / "files"
DIGITS = tuple("0123456789")
SHA256 = {  # of the gzipped files, as published
    "t10k-images-idx3-ubyte.gz": (
        "1a1a05eab793c14bb050b398624a11b0ffd1a2953baed553b1b9bd079e2a20be"
    ),
    "t10k-labels-idx1-ubyte.gz": (
        "b91679a0acfe4ba0e50a2437a903084cba1f5f92592b016a25a7dfd00455798b"
    ),
    "train-images-idx3-ubyte.gz": (
        "0b367032e93c5d0cea0925647cfdb18614af8ee15f83e6f2fc2ad904a6835971"
    ),
    "train-labels-idx1-ubyte.gz": (
        "1787548bbe0bff1ec2ecdc0ef292b02df999e2d1a6002d27500982c652b17203"
    ),
}


def load_mnist(train: bool, folder: str | Path = FOLDER) -> LabelledImages:
    """Return MNIST's training or test digits, 28x28, after checking each file's SHA-256.

    Args:
        train: the 60,000 training digits rather than the 10,000 test digits.
        folder: where the four published files are; by default those that inkseed bundles.

    Returns:
        The digits and their labels.

    Raises:
        InkseedError: if a file is missing or is not the published one.
    """
    part = "train" if train else "t10k"
    names = (f"{part}-images-idx3-ubyte.gz", f"{part}-labels-idx1-ubyte.gz")
    for name in names:
        _check(Path(folder) / name)
    return read_idx_pair(Path(folder) / names[0], Path(folder) / names[1], DIGITS)


def read_idx_pair(
    images: str | Path, labels: str | Path, class_names: tuple[str, ...] | None = None
) -> LabelledImages:
    """Read a pair of IDX files, ink 255 on paper 0.

    Args:
        images: the file of the images, uint8 (N, H, W).
        labels: the file of the labels, (N,).
        class_names: the labels as people write them; by default "0" to the largest label.

    Returns:
        The labelled images.

    Raises:
        InkseedError: for files that are not IDX, are cut short, or do not belong together.
    """
    pixels, classes = read_idx(images, 3), read_idx(labels, 1)
    if class_names is None:
        class_names = tuple(str(k) for k in range(int(classes.max(initial=0)) + 1))
    return LabelledImages(pixels, classes.astype(np.int64), class_names)


def _check(path: Path) -> None:
    try:
        found = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise InkseedError(f"cannot read {path}: {error.strerror or error}") from error
    if found != SHA256[path.name]:
        raise InkseedError(f"{path} is not MNIST's published file (SHA-256 differs): reinstall")
