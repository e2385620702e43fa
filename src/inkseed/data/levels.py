"""Grey levels of any depth on one scale: 0 to 1, each picture or array by its own range."""

from typing import NamedTuple

import numpy as np

FULL_SCALES = (1, 255, 1023, 4095, 65535, 2**32 - 1)  # what black to white spans in whole numbers


class Span(NamedTuple):
    """The values of black and of white, or the other way round."""

    low: float
    high: float

    def unit(self, values: np.ndarray) -> np.ndarray:
        """Values -> float32 from 0 to 1. Raises ValueError where some are not finite."""
        if values.dtype.kind == "f" and not np.isfinite(values).all():
            raise ValueError("some values are not finite")
        wide = np.dtype("f4" if values.dtype.itemsize <= 2 else "f8")
        scaled = (values.astype(wide) - self.low) / max(self.high - self.low, 1e-30)
        return scaled.astype(np.float32)


def span_of(values: np.ndarray) -> Span:
    """What values of any real dtype span: whole numbers the smallest usual scale that holds them (a
    mask of 0 and 1, 8, 10, 12, 16 or 32 bits), fractions 0 to 1, -1 to 1 or one of those scales,
    anything else their own least to their greatest.

    Values that are not finite are left out of account. Raises ValueError where there are no others.
    """
    if values.dtype.kind not in "buif":
        raise ValueError(f"values of type {values.dtype} are no grey levels")
    if values.dtype.kind == "f":
        values = values[np.isfinite(values)]
    if values.size == 0:
        raise ValueError("there are no pixels")
    low, high = float(values.min()), float(values.max())
    if low >= 0:
        return Span(0, next((scale for scale in FULL_SCALES if high <= scale), high))
    return Span(-1, 1) if low >= -1 and high <= 1 else Span(low, high)


def to_unit(values: np.ndarray) -> np.ndarray:
    """One picture's levels by their own span -> float32 from 0 to 1, of the same shape.

    Raises ValueError for values that are no finite numbers.
    """
    return span_of(values).unit(values)


def to_bytes(unit: np.ndarray) -> np.ndarray:
    """Levels from 0 to 1 -> uint8, rounded."""
    return (unit * 255 + 0.5).clip(0, 255).astype(np.uint8)
