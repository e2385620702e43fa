"""Grey levels of any depth, scaled to 0 to 1 by the range of each picture or array."""

from typing import NamedTuple

import numpy as np

# of whole numbers, from black to white
FULL_SCALES = (1, 255, 1023, 4095, 65535, 2**31 - 1, 2**32 - 1)


class Span(NamedTuple):
    """The values of black and white, or the other way round."""

    low: float
    high: float

    def unit(self, values: np.ndarray) -> np.ndarray:
        """Values -> float32 from 0 to 1. Raises ValueError if some are not finite."""
        values = in_doubles(values)
        if values.dtype.kind == "f" and not np.isfinite(values).all():
            raise ValueError("some values are not finite")
        wide = np.dtype("f4" if values.dtype.itemsize <= 2 else "f8")
        half, low, high = values.astype(wide) / 2, self.low / 2, self.high / 2  # none overflows
        return ((half - low) / max(high - low, 1e-30)).astype(np.float32)


def span_of(values: np.ndarray) -> Span:
    """The span of values of any real dtype.

    For whole numbers it is the smallest usual scale that holds them (a mask of 0 and 1, 8, 10, 12,
    16, 31 or 32 bits), for fractions 0 to 1, -1 to 1 or one of those scales, and otherwise from
    their least to their greatest. Values that are not finite are ignored. Raises ValueError if
    there are no others.
    """
    if values.dtype.kind not in "buif":
        raise ValueError(f"values of type {values.dtype} are not grey levels")
    if values.size == 0:
        raise ValueError("there are no pixels")
    if values.dtype.kind == "f":
        values = in_doubles(values)
        values = values[np.isfinite(values)]
    if values.size == 0:
        raise ValueError("no pixel is a finite number")
    low, high = float(values.min()), float(values.max())
    if low >= 0:
        return Span(0, next((scale for scale in FULL_SCALES if high <= scale), high))
    return Span(-1, 1) if low >= -1 and high <= 1 else Span(low, high)


def in_doubles(values: np.ndarray) -> np.ndarray:
    """Values in at most double precision; what is too large for it is infinite."""
    if values.dtype.itemsize <= 8:
        return values
    with np.errstate(over="ignore"):
        return values.astype(np.float64)


def to_unit(values: np.ndarray) -> np.ndarray:
    """Scale one picture's levels by their own span to float32 from 0 to 1.

    Raises ValueError for values that are not finite.
    """
    return span_of(values).unit(values)


def to_bytes(unit: np.ndarray) -> np.ndarray:
    """Levels from 0 to 1 -> uint8, rounded."""
    return (unit * 255 + 0.5).clip(0, 255).astype(np.uint8)
