"""The outlines of ink as smooth closed curves, so that a number is crisp at any size."""

import numpy as np
from PIL import Image, ImageFilter

from inkseed.data.pairs import CELL, INK

NEARBY = 2  # of a model's pixels: the darkest ink so near decides what is half of it
TOLERANCE = (
    0.06  # of a pixel of the model: how far curves lie from the contour, by root mean square
)
LEAST_STEP = 1e-3  # pixels of the picture
LEAST_AREA = 0.25  # of a model's pixel: a smaller spot is no ink, a smaller hole no paper


def outlines(ink: np.ndarray) -> list[np.ndarray]:
    """The closed curves around the ink, uint8 (H, W), of a picture that is one line of digits.

    They run where there is half as much ink as in the stroke nearby, so that none that faded ends.

    Each curve is float64 (K, 4, 2), cubic Bézier pieces (x, y) in pixels of the picture, from its
    upper left corner. Holes run the other way round than the ink that they are in.
    """
    from contourpy import contour_generator  # here and below: only who draws curves waits for them

    unit = ink.shape[0] / CELL
    found = contour_generator(z=np.pad(ink - _half(ink, unit), 1, constant_values=-1)).lines(0)
    rings = [_distinct(np.asarray(ring) - 0.5) for ring in found]  # the middle of a pixel is at 0.5
    return [
        _smooth(ring, TOLERANCE * unit) for ring in rings if _area(ring) >= LEAST_AREA * unit**2
    ]


def _half(ink: np.ndarray, unit: float) -> np.ndarray:
    """Half of the most ink nearby, float64 (H, W), or of twice INK where that is more."""
    most = Image.fromarray(ink).filter(ImageFilter.MaxFilter(2 * round(NEARBY * unit) + 1))
    smooth = most.filter(ImageFilter.GaussianBlur(unit))
    return np.maximum(np.asarray(smooth) / 2, float(INK))


def _distinct(ring: np.ndarray) -> np.ndarray:
    """A closed line (K, 2) without points that lie on the next one."""
    apart = ring[:-1][np.abs(np.diff(ring, axis=0)).max(1) > LEAST_STEP]
    return np.concatenate((apart, apart[:1]))


def _area(ring: np.ndarray) -> float:
    """What a closed line (K, 2) encloses (the shoelace formula)."""
    (x, y), (x_next, y_next) = ring[:-1].T, ring[1:].T
    return float(abs((x * y_next - x_next * y).sum()) / 2)


def _smooth(ring: np.ndarray, tolerance: float) -> np.ndarray:
    """The smoothest closed cubic spline so near to a closed line (K, 2), as (pieces, 4, 2).

    By Dierckx's FITPACK, which places the knots; the pieces are written in Bernstein's basis.
    """
    from scipy.interpolate import PPoly, splprep

    (knots, both, degree), _ = splprep(ring.T, s=len(ring) * tolerance**2, per=True)
    pieces = [PPoly.from_spline((knots, axis, degree)) for axis in both]
    begin = pieces[0].x
    own = (begin[:-1] >= 0) & (begin[1:] <= 1) & (np.diff(begin) > 0)
    width = np.diff(begin)[own, None]
    cubic, square, linear, constant = np.stack([piece.c[:, own] for piece in pieces], -1)
    linear, square, cubic = linear * width, square * width**2, cubic * width**3
    second = constant + linear / 3
    third = constant + (2 * linear + square) / 3
    return np.stack((constant, second, third, constant + linear + square + cubic), 1)
