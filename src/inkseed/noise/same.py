"""Strategies that keep the distribution: each image's noise by itself is N(0, I).

They change how the noises of several images are related, so that a mean over many images varies
less. Images are grouped by their number k in the request.
"""

import torch
from torch import Tensor

from inkseed.errors import InkseedError
from inkseed.noise.registry import SAME, register
from inkseed.noise.task import Start, Task

MOST_DIMENSIONS = torch.quasirandom.SobolEngine.MAXDIM
SOBOL_BITS = 30  # torch's points are multiples of 2^-30


@register("gaussian", SAME)
def gaussian(task: Task) -> Start:
    """Independent Gaussian noise, each image's from its own stream: the default."""
    return Start(task.gaussian(), task.keys)


@register("antithetic", SAME)
def antithetic(task: Task) -> Tensor:
    """Pairs of opposites: images 2i and 2i + 1 begin at z and -z (Hammersley and Morton 1956).

    If the number of images is odd, the last one has its z without an opposite. Labels play no part:
    ask for each label twice in a row to pair images of one label.
    """
    z = task.gaussian([k - k % 2 for k in task.numbers])
    sign = torch.tensor([1.0 - 2.0 * (k % 2) for k in task.numbers])
    return sign[:, None, None, None] * z


@register("k_antithetic", SAME)
class KAntithetic:
    """Groups of K = 4 noises that sum to zero: z_i = sqrt(K / (K - 1)) (w_i - mean w).

    Any two of a group have correlation -1 / (K - 1); K = 2 gives antithetic pairs, up to a
    rotation. Images 4i to 4i + 3 are a group. If the request ends within a group, the noises are
    those of the whole group. Raises InkseedError for a group of fewer than 2.
    """

    def __init__(self, group: int = 4) -> None:
        if group < 2:
            raise InkseedError(f"a group of antithetic noises needs 2 or more, not {group}")
        self.group = group

    def __call__(self, task: Task) -> Tensor:
        size, scale = self.group, (self.group / (self.group - 1)) ** 0.5
        firsts = sorted({k - k % size for k in task.numbers})
        groups = {}
        for first in firsts:
            w = task.gaussian(range(first, first + size))
            groups[first] = scale * (w - w.mean(0))
        return torch.stack([groups[k - k % size][k % size] for k in task.numbers])


@register("sobol", SAME)
def sobol(task: Task) -> Tensor:
    """Scrambled Sobol points through the normal quantile: image k begins at point k.

    The seed scrambles the sequence (Matousek 1998: a linear scramble with a digital shift), which
    makes each point uniform. 2^m images from number 0 fill every dimension evenly. Raises
    InkseedError for images of too many pixels, or numbers beyond the sequence's end.
    """
    dimensions = torch.Size(task.shape).numel()
    if dimensions > MOST_DIMENSIONS:
        raise InkseedError(
            f"sobol has {MOST_DIMENSIONS:,} dimensions, fewer than an image's {dimensions:,}"
        )
    first, last = min(task.numbers), max(task.numbers)
    if last >= 2**SOBOL_BITS:
        raise InkseedError(f"sobol has 2^{SOBOL_BITS} points: image {last} is beyond the last")
    engine = torch.quasirandom.SobolEngine(dimensions, scramble=True, seed=task.seed)
    if first:
        engine.fast_forward(first)
    points = engine.draw(last - first + 1, dtype=torch.float64) + 2.0 ** -(SOBOL_BITS + 1)
    rows = torch.tensor([k - first for k in task.numbers])
    return torch.special.ndtri(points[rows]).float().reshape(len(task), *task.shape)
