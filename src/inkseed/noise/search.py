"""Strategies that search: they try several noises, and judge A chooses among the results.

Judge A never evaluates and judge B never selects, so that pleasing the selector is not mistaken for
drawing better ("verifier hacking": Ma et al., arXiv 2501.09732).
"""

import math

import torch
from torch import Tensor

from inkseed.noise import judge_a
from inkseed.noise.registry import register
from inkseed.noise.task import Start, Task, comparable

NEIGHBOURS = 4  # noises that zero-order search tries in a batch around the best one
NEARNESS = 0.9  # cosine between a noise and its neighbour
PRUNED_AT = 0.5  # the part of the steps after which early pruning chooses


@register("best_of")
def best_of(task: Task) -> Start:
    """Draw all candidates to the end, and keep the one that judge A is most confident in."""
    tries = task.tries()
    x = task.sampler.images(tries.z, tries.keys, tries.condition)
    return tries.best(judge_a.log_probability(task, x, tries.labels), x)


@register("early_prune")
def early_prune(task: Task) -> Start:
    """Draw all candidates half-way, and only judge A's favourite to the end."""
    tries, steps = task.tries(), task.sampler.steps
    halfway = max(1, math.floor(PRUNED_AT * steps))
    guesses = task.sampler.guesses(tries.z, tries.keys, halfway, tries.condition)
    return tries.best(judge_a.log_probability(task, guesses, tries.labels))


@register("zero_order")
def zero_order(task: Task) -> Start:
    """Move from the image's own noise to neighbours of equal norm that judge A likes better.

    A neighbour of z, with u = z / |z|, is `|z| (lambda u + sqrt(1 - lambda^2) w)`, where w is a
    random unit vector perpendicular to u (Ma et al., arXiv 2501.09732). The sampler's own noise
    stays the same.
    """
    best = task.gaussian()
    x = task.sampler.images(best, task.keys)
    score = comparable(judge_a.log_probability(task, x, task.labels))
    for first in range(1, task.candidates, NEIGHBOURS):
        count = min(NEIGHBOURS, task.candidates - first)
        numbers = range(first, first + count)
        keys = [(k, j) for k in task.numbers for j in numbers]
        aside = task.noise(keys)
        near = neighbours(best.repeat_interleave(count, 0), aside)
        condition = task.condition.repeat(count)
        own = [(k,) for k in task.numbers for _ in numbers]
        drawn = task.sampler.images(near, own, condition)
        labels = task.labels.repeat(count)
        scores = comparable(judge_a.log_probability(task, drawn, labels)).view(-1, count)
        highest, which = scores.max(1)
        rows = which + torch.arange(len(task)) * count
        better = (highest > score)[:, None, None, None]
        best = torch.where(better, near[rows], best)
        x = torch.where(better, drawn[rows], x)
        score = torch.maximum(score, highest)
    return Start(best, x=x)


def neighbours(z: Tensor, aside: Tensor, nearness: float = NEARNESS) -> Tensor:
    """Noises (M, C, H, W) with z's norms, at cosine `nearness` to z, in direction `aside`."""
    flat, other = z.flatten(1), aside.flatten(1)
    norm = flat.norm(dim=1, keepdim=True)
    u = flat / norm
    w = other - (other * u).sum(1, keepdim=True) * u
    w = w / w.norm(dim=1, keepdim=True)
    return (norm * (nearness * u + math.sqrt(1 - nearness**2) * w)).view_as(z)
