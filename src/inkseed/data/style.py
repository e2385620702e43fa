"""The style of handwriting, measured on an image: slant and stroke thickness.

Castro et al., Morpho-MNIST (arXiv 1809.00888), measure both too: slant by moments, as here, and
thickness on a skeleton. The outline used here needs no threshold and is exact on grey levels.
"""

import numpy as np
import torch
from torch import Tensor

from inkseed.data.labelled import to_tensor

POSITIVE = {"thickness"}  # attributes that are never below 0

REACH = 4.0  # deviations from the mean, beyond which networks see no difference in style
PAPER_NOISE = 0.2  # fainter ink counts as paper, since generated paper is never quite clean
BATCH_SIZE = 1000


def measure_style(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """uint8 (N, H, W), ink 255 -> slant in degrees and thickness in pixels, each float64 (N,).

    An image without ink has slant 0 and thickness 0.
    """
    measured = []
    for first in range(0, len(images), BATCH_SIZE):
        x = to_tensor(images[first : first + BATCH_SIZE])
        measured.append(torch.stack((slant(x), thickness(x))))
    both = torch.cat(measured, 1).double().numpy()
    return both[0], both[1]


def slant(x: Tensor) -> Tensor:
    """float (N, 1, H, W) in [-1, 1] -> (N,): how far strokes lean to the right, in degrees.

    It is the shear that makes the covariance of the ink's x and y vanish: arctan(-mu_11 / mu_02),
    with y pointing down. Shearing an image by s adds s to the slant's tangent.
    """
    ink = _ink(x)
    mass = ink.sum((1, 2)).clamp(min=1e-9)
    ys = torch.arange(ink.shape[1], dtype=ink.dtype)[:, None]
    xs = torch.arange(ink.shape[2], dtype=ink.dtype)[None, :]
    dy = ys - ((ink * ys).sum((1, 2)) / mass)[:, None, None]
    dx = xs - ((ink * xs).sum((1, 2)) / mass)[:, None, None]
    mu_11, mu_02 = (ink * dx * dy).sum((1, 2)), (ink * dy * dy).sum((1, 2))
    return torch.atan(-mu_11 / mu_02.clamp(min=1e-9)).rad2deg()


def thickness(x: Tensor) -> Tensor:
    """float (N, 1, H, W) in [-1, 1] -> (N,): the mean width of the strokes, in pixels.

    It is twice the area of the ink over the length of its outline. The outline is the total
    variation, that is, the mean outline over all thresholds of the grey levels (the coarea
    formula). A long stroke of width w measures w, and one of length l measures w l / (l + w), since
    its ends are outline too. Strokes under two pixels, which differ from paler ones only in their
    grey, measure up to half a pixel too much.
    """
    ink = _ink(x)
    padded = torch.nn.functional.pad(ink, (1, 1, 1, 1))
    down = padded[:, 1:, :-1] - padded[:, :-1, :-1]
    across = padded[:, :-1, 1:] - padded[:, :-1, :-1]
    outline = (down.square() + across.square()).sqrt().sum((1, 2))
    return 2 * ink.sum((1, 2)) / outline.clamp(min=1e-9)


def _ink(x: Tensor) -> Tensor:
    """The image as ink from 0 to 1, (N, H, W), without the paper's noise."""
    ink = (x[:, 0] + 1) / 2
    return ink * (ink > PAPER_NOISE)
