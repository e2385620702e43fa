"""Fine lines, which would be too pale to see in MNIST's form."""

import numpy as np
from scipy import ndimage

from inkseed.data.form import FAINT, INNER, PALE, as_mnist, full_contrast
from inkseed.data.pairs import ink_boxes

PEN = 2.0  # pixels of INNER: most strokes of MNIST are no thinner


def legible_as_mnist(cut: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Like `as_mnist`, but a line too fine to see at that size is drawn with MNIST's pen."""
    image = as_mnist(cut, size, FAINT)
    if image.max() >= PALE:
        return image
    x0, y0, x1, y1 = ink_boxes(cut[None], FAINT)[0]
    pen = round(PEN * max(x1 - x0, y1 - y0) / INNER)
    if pen > 1:
        image = as_mnist(ndimage.maximum_filter(np.pad(cut, pen), pen), size, FAINT)
    return full_contrast(image)
