"""Write a string of digits: one picture of the whole number, in one hand, with boxes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image
from torch import Tensor

from inkseed.checks import real_number, whole_number
from inkseed.data.pairs import PAIRS
from inkseed.errors import InkseedError
from inkseed.files import write_atomically
from inkseed.judges import judge_a
from inkseed.labels import check_number
from inkseed.model.hand import AnyHand, DrawnHand, Hand
from inkseed.model.loading import load
from inkseed.model.model import Model
from inkseed.model.redraw import sample_confident
from inkseed.model.request import Request
from inkseed.model.samples import Samples
from inkseed.model.sampling import SamplingOptions
from inkseed.model.style import USUAL, draw_styles
from inkseed.model.weights import DEFAULT_MODEL
from inkseed.nn.precision import FLOAT32
from inkseed.noise import Strategy
from inkseed.outline import Outlined
from inkseed.pictures import png, save_picture
from inkseed.rng import LAST_SEED
from inkseed.samplers import Sampler
from inkseed.writing.reading import DIGIT_CONFIDENCE, digits_in
from inkseed.writing.seam import part_pairs
from inkseed.writing.typesetting import Box, gaps, typeset
from inkseed.writing.vector import FORMS

FILLER = "1"  # drawn beside an odd last digit, then cut off: the narrowest, so it rarely touches
BESIDE_1 = "3"  # drawn beside a last 1, since two 1s may lie on each other (docs/numbers.md)
LEGIBLE = 1.6  # least guide_w: a number must be legible, and need not vary as a set does


@dataclass(repr=False)
class Number(Outlined):
    """A written number.

    Attributes:
        text: its digits.
        image: the picture, mode L, dark ink on paper 255.
        boxes: each digit's tight ink box (x0, y0, x1, y1), half-open, in pixels of `image`; empty
            if the digit has no ink.
        samples: the model's images that the picture is made of, of one digit or two each.
        nfe: network evaluations for the whole number.
        hand: the hand that it is written in; None if the model knows none.
        slant: in degrees; None if it is the hand's own, or the model has no style.
        thickness: width of the strokes in pixels of the model's images; None likewise.
        redrawn: how many images were drawn again because judge A doubted them.
        doubted: places, from 0, of digits that judge A still doubts; without a check, of those that
            are missing or overlap a neighbour.
    """

    text: str
    image: Image.Image
    boxes: list[Box]
    samples: Samples
    nfe: int
    hand: AnyHand | None = None
    slant: float | None = None
    thickness: float | None = None
    redrawn: int = 0
    doubted: list[int] = field(default_factory=list)

    def save(self, path: str | Path) -> None:
        """Write the picture in the format of the path's suffix; .svg and .pdf have curves."""
        draw = FORMS.get(Path(path).suffix.lower())
        if draw is None:
            save_picture(self.image, path)
        else:
            drawn = draw(self.image, self.text)
            write_atomically(path, lambda opened: opened.write(drawn))

    def _repr_png_(self) -> bytes:
        """What a notebook shows."""
        return png(self.image)

    def layout(self) -> dict[str, Any]:
        """Where each digit stands, and which are in doubt, as plain values."""
        width, height = self.image.size
        size = {"width": width, "height": height}
        return {"number": self.text, **size, "boxes": self.boxes, "doubted": self.doubted}

    def facts(self) -> dict[str, Any]:
        """How it was drawn, as plain values; a style left free is None."""
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
    """What the model draws as one image: a label, of which the first `digits` digits are wanted."""

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

    A model of the digits 0 to 9 draws one digit per image, a model of 00 to 99 two. Image k begins
    with the stream (seed, k). All images share a hand: the one given or one that nobody has, drawn
    from the seed; `number.hand` writes other numbers in it. Where the model knows no hand, they
    share a slant and a thickness.

    Args:
        number: 1 to 64 of the characters 0-9.
        seed: decides the noise, the style and the gaps between digits.
        guide_w: the strength of guidance; by default the model's own, but 1.6 or more if the model
            is guided at all, so that the number can be read.
        model: a bundled model's name, the path of a model file, or a model.
        sampler: as in `Model.sample`, and so are the other arguments up to `on_evaluations`.
        steps: how many steps the sampler takes.
        noise: the strategy for the starting noise.
        candidates: how many noises a search tries for each image.
        on_evaluations: called with the number of network evaluations in each batch.
        slant: degrees to the right, for all digits; None is the hand's own or, where the model
            knows no hand, drawn from the seed.
        thickness: width of the strokes in pixels; None as for `slant`.
        check: have judge A read the picture, and draw again, up to 10 times, what it doubts: any
            digit that it may misread, that lacks ink or that overlaps its neighbour.
        spacing: how the steps are spaced.
        guide_interval: where to guide.
        precision: float32 by default, so that machines differ by rounding alone.
        hand: the hand to write in; None draws one from the seed.

    Returns:
        The picture, and each digit's box.

    Raises:
        InkseedError: for anything but 1 to 64 of the characters 0-9, for a model of other classes,
            and whatever `Model.sample` refuses.
    """
    text = check_number(number)
    seed = whole_number(seed, "seed", 0, LAST_SEED)
    model = model if isinstance(model, Model) else load(model)
    parts = parts_of(text, model)
    owners = [k for k, part in enumerate(parts) for _ in range(part.digits)]
    asked = {"slant": slant, "thickness": thickness}
    style = {k: None if v is None else real_number(v, k) for k, v in asked.items()}
    if not isinstance(hand, Hand | DrawnHand | None):
        raise InkseedError("hand must be one hand, since all digits of a number share it")
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
        found = sample_confident(
            model, request, confidence, DIGIT_CONFIDENCE, False, on_evaluations
        )
        samples, redrawn = found.samples, found.redrawn
    else:
        samples, redrawn = model.sample_request(request, on_evaluations), 0
    image, boxes = set_(samples.images)
    clear = (
        probabilities(image, boxes, digits) >= DIGIT_CONFIDENCE
        if check
        else standing(image, boxes, digits)
    )
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
    """The guidance for a number: as asked, or strong enough for it to be read."""
    if guide_w is not None:
        return guide_w
    own = model.settings().guide_w
    return max(own, LEGIBLE) if own else own


def parts_of(text: str, model: Model) -> list[Part]:
    """The images that a number is made of, of two digits each if the model draws pairs."""
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
    """Whether each digit (K,) of a picture has enough ink and stands clear: bool (K,)."""
    return digits_in(image, boxes).possible[np.arange(len(digits)), digits]


def probabilities(image: Image.Image, boxes: Sequence[Box], digits: np.ndarray) -> np.ndarray:
    """Judge A's confidence in each of the digits (K,) of a picture: (K,)."""
    return digits_in(image, boxes).confidence(digits, judge_a())
