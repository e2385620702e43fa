"""Two-digit images "00" to "99", composed of single digits by one writer, or that look alike.

Labels are the 100 pairs of digits. Composites are made from a seed whenever they are needed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from inkseed.checks import brief, real_number, whole_number
from inkseed.data.groups import Groups
from inkseed.data.labelled import LabelledImages, to_tensor, to_uint8
from inkseed.data.mnist import DIGITS
from inkseed.data.style import measure_style
from inkseed.errors import InkseedError
from inkseed.plain import called

PAIRS = tuple(f"{number:02d}" for number in range(100))
INK = 64  # of 255: a pixel with less counts as paper when a digit's box is found
CELL = 28  # pixels a side: MNIST's digits
CANVAS = (CELL, 2 * CELL)
MOST_ALIKE = 1000
MATCHES = ("auto", "writer", "style")


@dataclass(frozen=True)
class Layout:
    """How two digits stand side by side; distances in pixels of MNIST's 28x28 digits.

    `gap` is the mean and the deviation of the gap between the ink of the two (below 0 they touch or
    overlap), and `jitter` the deviation of their difference in height.

    `match` chooses the second digit. "writer" takes any by the writer of the first. "style" takes,
    of `alike` random ones, the closest in slant, thickness and height (1 takes any); so does
    "writer" if the writer has no other. "auto" goes by writers if they are known, as MNIST's are.
    Raises InkseedError for impossible values.
    """

    gap: tuple[float, float] = (2.0, 1.5)
    jitter: float = 0.7
    alike: int = 48
    match: str = "auto"

    def __post_init__(self) -> None:
        if not isinstance(self.gap, (list, tuple)) or len(self.gap) != 2:
            raise InkseedError(f"a layout's gap is [mean, deviation], not {self.gap!r}")
        real_number(self.gap[0], "gap's mean", -CELL, CELL)
        real_number(self.gap[1], "gap's deviation", 0, CELL)
        real_number(self.jitter, "jitter", 0, CELL)
        whole_number(self.alike, "alike", 1, MOST_ALIKE)
        if self.match not in MATCHES:
            known = ", ".join(MATCHES)
            raise InkseedError(f"a layout's match is one of {known}, not {brief(self.match)}")

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> "Layout":
        """A layout from a recipe's table. Raises InkseedError for unknown or bad settings."""
        try:
            return called(cls, settings)
        except InkseedError as error:
            raise InkseedError(f"layout: {error}") from error


class Composites(NamedTuple):
    """Two-digit images with each digit's box, half-open (x0, y0, x1, y1)."""

    source: LabelledImages  # labels are indices into PAIRS
    boxes: np.ndarray  # int64 (N, 2, 4)
    parts: np.ndarray  # int64 (N, 2): the single digits they are composed of
    style: tuple[np.ndarray, np.ndarray]  # float64 (N,): the mean of both, as `measure_style` gives


