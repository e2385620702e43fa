"""A string of digits -> one picture of the whole number, in one hand, with each digit's box."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image
from torch import Tensor

from inkseed.checks import whole_number
from inkseed.data.pairs import PAIRS
from inkseed.judges import JudgeA
from inkseed.labels import MAX_DIGITS, check_number
from inkseed.model.hand import USUAL, draw_hands
from inkseed.model.loading import load
from inkseed.model.model import Model, Samples
from inkseed.model.request import LAST_SEED
from inkseed.model.weights import DEFAULT_MODEL
from inkseed.nn.precision import FLOAT32
from inkseed.noise import Strategy
from inkseed.outline import Outlined
from inkseed.pictures import png, save_picture
from inkseed.samplers import Sampler
from inkseed.writing.reading import ATTEMPTS, SURE, digits_in
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
    samples: Samples  # what the model drew at first: a digit an image, or two
    nfe: int  # network evaluations for the whole number
    slant: float | None = None  # the hand's, in degrees; None: the model knows no style
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
) -> Number:
    """Draw every digit of `number`, leading zeros too, and set them on one line, in one hand.

    A model of single digits draws one an image, a model of 00 to 99 two. All share a slant and a
    thickness: those given, or the seed's. A model that is guided by default is so by 1.6 or more
    unless `guide_w` says otherwise. Image k begins from the noise stream (seed, k); the rest is as
    in `Model.sample`, but for the precision: float32, so that other machines write the same picture
    within rounding. With `check` judge A reads the picture, and what it doubts is drawn again,
    up to 10 times, from other streams; what it is surest of stays. It is sure of no digit that
    lacks ink or lies on its neighbour (`inkseed.data.least_ink`, `inkseed.writing.overlap`).
    Raises InkseedError for anything but 1 to 64 of the characters 0-9, or for a model without those
    classes.
    """
    text = check_number(number)
    seed = whole_number(seed, "seed", 0, LAST_SEED)
    model = model if isinstance(model, Model) else load(model)
    parts = parts_of(text, model)
    owners = [k for k, part in enumerate(parts) for _ in range(part.digits)]
    hand: dict[str, float | None] = {
        name: float(value) for name, (value,) in draw_hands(model.styles, seed, [0], USUAL).items()
    }
    asked = {"slant": slant, "thickness": thickness}
    hand = {name: hand.get(name) if value is None else value for name, value in asked.items()}
    guide_w = guidance_of(model, guide_w)

    def draw(
        wanted: list[Part], first: int, noise: str | Tensor | Strategy
    ) -> tuple[Samples, list[np.ndarray]]:
        samples = model.sample(
            *(model.indices([part.label for part in wanted]), seed, guide_w, sampler, steps),
            spacing=spacing,
            guide_interval=guide_interval,
            precision=precision,
            slant=hand["slant"],
            thickness=hand["thickness"],
            noise=noise,
            candidates=candidates,
            first=first,
            on_evaluations=on_evaluations,
        )
        return samples, blocks_of(samples.images, wanted)

    samples, blocks = draw(parts, 0, noise)
    spaces = gaps(len(parts) - 1, seed)
    written = Number(
        *(text, *typeset(blocks, spaces), samples, samples.nfe * len(parts)),
        *(hand["slant"], hand["thickness"]),
    )
    if not check:
        written.doubted = np.flatnonzero(~standing(written)).tolist()
        return written
    again = "gaussian" if isinstance(noise, Tensor) else noise  # the caller's own is for once
    sure = surety(written, owners)
    for attempt in range(1, ATTEMPTS + 1):
        unsure = np.flatnonzero(sure < SURE).tolist()
        if not unsure:
            break
        others = list(blocks)
        for k in unsure:
            other, (others[k],) = draw([parts[k]], k + attempt * MAX_DIGITS, again)
            written.nfe += other.nfe
            written.redrawn += 1
        tried = replace(written)
        tried.image, tried.boxes = typeset(others, spaces)
        better = surety(tried, owners) > sure
        blocks = [b if up else a for a, b, up in zip(blocks, others, better, strict=True)]
        written.image, written.boxes = typeset(blocks, spaces)
        sure = surety(written, owners)
    written.doubted = np.flatnonzero(probabilities(written) < SURE).tolist()
    return written


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


def standing(number: Number) -> np.ndarray:
    """Whether each digit of a written number may be where its box is: bool (digits,)."""
    digits = _digits_of(number)
    return digits_in(number.image, number.boxes).possible[np.arange(len(digits)), digits]


def probabilities(number: Number) -> np.ndarray:
    """How sure judge A is of each digit of a written number: (digits,)."""
    return digits_in(number.image, number.boxes).surety(_digits_of(number), JudgeA())


def surety(number: Number, owners: Sequence[int]) -> np.ndarray:
    """How sure judge A is of each image's worst digit, where `owners` says whose each digit is."""
    worst = np.ones(max(owners) + 1)
    np.minimum.at(worst, owners, probabilities(number))
    return worst


def _digits_of(number: Number) -> np.ndarray:
    return np.array(list(map(int, number.text)))
