"""Pictures of digits in ten ways that were once misread: makers as in `kinds`."""

from pathlib import Path

import numpy as np
from PIL import Image

from .kinds import Maker, blend

TURNED_RIGHT = 6  # the value of EXIF's orientation


def plain(path: Path, ink: np.ndarray, k: int) -> None:
    """Black on white, 28x28, as MNIST is usually unpacked."""
    Image.fromarray(255 - ink).save(f"{path}.png")


def exif(path: Path, ink: np.ndarray, k: int) -> None:
    """A phone's JPEG: it lies on its side, and its EXIF says so."""
    tags = Image.Exif()
    tags[0x0112] = TURNED_RIGHT
    lying = Image.fromarray(np.rot90(255 - ink).copy())
    lying.save(f"{path}.jpg", quality=95, exif=tags)


def dim_paper(path: Path, ink: np.ndarray, k: int) -> None:
    """Grey paper, 110 of 255, and ink of 20."""
    Image.fromarray(blend(ink, 110, 20)).save(f"{path}.png")


def mixed_paper(path: Path, ink: np.ndarray, k: int) -> None:
    """Light on dark and dark on light in one set."""
    Image.fromarray(ink if k % 2 else 255 - ink).save(f"{path}.png")


def zero_one(path: Path, ink: np.ndarray, k: int) -> None:
    """Masks of the values 0 and 1."""
    Image.fromarray((ink > 127).astype(np.uint8)).save(f"{path}.png")


def black_on_clear(path: Path, ink: np.ndarray, k: int) -> None:
    """Black strokes, transparent paper."""
    Image.fromarray(np.dstack([np.zeros((28, 28, 3), np.uint8), ink])).save(f"{path}.png")


def white_on_clear(path: Path, ink: np.ndarray, k: int) -> None:
    """White strokes, transparent paper."""
    Image.fromarray(np.dstack([np.full((28, 28, 3), 255, np.uint8), ink])).save(f"{path}.png")


def half_webp(path: Path, ink: np.ndarray, k: int) -> None:
    """PNG and WebP side by side."""
    Image.fromarray(255 - ink).save(f"{path}.{('png', 'webp')[k % 2]}")


def all_webp(path: Path, ink: np.ndarray, k: int) -> None:
    """Nothing but WebP."""
    Image.fromarray(255 - ink).save(f"{path}.webp")


def tight(path: Path, ink: np.ndarray, k: int) -> None:
    """Cropped to the ink: hardly two of one size."""
    box = Image.fromarray(ink).point(lambda level: 255 * (level > 40)).getbbox()
    Image.fromarray(255 - ink).crop(box).save(f"{path}.png")


NAMED: tuple[Maker, ...] = (
    plain, exif, dim_paper, mixed_paper, zero_one, black_on_clear, white_on_clear, half_webp,
    all_webp, tight,
)  # fmt: skip
