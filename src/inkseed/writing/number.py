"""A string of digits -> one picture of the whole number, in one hand, with each digit's box."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image
from torch import Tensor

from inkseed.checks import whole_number
from inkseed.data.pairs import PAIRS
from inkseed.judges import judge_a
from inkseed.labels import check_not_nan, check_number
from inkseed.model.hand import AnyHand, DrawnHand
from inkseed.model.loading import load
from inkseed.model.model import Model
from inkseed.model.redraw import sample_confident
from inkseed.model.request import LAST_SEED, Request
from inkseed.model.samples import Samples
from inkseed.model.sampling import SamplingOptions
from inkseed.model.style import USUAL, draw_styles
from inkseed.model.weights import DEFAULT_MODEL
from inkseed.nn.precision import FLOAT32
from inkseed.noise import Strategy
from inkseed.outline import Outlined
from inkseed.pictures import png, save_picture
from inkseed.samplers import Sampler
from inkseed.writing.reading import SURE, digits_in
from inkseed.writing.seam import part_pairs
from inkseed.writing.typesetting import Box, gaps, typeset

FILLER = "1"  # stands beside an odd last digit, and is cut off: the narrowest, so it rarely touches
BESIDE_1 = "3"  # stands beside a last 1, since two 1s may be drawn on each other (docs/numbers.md)
LEGIBLE = 1.6  # guide_w at least: a number is to be read, and need not vary as a set does


@dataclass(repr=False)
class Number(Outlined):
    """A written number. `image` is mode L, dark ink on paper 255."""

    text: str
    image: Image.Image
    boxes: list[Box]  # one a digit: (x0, y0, x1, y1), half-open pixels of `image`, tight round ink;
    # empty where there is none
    samples: Samples  # the model's images that it is made of: a digit each, or two
    nfe: int  # network evaluations for the whole number
    hand: AnyHand | None = None  # that it is written in; None: the model knows none
    slant: float | None = None  # in degrees; None: the hand's own, or the model knows no style
    thickness: float | None = None  # in pixels of the model's images
    redrawn: int = 0  # images that were drawn again because judge A doubted them
    doubted: list[int] = field(default_factory=list)  # places that it doubts still; without a
    # check, those where a digit is missing or lies on its neighbour

    def save(self, path: str | Path) -> None:
        """Write the picture in the format of the path's suffix."""
        save_picture(self.image, path)

    def _repr_png_(self) -> bytes:
        """What a notebook shows."""
        return png(self.image)

    def layout(self) -> dict[str, Any]:
        """What stands where in the picture, and where that is in doubt, as plain values."""
        width, height = self.image.size
        size = {"width": width, "height": height}
        return {"number": self.text, **size, "boxes": self.boxes, "doubted": self.doubted}

    def facts(self) -> dict[str, Any]:
        """How it was drawn, as plain values; a style that was left free is null."""
        asked = {"slant": self.slant, "thickness": self.thickness}
        style = {name: None if value is None else float(value) for name, value in asked.items()}
        free = {name: None for name, value in style.items() if value is None or value != value}
        return {
            "guide_w": float(self.samples.guide_w[0]),
            **self.samples.how.facts(),
            "nfe": self.nfe,
            "hand": None if self.hand is None else self.hand.name,
            **style,
            **free,
            "redrawn": self.redrawn,
        }


