"""The bundled MNIST: 60,000 training and 10,000 test digits (LeCun, Cortes and Burges)."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from inkseed.data.bundled import FOLDER, checked
from inkseed.data.idx import read_idx
from inkseed.data.labelled import LabelledImages
from inkseed.data.writers import load_writers

DIGITS = tuple("0123456789")


def load_mnist(train: bool, folder: str | Path = FOLDER) -> LabelledImages:
    """Return MNIST's training or test digits, 28x28, after checking each file's SHA-256.

    Args:
        train: the 60,000 training digits rather than the 10,000 test digits.
        folder: where the four published files are; by default those that inkseed bundles.

    Returns:
        The digits, their labels and their writers.

    Raises:
        InkseedError: if a file is missing or is not the published one.
    """
    part = "train" if train else "t10k"
    images, labels = (
        checked(Path(folder) / f"{part}-{kind}-ubyte.gz") for kind in ("images-idx3", "labels-idx1")
    )
    digits = read_idx_pair(images, labels, DIGITS)
    return replace(digits, writers=load_writers(train).numbers)


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
