"""Strategies that change the distribution of the noise, at no extra cost.

The network was trained on N(0, I): other noise may gain in one respect, and will lose in another.
Both transform the image's own noise, so that no effect is due to a different draw.
"""

import torch
from torch import Tensor

from inkseed.checks import real_number
from inkseed.noise.registry import CHANGED, register
from inkseed.noise.task import Task


@register("truncated", CHANGED)
class Truncated:
    """Keep every value within 2 deviations: the truncation trick (Brock et al., arXiv 1809.11096).

    Values are mapped by their quantiles rather than redrawn, so that each keeps its sign and its
    rank. The deviation falls from 1 to 0.88. Raises InkseedError for a limit outside 0.01 to 40.
    """

    def __init__(self, limit: float = 2.0) -> None:
        self.limit = real_number(limit, "limit", 0.01, 40.0)

    def __call__(self, task: Task) -> Tensor:
        quantile = torch.special.ndtr(task.gaussian().double())
        low = float(torch.special.ndtr(torch.tensor(-self.limit, dtype=torch.float64)))
        cut = torch.special.ndtri(low + (1 - 2 * low) * quantile)
        return cut.clamp(-self.limit, self.limit).float()


@register("spectral", CHANGED)
class Spectral:
    """More noise at low frequencies and less at high ones: amplitudes times (1 + f)^-0.05.

    f is the radial frequency in cycles per image. Each value stays N(0, 1), but neighbouring pixels
    become correlated. A negative `tilt` favours high frequencies. Raises InkseedError for a tilt
    outside -2 to 2.
    """

    def __init__(self, tilt: float = 0.05) -> None:
        self.tilt = real_number(tilt, "tilt", -2.0, 2.0)

    def __call__(self, task: Task) -> Tensor:
        _, height, width = task.shape
        rows = torch.fft.fftfreq(height, 1 / height)[:, None]
        columns = torch.fft.fftfreq(width, 1 / width)[None, :]
        shape = (1 + (rows**2 + columns**2).sqrt()) ** -self.tilt
        shape = shape / shape.square().mean().sqrt()  # keeps each pixel's variance at 1
        return torch.fft.ifft2(torch.fft.fft2(task.gaussian()) * shape).real
