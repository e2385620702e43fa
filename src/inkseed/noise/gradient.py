"""Strategies that search by gradient: they move the starting noise to where a score is higher.

Each try evaluates the score once and, except for the last, takes one step of Adam. A backward pass
counts as two evaluations. The best noise tried is kept, the image's own included.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from inkseed.noise import judge_a
from inkseed.noise.registry import register
from inkseed.noise.stability import ddim_stability
from inkseed.noise.task import Start, Task, comparable

RATE = 0.02  # of Adam, in deviations of the noise
NORM_WEIGHT = 1.0
ROWS = 16  # images at a time: a backward pass needs much memory


class Scored(NamedTuple):
    """The score to compare and the one to climb, both (n,), and the images if they were drawn."""

    compared: Tensor
    climbed: Tensor
    x: Tensor | None = None


@register("optim_stability")
def optim_stability(task: Task) -> Start:
    """Gradient steps towards noise that DDIM's inversion recovers (Qi et al., arXiv 2407.14041).

    Each step lowers 1 - cosine, and then restores the norm.
    """

    def score(z: Tensor, rows: slice) -> Scored:
        found = ddim_stability(task.sampler, z, task.condition[rows])
        return Scored(found, found)

    return _climb(task, score, keep_norm=True)


@register("optim_judge")
def optim_judge(task: Task) -> Start:
    """Gradient steps towards an image that judge A is confident in, keeping a norm like noise's.

    The regulariser is the log-density of the norm of Gaussian noise, per pixel (Samuel et al.,
    arXiv 2304.14530): `((d - 1) log |z| - |z|^2 / 2) / d`.
    """

    def score(z: Tensor, rows: slice) -> Scored:
        x = task.sampler.images(z, task.keys[rows], task.condition[rows])
        liked = judge_a.log_probability(task, x, task.labels[rows])
        square, d = z.flatten(1).square().sum(1), z[0].numel()
        norm = ((d - 1) / 2 * square.log() - square / 2) / d
        return Scored(liked, liked + NORM_WEIGHT * norm, x)

    return _climb(task, score, keep_norm=False)


def _climb(task: Task, score: Callable[[Tensor, slice], Scored], keep_norm: bool) -> Start:
    """The noises of the highest score that Adam finds, with their images if drawn."""
    parts = []
    with torch.inference_mode(False), torch.enable_grad():  # whatever the caller switched off
        own = task.gaussian()
        for first in range(0, len(own), ROWS):
            rows = slice(first, first + ROWS)
            parts.append(_climb_some(own[rows], rows, score, task.candidates, keep_norm))
    best, images = (list(each) for each in zip(*parts, strict=True))
    return Start(torch.cat(best), x=None if images[0] is None else torch.cat(images))


def _climb_some(
    own: Tensor,
    rows: slice,
    score: Callable[[Tensor, slice], Scored],
    tries: int,
    keep_norm: bool,
) -> tuple[Tensor, Tensor | None]:
    norm = own.flatten(1).norm(dim=1)[:, None, None, None]
    z = own.clone().requires_grad_()
    adam = torch.optim.Adam([z], RATE)
    best, highest, drawn = own, torch.full((len(own),), -math.inf), None
    for k in range(tries):
        found = score(z, rows)
        now = comparable(found.compared)
        better = (now > highest)[:, None, None, None]
        best, highest = torch.where(better, z.detach(), best), torch.maximum(highest, now)
        if found.x is not None:
            x = found.x.detach()
            drawn = x if drawn is None else torch.where(better, x, drawn)
        if k + 1 == tries:
            break
        (z.grad,) = torch.autograd.grad(-found.climbed.sum(), [z])
        adam.step()
        if keep_norm:
            with torch.no_grad():
                z *= norm / z.flatten(1).norm(dim=1)[:, None, None, None]
    return best, drawn
