"""A string of digits -> one picture of the whole number, each digit's ink box with it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from torch import Tensor

from inkseed.labels import check_number
from inkseed.model import Model, Samples, load
from inkseed.noise import Strategy
from inkseed.pictures import PAPER, save_picture
from inkseed.samplers import Sampler
from inkseed.weights import DEFAULT_MODEL

INK = 64  # a pixel at least this much darker than paper is ink
SCALE = 4  # picture pixels for each of the model's, so that a person need not squint

Box = tuple[int, int, int, int]


@dataclass
class Number:
    """A written number. `image` is mode L, dark ink on paper 255."""

    text: str
    image: Image.Image
    boxes: list[Box]  # one a digit: (x0, y0, x1, y1), half-open pixels of `image`, tight round ink
    samples: Samples  # the digits as the model drew them

    @property
    def nfe(self) -> int:
        """Network evaluations for the whole number."""
        return self.samples.nfe * len(self.text)

    def save(self, path: str | Path) -> None:
        """Write the picture in the format of the path's suffix."""
        save_picture(self.image, path)


def write(
    number: str,
    seed: int = 0,
    guide_w: float | None = None,
    model: str | Path | Model = DEFAULT_MODEL,
    sampler: str | Sampler | None = None,
    steps: int | None = None,
    noise: str | Tensor | Strategy = "gaussian",
    candidates: int | None = None,
    on_evaluations: Callable[[int], object] | None = None,
    slant: float | None = None,
    thickness: float | None = None,
) -> Number:
    """Draw every digit of `number`, leading zeros too, and set them side by side.

    Digit k begins from the noise stream (seed, k); the rest is as in `Model.sample`. Raises
    InkseedError for anything but 1 to 64 of the characters 0-9, or for a model without those
    classes.
    """
    text = check_number(number)
    model = model if isinstance(model, Model) else load(model)
    samples = model.sample(
        *(model.indices(text), seed, guide_w, sampler, steps),
        slant=slant,
        thickness=thickness,
        noise=noise,
        candidates=candidates,
        on_evaluations=on_evaluations,
    )
    image, boxes = compose(samples.images)
    return Number(text, image, boxes, samples)


def compose(images: np.ndarray) -> tuple[Image.Image, list[Box]]:
    """Set uint8 images (N, H, W), ink 255, side by side; return the picture and each one's box."""
    height, cell = images.shape[1] * SCALE, images.shape[2] * SCALE
    picture = Image.new("L", (cell * len(images), height), PAPER)
    for k, image in enumerate(images):  # each by itself: no digit's ink bleeds into its neighbour
        digit = Image.fromarray(PAPER - image).resize((cell, height), Image.Resampling.BICUBIC)
        picture.paste(digit, (k * cell, 0))
    ink = PAPER - np.asarray(picture).astype(int) >= INK
    return picture, [_ink_box(ink[:, x : x + cell], x) for x in range(0, picture.width, cell)]


def _ink_box(ink: np.ndarray, left: int) -> Box:
    """The tight box round the true pixels of one digit's cell; the whole cell if it is blank."""
    rows, columns = np.flatnonzero(ink.any(1)), np.flatnonzero(ink.any(0))
    if len(rows) == 0:
        return left, 0, left + ink.shape[1], ink.shape[0]
    return (
        left + int(columns[0]),
        int(rows[0]),
        left + int(columns[-1]) + 1,
        int(rows[-1]) + 1,
    )
