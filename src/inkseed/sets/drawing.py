"""Draw a set's numbers: the digits of many at once, each number in its own hand, then set on lines.

A block of numbers is drawn together, and does not depend on any other. So the network sees full
batches, and any number can be drawn again, to the byte, with the few that were beside it.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from scipy import ndimage

from inkseed.data.least_ink import own_boxes
from inkseed.data.pairs import ink_boxes
from inkseed.model.hand import AnyHand, DrawnHand
from inkseed.model.model import Model
from inkseed.model.redraw import Confidence, sample_confident
from inkseed.model.request import Request
from inkseed.model.samples import Samples
from inkseed.model.style import USUAL, draw_styles
from inkseed.outline import Outlined
from inkseed.rng import Purpose, normals, uniforms
from inkseed.sets.digit import Digit
from inkseed.sets.hands import Hands
from inkseed.sets.labelled_number import LabelledNumber
from inkseed.sets.look import Look, dress_digits
from inkseed.sets.plan import Plan, Shard
from inkseed.writing.number import Part, blocks_of, parts_of
from inkseed.writing.reading import least_confidence
from inkseed.writing.screening import confidence_in
from inkseed.writing.typesetting import cleaned, gaps_of, lay_out

NEIGHBOURS = np.stack([np.zeros((3, 3)), np.ones((3, 3)), np.zeros((3, 3))])  # in one image
STYLES = ("slant", "thickness")
Tell = Callable[[int], object]


@dataclass(frozen=True, repr=False, eq=False)
class DrawnNumber(Outlined):
    """A number of a set, and what made it.

    Attributes:
        number: the finished image and its truth.
        hand: the name of its hand; None if the model knows none.
        slant: in degrees; None if it is the hand's own, or the model takes none.
        thickness: of the strokes, in pixels of the model's images; None likewise.
        streams: int64 (images, 2): the stream that each of the model's images began with.
        confidence: judge A's in the digit that it doubts most; None without a check.
        redrawn: how many of its images judge A rejected at first.
        rejected: the number as judge A rejected it, if that is kept.
    """

    number: LabelledNumber
    hand: str | None
    slant: float | None
    thickness: float | None
    streams: np.ndarray
    confidence: float | None
    redrawn: int
    rejected: LabelledNumber | None

    def as_rejected(self) -> "DrawnNumber":
        """The row of what judge A rejected."""
        assert self.rejected is not None
        return replace(self, number=self.rejected, rejected=None)


class Artist:
    """Draws blocks of a set's numbers.

    Raises InkseedError, before any is drawn, for settings that the model or the look refuses.
    """

    def __init__(self, plan: Plan, model: Model, hands: Hands | None) -> None:
        self.plan, self.model, self.settings = plan, model, plan.settings
        self.hands = None if hands is None else hands.shared_out(plan.splits, plan.parts)
        self.look = self.settings.looks
        self.stride = len(parts_of("0" * self.settings.numbers.longest, model))  # images a number
        part = parts_of("0", model)
        for end in (0, 1):
            ranges = {name: getattr(self.settings, name) for name in STYLES}
            style = {
                k: None if ends is None else np.full(1, ends[end]) for k, ends in ranges.items()
            }
            least = self._request(part, [0], style, None)
            model.bind(least)
        self.cost = model.cost_of(least)  # evaluations an image
        if self.settings.check:
            confidence_in(model, least)

    def draw(self, shard: Shard, block: range, tell: Tell | None = None) -> list[DrawnNumber]:
        """Draw a block of a shard, in order; `tell` is called with each batch's evaluations."""
        labels = self.plan.labels(shard.split, block)
        parts = [parts_of(label, self.model) for label in labels]
        counts = [len(each) for each in parts]
        owners = np.repeat(np.arange(len(block)), counts)
        hands, names = self._hands(shard.split, block)
        style = self._style(block)
        request = self._request(
            [part for each in parts for part in each],
            [i * self.stride + k for i, n in zip(block, counts, strict=True) for k in range(n)],
            {name: None if each is None else each[owners] for name, each in style.items()},
            None if hands is None else [hands[owner] for owner in owners],
        )
        samples, judged = self._sampled(request, tell)
        doubted = np.bincount(owners, judged.doubted, len(block)).astype(int).tolist()
        lines = LineSetter(self.look, self.settings.seed, block, labels, parts)
        drawn = lines.numbers(samples.images)
        kept: list[LabelledNumber | None] = [None] * len(block)
        if self.settings.keep_rejected and any(doubted):
            before = lines.numbers(judged.images)
            kept = [was if n else None for was, n in zip(before, doubted, strict=True)]
        borders = np.cumsum(counts)[:-1]
        streams, confidence = (np.split(x, borders) for x in (samples.streams, judged.confidence))
        return [
            DrawnNumber(
                number=drawn[k],
                hand=names[k],
                **{name: None if each is None else float(each[k]) for name, each in style.items()},
                streams=streams[k],
                confidence=float(confidence[k].min()) if self.settings.check else None,
                redrawn=doubted[k],
                rejected=kept[k],
            )
            for k in range(len(block))
        ]

    def _request(
        self,
        parts: Sequence[Part],
        numbers: Sequence[int],
        style: dict[str, np.ndarray | None],
        hands: Sequence[AnyHand] | None,
    ) -> Request:
        return Request(
            self.model.indices([part.label for part in parts]),
            self.settings.seed,
            self.settings.sampling,
            style,
            self.settings.noise,
            self.settings.candidates,
            first=numbers,
            hand=hands,
        )

    def _hands(self, split: str, block: range) -> tuple[list[AnyHand] | None, list[str | None]]:
        if not self.model.knows_hands:
            return None, [None] * len(block)
        if self.hands is not None:
            given, names = self.hands[split].of_numbers(self.settings.seed, block)
            return [*given], [*names]
        drawn = [DrawnHand(self.settings.seed, index) for index in block]
        return [*drawn], [hand.name for hand in drawn]

    def _style(self, block: range) -> dict[str, np.ndarray | None]:
        """Each number's slant and thickness: in the range asked for, or left to its hand."""
        keys = [(index,) for index in block]
        u = uniforms(self.settings.seed, Purpose.LOOK, keys, len(STYLES))
        usual: dict[str, np.ndarray] = {}
        if not self.model.knows_hands:
            usual = draw_styles(self.model.styles, self.settings.seed, block, USUAL)
        found = {}
        for column, name in enumerate(STYLES):
            ends = getattr(self.settings, name)
            asked = None if ends is None else ends[0] + (ends[1] - ends[0]) * u[:, column]
            found[name] = usual.get(name) if asked is None else asked
        return found

    def _sampled(self, request: Request, tell: Tell | None) -> tuple[Samples, "_Judged"]:
        count = len(request)
        if not self.settings.check:
            samples = self.model.sample_request(request, tell)
            return samples, _Judged(samples.images, np.zeros(count, bool), np.ones(count))
        least = least_confidence(self.model.class_names)
        read = _Remembering(confidence_in(self.model, request))
        found = sample_confident(self.model, request, read, least, on_evaluations=tell)
        images, before = read.first
        return found.samples, _Judged(images, before < least, found.confidence)