class Part(NamedTuple):
    """What the model draws as one image: its label, of which the first `digits` are wanted."""

    label: str
    digits: int


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
    check: bool = False,
    *,
    spacing: str | None = None,
    guide_interval: tuple[float, float | None] | None = None,
    precision: str = FLOAT32,
    hand: AnyHand | None = None,
) -> Number:
    """Draw every digit of `number`, leading zeros too, and set them on one line, in one hand.

    A model of single digits draws one an image, a model of 00 to 99 two. All share a hand: the one
    given, as `Model.hand_of` or `load_hand` gives it, or else one that nobody has, drawn by the
    seed; `number.hand` writes other numbers in it. Where the model knows no hand, they share the
    seed's slant and thickness instead; either may be given anyway. A model that is guided by
    default is so by 1.6 or more unless `guide_w` says otherwise. Image k begins from the noise
    stream (seed, k); the rest is as in `Model.sample`, but for the precision: float32, so that
    other machines write the same picture within rounding. With `check` judge A reads the picture,
    and what it doubts is drawn again, up to 10 times, as `inkseed.model.redraw` does it. It doubts
    every digit that lacks ink or lies on its neighbour (`inkseed.data.least_ink`,
    `inkseed.writing.overlap`).
    Raises InkseedError for anything but 1 to 64 of the characters 0-9, or for a model without those
    classes.
    """
    text = check_number(number)
    seed = whole_number(seed, "seed", 0, LAST_SEED)
    model = model if isinstance(model, Model) else load(model)
    parts = parts_of(text, model)
    owners = [k for k, part in enumerate(parts) for _ in range(part.digits)]
    style = {"slant": slant, "thickness": thickness}
    for name, value in style.items():
        check_not_nan(value, name)
    if model.knows_hands:
        hand = DrawnHand(seed) if hand is None else hand
    else:
        usual = draw_styles(model.styles, seed, [0], USUAL)
        free = [name for name, value in style.items() if value is None and name in usual]
        style |= {name: float(usual[name][0]) for name in free}
    request = Request(
        model.indices([part.label for part in parts]),
        seed,
        SamplingOptions(
            guidance_of(model, guide_w), sampler, steps, spacing, guide_interval, None, precision
        ),
        style,
        noise,
        candidates,
        hand=hand,
    )
    spaces = gaps(len(parts) - 1, seed)
    digits = np.array(list(map(int, text)))

    def set_(images: np.ndarray) -> tuple[Image.Image, list[Box]]:
        return typeset(blocks_of(images, parts), spaces)

    def confidence(images: np.ndarray, rows: np.ndarray) -> np.ndarray:
        worst = np.ones(len(parts))
        np.minimum.at(worst, owners, probabilities(*set_(images), digits))
        return worst[rows]

    if check:
        found = sample_confident(model, request, confidence, SURE, False, on_evaluations)
        samples, redrawn = found.samples, found.redrawn
    else:
        samples, redrawn = model.sample_request(request, on_evaluations), 0
    image, boxes = set_(samples.images)
    clear = probabilities(image, boxes, digits) >= SURE if check else standing(image, boxes, digits)
    return Number(
        text=text,
        image=image,
        boxes=boxes,
        samples=samples,
        nfe=samples.evaluations,
        hand=hand,
        slant=style["slant"],
        thickness=style["thickness"],
        redrawn=redrawn,
        doubted=np.flatnonzero(~clear).tolist(),
    )


def guidance_of(model: Model, guide_w: float | None) -> float:
    """The guidance of a number: what is asked for, or enough of it to be read."""
    if guide_w is not None:
        return guide_w
    own = model.settings().guide_w
    return max(own, LEGIBLE) if own else own


def parts_of(text: str, model: Model) -> list[Part]:
    """The images that a number is made of: two digits each, if the model draws such."""
    if model.class_names != PAIRS:
        return [Part(digit, 1) for digit in text]
    pairs = [text[k : k + 2] for k in range(0, len(text), 2)]
    filler = BESIDE_1 if pairs[-1] == FILLER else FILLER
    return [Part(pair.ljust(2, filler), len(pair)) for pair in pairs]


def blocks_of(images: np.ndarray, parts: Sequence[Part]) -> list[np.ndarray]:
    """uint8 (N, H, W) -> for each image uint8 (digits, h, w), each digit's ink by itself."""
    if all(len(part.label) == 1 for part in parts):
        return [image[None] for image in images]
    apart = part_pairs(images)
    return [block[: part.digits] for block, part in zip(apart, parts, strict=True)]


def standing(image: Image.Image, boxes: Sequence[Box], digits: np.ndarray) -> np.ndarray:
    """Whether each of the digits (K,) of a picture may be where its box is: bool (K,)."""
    return digits_in(image, boxes).possible[np.arange(len(digits)), digits]


def probabilities(image: Image.Image, boxes: Sequence[Box], digits: np.ndarray) -> np.ndarray:
    """Judge A's confidence in each of the digits (K,) of a picture: (K,)."""
    return digits_in(image, boxes).confidence(digits, judge_a())
