"""Strategies that search by gradient: the starting noise is moved to where a score is higher.

A try is one evaluation of the score and, but for the last, one step of Adam; a backward pass counts
as two evaluations. The best noise that was tried is kept, the image's own included.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from inkseed.noise.registry import register
from inkseed.noise.stability import ddim_stability
from inkseed.noise.task import Start, Task

STABILITY_RATE, JUDGE_RATE = 0.02, 0.02  # of Adam, in deviations of the noise
NORM_WEIGHT = 1.0
ROWS = 16  # images at a time: what a backward pass remembers fills memory


@register("optim_stability")
def optim_stability(task: Task) -> Start:
    """Gradient steps towards noise that DDIM's inversion gives back (Qi et al., 2407.14041).

    Each step makes 1 - cosine smaller and sets the norm back to what it was.
    """

    def score(z: Tensor, rows: slice) -> tuple[Tensor, Tensor]:
        found = ddim_stability(task, z, task.condition[rows])
        return found, found

    return Start(_climb(task, score, STABILITY_RATE, keep_norm=True))


@register("optim_judge")
def optim_judge(task: Task) -> Start:
    """Gradient steps towards noise whose image judge A is surest of, at a norm noise would have.

    The regulariser is the log-density of the norm of Gaussian noise, by its pixels (Samuel et al.,
    arXiv 2304.14530): `(d - 1) log |z| - |z|^2 / 2`, over d.
    """

    def score(z: Tensor, rows: slice) -> tuple[Tensor, Tensor]:
        x = task.sampler.images(z, task.condition[rows], task.keys[rows])
        liked = task.judge(x, task.labels[rows])
        square, d = z.flatten(1).square().sum(1), z[0].numel()
        norm = ((d - 1) / 2 * square.log() - square / 2) / d
        return liked, liked + NORM_WEIGHT * norm

    return Start(_climb(task, score, JUDGE_RATE, keep_norm=False))


def _climb(
    task: Task,
    score: Callable[[Tensor, slice], tuple[Tensor, Tensor]],
    rate: float,
    keep_norm: bool,
) -> Tensor:
    """The noises of the highest score among those that Adam comes by.

    `score` gives what noises are compared by and what is climbed, each (n,), for some of the rows.
    """
    own, found = task.gaussian(), []
    for first in range(0, len(own), ROWS):
        rows = slice(first, first + ROWS)
        best = own[rows]
        norm = best.flatten(1).norm(dim=1)[:, None, None, None]
        highest = torch.full((len(best),), -math.inf)
        z = best.clone().requires_grad_()
        adam = torch.optim.Adam([z], rate)
        for k in range(task.candidates):
            compared, climbed = score(z, rows)
            better = compared.detach() > highest
            best = torch.where(better[:, None, None, None], z.detach(), best)
            highest = torch.maximum(highest, compared.detach())
            if k + 1 == task.candidates:
                break
            (z.grad,) = torch.autograd.grad(-climbed.sum(), [z])
            adam.step()
            if keep_norm:
                with torch.no_grad():
                    z *= norm / z.flatten(1).norm(dim=1)[:, None, None, None]
        found.append(best)
    return torch.cat(found)
