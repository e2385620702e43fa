"""Wear: what paper, pens, cameras and scanners do to a number, with its boxes carried through.

Pillow does the work: it is maintained, free to use, and here anyway.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFilter

from inkseed.errors import InkseedError
from inkseed.rng import Purpose, state, uniforms
from inkseed.sets.fit import PALE, Range, within
from inkseed.sets.labelled_number import Box

UNIT = 32  # pixels: the height of an image whose blur and shifts are as the levels say
INSIDE = 0.5  # pixels of paper that turning leaves around all ink
PEN = (0.3, 1)  # of the ink's level, by colour: ink is black, blue, or anything between
SPREAD = 0.75  # of the blur: how much farther ink reaches, and
BETWEEN = 0.2  # pixels that it spreads as it comes to lie between pixels
DRAWS = 22  # random numbers for an image


@dataclass(frozen=True)
class Wear:
    """Ranges of what happens to an image; lengths in pixels of an image 32 high.

    Attributes:
        turn: degrees.
        lean: how far each corner moves in perspective.
        blur: the deviation of the blur.
        light: the grey level of the paper.
        tint: how far a colour of the paper may differ from that level.
        shade: how much darker the paper is at its darkest side, as a share.
        ink: how dark the ink is, as a share of the paper's level.
        grain: the deviation of the noise in each pixel.
        quality: of JPEG.
    """

    turn: Range
    lean: Range
    blur: Range
    light: Range
    tint: Range
    shade: Range
    ink: Range
    grain: Range
    quality: Range


LEVELS = {
    "mild": Wear(
        turn=(-1, 1),
        lean=(-0.6, 0.6),
        blur=(0.1, 0.4),
        light=(225, 255),
        tint=(0, 12),
        shade=(0, 0.08),
        ink=(0.75, 1),
        grain=(1, 5),
        quality=(70, 95),
    ),
    "strong": Wear(
        turn=(-2.5, 2.5),
        lean=(-1.6, 1.6),
        blur=(0.3, 0.8),
        light=(165, 250),
        tint=(0, 30),
        shade=(0, 0.3),
        ink=(0.4, 0.9),
        grain=(4, 14),
        quality=(25, 75),
    ),
}


def find_level(name: str) -> Wear:
    """The wear of this name. Raises InkseedError for an unknown one."""
    if name not in LEVELS:
        raise InkseedError(f"images can be degraded {' or '.join(LEVELS)}, not {name!r}")
    return LEVELS[name]


def degrade(
    ink: np.ndarray, boxes: Sequence[Box], wear: Wear, seed: int, index: int
) -> tuple[np.ndarray, list[Box]]:
    """Wear a number, uint8 (H, W), ink 255: dark ink on light paper, uint8 (H, W, 3), and boxes.

    No ink leaves the image. Each box is that of its digit's ink after it was turned. The same
    number, wear, seed and index make the same image.
    """
    drawn = iter(uniforms(seed, Purpose.WEAR, [(index,)], DRAWS)[0])

    def some(limits: Range, count: int = 1) -> np.ndarray:
        return within(limits, np.array([next(drawn) for _ in range(count)]))

    unit = ink.shape[0] / UNIT
    turned = _turn(ink.shape, float(some(wear.turn)[0]), unit * some(wear.lean, 8))
    inked = [_points(ink, box) for box in boxes]
    turned = _inside(turned, np.concatenate(inked, 1), ink.shape)
    blur = unit * float(some(wear.blur)[0])
    blurred = _warp(ink, turned).filter(ImageFilter.GaussianBlur(blur))
    paper = some(wear.light) - some(wear.tint, 3)
    pen = paper * (1 - some(wear.ink)) * some(PEN, 3)
    shade = _shade(ink.shape, float(some(wear.shade)[0]), float(some((0, 2 * np.pi))[0]))
    share = np.asarray(blurred, np.float32)[..., None] / 255
    image = (paper + share * (pen - paper)).astype(np.float32) * shade[..., None]
    noise = np.random.Generator(np.random.PCG64(state(seed, Purpose.GRAIN, index)))
    image += noise.standard_normal((*ink.shape, 1), np.float32) * float(some(wear.grain)[0])
    worn = Image.fromarray(image.clip(0, 255).astype(np.uint8))
    spread = SPREAD * blur + BETWEEN
    found = [
        _carried(turned, box, points, spread, ink.shape)
        for box, points in zip(boxes, inked, strict=True)
    ]
    return _compressed(worn, round(float(some(wear.quality)[0]))), found


def _turn(shape: tuple[int, ...], degrees: float, lean: np.ndarray) -> np.ndarray:
    """The homography (3, 3) that turns an image about its middle and then moves its corners."""
    height, width = shape
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], float)
    middle = np.array([width, height]) / 2
    angle = np.deg2rad(degrees)
    cosine, sine = np.cos(angle), np.sin(angle)
    aims = (corners - middle) @ np.array([[cosine, sine], [-sine, cosine]]) + middle
    aims += lean.reshape(4, 2)
    rows = []
    for (x, y), (u, v) in zip(corners, aims, strict=True):
        rows.append((x, y, 1, 0, 0, 0, -u * x, -u * y))
        rows.append((0, 0, 0, x, y, 1, -v * x, -v * y))
    return np.append(np.linalg.solve(np.array(rows), aims.ravel()), 1).reshape(3, 3)


def _points(ink: np.ndarray, box: Box) -> np.ndarray:
    """The middles of the pixels that have ink in a box: float (2, n), x before y."""
    x0, y0, x1, y1 = box
    rows, columns = np.nonzero(ink[y0:y1, x0:x1] >= PALE)
    return np.stack((columns + (x0 + 0.5), rows + (y0 + 0.5)))


def _inside(turned: np.ndarray, points: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """The homography, with the image made smaller and moved as far as ink would be cut off."""
    if not points.size:
        return turned
    points = _mapped(turned, points)
    low, high = points.min(1) - 0.5 - INSIDE, points.max(1) + 0.5 + INSIDE
    size = np.array(shape[::-1], float)
    scale = min(1.0, *(size / (high - low)))
    low, high = low * scale, high * scale
    shift = np.maximum(-low, 0) + np.minimum(size - high, 0)
    return np.array([[scale, 0, shift[0]], [0, scale, shift[1]], [0, 0, 1]]) @ turned


def _mapped(turned: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Where points (2, n) come to lie."""
    found = turned[:, :2] @ points + turned[:, 2:]
    return np.asarray(found[:2] / found[2])


