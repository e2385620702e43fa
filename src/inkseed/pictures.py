"""Pictures for people: dark ink on light paper, in captioned bands, as stills or GIFs."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from inkseed.errors import InkseedError
from inkseed.files import write_atomically

PAPER = 255
GREY = 96  # captions
GIF_SHADES = 32  # noise does not compress: fewer greys make a GIF half as large
LEAST_MS = 40  # of a frame of a GIF
MARGIN = 8  # pixels around and between bands


class Band(NamedTuple):
    """One captioned block of a figure: uint8 images (N, H, W), ink 255, row by row."""

    caption: str
    images: np.ndarray


def draw_bands(bands: Sequence[Band], columns: int, scale: int = 2) -> Image.Image:
    """Stack bands from top to bottom, each `columns` images wide, its caption above it."""
    font = ImageFont.load_default(size=7 * scale)
    caption_height = 11 * scale
    blocks = [tile(band.images, columns, scale) for band in bands]
    width = max(block.width for block in blocks) + 2 * MARGIN
    height = sum(block.height + caption_height + MARGIN for block in blocks) + MARGIN
    figure = Image.new("L", (width, height), PAPER)
    draw = ImageDraw.Draw(figure)
    y = MARGIN
    for band, block in zip(bands, blocks, strict=True):
        draw.text((MARGIN, y), band.caption, fill=GREY, font=font)
        figure.paste(block, (MARGIN, y + caption_height))
        y += block.height + caption_height + MARGIN
    return figure


def beside(left: Image.Image, right: Image.Image) -> Image.Image:
    """Two figures of equal height, side by side."""
    figure = Image.new("L", (left.width + right.width, left.height), PAPER)
    figure.paste(left, (0, 0))
    figure.paste(right, (left.width, 0))
    return figure


def save_picture(picture: Image.Image, path: str | Path) -> None:
    """Write a picture in the format of the path's suffix, whole or not at all."""
    form = Image.registered_extensions().get(Path(path).suffix.lower())
    if form not in Image.SAVE:
        raise InkseedError(f"{str(path)!r} must end in .png or another picture suffix")
    write_atomically(path, lambda opened: picture.save(opened, form))


def save_gif(
    frames: Sequence[Image.Image], path: str | Path, shares: Sequence[float], seconds: float = 4.0
) -> None:
    """Write frames as a GIF that plays for about `seconds`, rests on the last one and repeats.

    Each frame but the last is shown for its share (N - 1,) of that time, but for no less than
    LEAST_MS, which eyes and browsers can follow.
    """
    frames = [frame.quantize(GIF_SHADES) for frame in frames]
    durations = [max(LEAST_MS, round(1000 * seconds * share)) for share in shares] + [2000]
    write_atomically(
        path,
        lambda opened: frames[0].save(
            opened, "GIF", save_all=True, append_images=frames[1:], duration=durations, loop=0
        ),
    )


def png(picture: Image.Image) -> bytes:
    """A picture as the bytes of a PNG file."""
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def tile(images: np.ndarray, columns: int, scale: int = 2) -> Image.Image:
    """Lay out uint8 images (N, H, W), ink 255, row by row: dark ink on light paper, enlarged."""
    count, height, width = images.shape
    rows = -(-count // columns)
    sheet = np.full((rows * height, columns * width), PAPER, np.uint8)
    for k, image in enumerate(images):
        y, x = k // columns * height, k % columns * width
        sheet[y : y + height, x : x + width] = PAPER - image
    picture = Image.fromarray(sheet)
    return picture.resize((picture.width * scale, picture.height * scale), Image.Resampling.NEAREST)