@dataclass(frozen=True)
class _Judged:
    """What judge A said: images as first drawn, which it rejected, and its confidence at last."""

    images: np.ndarray
    doubted: np.ndarray
    confidence: np.ndarray


class _Remembering:
    """A reader that keeps the first images that it was shown, and what it read in them."""

    def __init__(self, read: Confidence) -> None:
        self.read = read
        self.first: tuple[np.ndarray, np.ndarray] = (np.empty(0), np.empty(0))

    def __call__(self, images: np.ndarray, rows: np.ndarray) -> np.ndarray:
        found = self.read(images, rows)
        if not len(self.first[1]):
            self.first = images.copy(), found.copy()
        return found


@dataclass(frozen=True)
class LineSetter:
    """Sets the digits of a block of numbers on lines, and finishes each line as it is to look."""

    look: Look
    seed: int
    block: range
    labels: Sequence[str]
    parts: Sequence[Sequence[Part]]

    def numbers(self, images: np.ndarray) -> list[LabelledNumber]:
        """Set uint8 images (N, H, W), one for each part, on a line for each number."""
        return [
            LabelledNumber(index, label, *dress_digits(digits, self.look, self.seed, index))
            for index, label, digits in zip(
                self.block, self.labels, self.lines(images), strict=True
            )
        ]

    def lines(self, images: np.ndarray) -> Iterator[list[Digit]]:
        """Each number's digits, where they stand on its page."""
        blocks = blocks_of(images, [part for each in self.parts for part in each])
        each = cleaned(np.concatenate(blocks), _pieces)
        owned = np.cumsum([0, *map(len, blocks)])
        inked, tight, whole = ink_boxes(each), own_boxes(each).tolist(), ink_boxes(each, 1).tolist()
        most = max(map(len, self.parts))
        keys = [(index, k) for index in self.block for k in range(most)]
        drawn = normals(self.seed, keys, (), Purpose.SET_GAP).reshape(len(self.block), most)
        begin = 0
        for own, gaps in zip(self.parts, gaps_of(drawn), strict=True):
            ends = owned[begin : begin + len(own) + 1].tolist()
            boxes = [inked[first:last] for first, last in pairwise(ends)]
            places, _ = lay_out(boxes, gaps[: len(own) - 1], each.shape[1])
            yield [
                _digit(each[k], whole[k], tight[k], *place)
                for k, place in zip(range(ends[0], ends[-1]), places, strict=True)
            ]
            begin += len(own)


def _pieces(ink: np.ndarray) -> np.ndarray:
    """The connected pieces of ink (N, H, W), numbered, of many images at once."""
    return np.asarray(ndimage.label(ink > 0, NEIGHBOURS)[0])


def _digit(ink: np.ndarray, whole: Sequence[int], tight: Sequence[int], x: int, y: int) -> Digit:
    """A digit at (x, y) of its page, cut out of its image; `tight` is the box of its darker ink."""
    x0, y0, x1, y1 = whole
    u0, v0, u1, v1 = tight
    return Digit(ink[y0:y1, x0:x1], x + x0, y + y0, (x + u0, y + v0, x + u1, y + v1))