def _warp(ink: np.ndarray, turned: np.ndarray) -> Image.Image:
    """Ink where it was turned to, on a page of the same size with more paper around."""
    aside = np.array([[1, 0, 1], [0, 1, 1], [0, 0, 1]])
    back = aside @ np.linalg.inv(turned)
    padded = np.pad(ink, 1)  # beyond an image's edge, Pillow repeats it: ink would grow thicker
    return Image.fromarray(padded).transform(
        ink.shape[::-1],
        Image.Transform.PERSPECTIVE,
        (back / back[2, 2]).ravel()[:8].tolist(),
        Image.Resampling.BILINEAR,
    )


def _carried(
    turned: np.ndarray, box: Box, points: np.ndarray, spread: float, shape: tuple[int, ...]
) -> Box:
    """The tight box of a digit's ink after it was turned and spread; an empty one stays empty."""
    if points.size:
        points = _mapped(turned, points)
        low = np.floor(points.min(1) - spread).astype(int)
        high = np.floor(points.max(1) + spread).astype(int) + 1
    else:
        low = high = _mapped(turned, np.array(box[:2], float)[:, None])[:, 0].round().astype(int)
    (u0, v0), (u1, v1) = low.clip(0, shape[::-1]), high.clip(0, shape[::-1])
    return int(u0), int(v0), int(u1), int(v1)


def _shade(shape: tuple[int, ...], darker: float, angle: float) -> np.ndarray:
    """Light that falls off evenly in one direction, from 1 to `1 - darker`: float32 (H, W)."""
    y, x = (np.linspace(-1, 1, length, dtype=np.float32) for length in shape)
    slope = x * np.float32(np.cos(angle)) + y[:, None] * np.float32(np.sin(angle))
    low, high = slope.min(), slope.max()
    found: np.ndarray = 1 - np.float32(darker) * (slope - low) / (high - low)
    return found


def _compressed(image: Image.Image, quality: int) -> np.ndarray:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    with Image.open(buffer) as opened:
        return np.asarray(opened)