class Hands:
    """Single digits 0 to 9, from which it finds two by one hand: by writer, or by style.

    Raises InkseedError for other classes.
    """

    def __init__(self, digits: LabelledImages) -> None:
        if digits.class_names != DIGITS or digits.images.shape[1:] != (CELL, CELL):
            raise InkseedError(f"two-digit images need the digits 0 to 9, {CELL}x{CELL}")
        self.images, self.boxes = digits.images, ink_boxes(digits.images)
        self.style = measure_style(digits.images)
        height = self.boxes[:, 3] - self.boxes[:, 1]
        features = np.stack((*self.style, height), 1)
        self.features = (features - features.mean(0)) / features.std(0).clip(min=1e-9)
        self.digits = Groups(digits.labels, len(DIGITS))
        if not self.digits.sizes.all():
            raise InkseedError(
                f"there is no {self.digits.sizes.argmin()} to compose two-digit images of"
            )
        self.writers: Groups | None = None  # a group is one writer's images of one digit
        if digits.writers is not None:
            names, writer = np.unique(digits.writers, return_inverse=True)
            of = writer * len(DIGITS) + digits.labels
            self.writers = Groups(of, len(names) * len(DIGITS))

    def draw(self, digits: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """The index of a random image for each digit (n,)."""
        return self.digits.draw(digits, rng)

    def match(
        self, firsts: np.ndarray, digits: np.ndarray, layout: Layout, rng: np.random.Generator
    ) -> np.ndarray:
        """For each of `firsts` (n,), an image of the digit (n,) by the same hand, as in `layout`.

        An image is never its own match if there is another, so that "77" is two sevens and not the
        same one twice. Raises InkseedError for `match` "writer" if writers are unknown.
        """
        if layout.match == "style" or (layout.match == "auto" and self.writers is None):
            return self._nearest(firsts, digits, layout.alike, rng)
        if self.writers is None:
            raise InkseedError(
                'nobody knows who wrote these digits: set match = "style" in the layout, or leave'
                " it out"
            )
        groups = self.writers.of[firsts] // len(DIGITS) * len(DIGITS) + digits
        has = self.writers.others(firsts, groups) > 0
        found = np.empty_like(firsts)
        found[has] = self.writers.draw_other(firsts[has], groups[has], rng)
        found[~has] = self._nearest(firsts[~has], digits[~has], layout.alike, rng)
        return found

    def _nearest(
        self, firsts: np.ndarray, digits: np.ndarray, alike: int, rng: np.random.Generator
    ) -> np.ndarray:
        """Of `alike` random images of each digit, the nearest to `firsts` in style."""
        looked = self.digits.draw(np.repeat(digits[:, None], alike, 1), rng)
        itself = looked == firsts[:, None]
        looked = np.where(itself, self.digits.next(firsts)[:, None], looked)
        distance = np.square(self.features[looked] - self.features[firsts][:, None]).sum(2)
        return looked[np.arange(len(firsts)), distance.argmin(1)]


def compose_pairs(
    hands: Hands,
    labels: np.ndarray,
    seed: int,
    size: tuple[int, int] = CANVAS,
    layout: Layout | None = None,
) -> Composites:
    """Compose a two-digit image for each label (n,) from 0 to 99: uint8 (n, *size), ink 255.

    Digits keep MNIST's size. The border between them is the middle of a canvas of 28 by 56, so that
    each has one half, however wide it is. The canvas is then resized to `size` (height, width).
    """
    layout = layout or Layout()
    labels = np.asarray(labels, np.int64)
    if labels.ndim != 1 or not ((labels >= 0) & (labels < len(PAIRS))).all():
        raise InkseedError("labels of two-digit images must be whole numbers from 0 to 99")
    rng = np.random.default_rng(seed)
    firsts = hands.draw(labels // 10, rng)
    parts = np.stack((firsts, hands.match(firsts, labels % 10, layout, rng)), 1)
    canvases, boxes = set_side_by_side(hands.images[parts], layout, rng)
    source = LabelledImages(resized_bytes(canvases, size), labels, PAIRS)
    scale = np.array([size[1] / CANVAS[1], size[0] / CANVAS[0]] * 2)
    outward = np.array([np.floor, np.floor, np.ceil, np.ceil])
    scaled = boxes * scale
    boxes = np.stack([f(scaled[..., i]) for i, f in enumerate(outward)], -1).astype(np.int64)
    slant, thickness = (each[parts].mean(1) for each in hands.style)
    return Composites(source, boxes, parts, (slant, thickness))


def set_side_by_side(
    digits: np.ndarray, layout: Layout, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """uint8 digits (n, 2, 28, 28) -> uint8 (n, 28, 56), and each digit's box (n, 2, 4)."""
    n = len(digits)
    cuts = ink_boxes(digits.reshape(-1, CELL, CELL)).reshape(n, 2, 4)
    gaps, drops = rng.normal(*layout.gap, n), rng.normal(0, layout.jitter, n)
    canvases, boxes = np.zeros((n, *CANVAS), np.uint8), np.zeros((n, 2, 4), np.int64)
    for k in range(n):
        boxes[k] = _set(canvases[k], digits[k], cuts[k], round(gaps[k]), round(drops[k]))
    return canvases, boxes


def _set(
    canvas: np.ndarray, digits: np.ndarray, boxes: np.ndarray, gap: int, drop: int
) -> np.ndarray:
    """Draw two digits (2, 28, 28) on the canvas, and return their boxes (2, 4)."""
    cuts = [digit[y0:y1, x0:x1] for digit, (x0, y0, x1, y1) in zip(digits, boxes, strict=True)]
    widths = [cut.shape[1] for cut in cuts]
    nearest, farthest = -(min(widths) // 2), CANVAS[1] - 2 * max(widths)
    gap = max(min(gap, farthest), nearest)  # they overlap by half at most, and stay on the canvas
    left = CANVAS[1] // 2 - gap // 2 - widths[0]
    found = []
    for cut, x, dy in zip(cuts, (left, left + widths[0] + gap), (0, drop), strict=True):
        height, width = cut.shape
        y = min(max((CANVAS[0] - height) // 2 + dy, 0), CANVAS[0] - height)
        here = canvas[y : y + height, x : x + width]
        np.maximum(here, cut, out=here)
        found.append((x, y, x + width, y + height))
    return np.array(found)


def ink_boxes(images: np.ndarray, least: int = INK) -> np.ndarray:
    """The tight box of each image's ink (n, H, W), int64 (n, 4); the whole image if it has none."""
    ink: np.ndarray = images >= least
    boxes = []
    for axis in (1, 2):  # reducing rows leaves columns, and the other way round
        line = np.any(ink, axis=axis)
        first = np.where(line.any(1), line.argmax(1), 0)
        last = np.where(line.any(1), line.shape[1] - line[:, ::-1].argmax(1), line.shape[1])
        boxes.append((first, last))
    (x0, x1), (y0, y1) = boxes
    return np.stack((x0, y0, x1, y1), 1).astype(np.int64)


def box_overlap(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Intersection over union of boxes (..., 4) that are not empty: float (...)."""
    low, high = np.maximum(a[..., :2], b[..., :2]), np.minimum(a[..., 2:], b[..., 2:])
    shared = (high - low).clip(min=0).prod(-1)
    areas = [(box[..., 2:] - box[..., :2]).prod(-1) for box in (a, b)]
    overlap: np.ndarray = shared / (areas[0] + areas[1] - shared)
    return overlap


def resized_bytes(images: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """uint8 (n, H, W) -> uint8 (n, *size), antialiased."""
    if images.shape[1:] == size:
        return images
    return to_uint8(to_tensor(images, size))
