"""Feynman-Kac steering (Singhal et al., arXiv 2501.06848): particles resampled on the way.

It chooses among random paths rather than among starting noises. So it draws the images itself, by
DDPM's stochastic step at the request's times, whatever the request's sampler is.
"""

from itertools import pairwise

import torch
from torch import Tensor

from inkseed.noise import judge_a
from inkseed.noise.registry import register
from inkseed.noise.task import Start, Task, Tries
from inkseed.rng import Purpose, uniforms
from inkseed.samplers import posterior
from inkseed.samplers.fresh_noise import SamplerNoise

STRENGTH = 1.0  # of judge A's probability in the paths' weights


@register("fk_steering")
def fk_steering(task: Task) -> Start:
    """Follow random paths side by side, and resample them on the way by what judge A prefers.

    The potential of a step is the increase in judge A's log-probability of the label at the
    predicted x_0 (the paper's "difference"). Particles are resampled by their weights so far when
    their effective number falls below half, which never happens with two. At the end A's favourite
    is kept.
    """
    tries, bound = task.tries(), task.sampler
    bound.check_posterior_mean("fk_steering")
    each = max(1, bound.batch_size // task.candidates)  # whole images at a time
    starts = []
    for first in range(0, len(task), each):
        rows = slice(first * task.candidates, (first + each) * task.candidates)
        starts.append(_steer(task, tries[rows]))
    z, _, x = (list(parts) for parts in zip(*starts, strict=True))
    return Start(torch.cat(z), x=torch.cat(x))


def _steer(task: Task, tries: Tries) -> Start:
    """The steered images of whole groups of particles, in one batch."""
    bound, schedule = task.sampler, task.sampler.schedule
    z, condition = tries.z, tries.condition.to(bound.device)
    noise = SamplerNoise(task.seed, tries.keys, task.shape, torch.device("cpu"))
    groups = tries.keys[:: tries.count]
    x = schedule.start_scale * z
    liked = torch.zeros(len(x))
    weights = torch.zeros(len(x) // tries.count, tries.count)  # logarithms, group by group
    for step, (t, s) in enumerate(pairwise(bound.times)):
        x_0 = bound.denoiser(x.to(bound.device), t, condition).cpu()
        now = judge_a.log_probability(task, x_0, tries.labels)
        weights = weights + STRENGTH * (now - liked).view_as(weights)
        offsets = uniforms(task.seed, Purpose.RESAMPLING, groups, 1, step)
        parents = _resample(weights, torch.from_numpy(offsets).float())
        moved = (parents != torch.arange(tries.count)).any(1)
        weights = torch.where(moved[:, None], 0.0, weights)
        rows = (parents + tries.count * torch.arange(len(parents))[:, None]).flatten()
        x, x_0, z, liked = x[rows], x_0[rows], z[rows], now[rows]
        x, deviation = posterior(schedule, x, x_0, t, s, eta=1.0)
        if deviation > 0:
            x = x + deviation * noise()
    last = Tries(z, tries.keys, tries.condition, tries.labels, tries.count)
    best = last.best(judge_a.log_probability(task, x, tries.labels), x)
    return best._replace(keys=None)  # a steered image is not what its stream draws


def _resample(weights: Tensor, offsets: Tensor) -> Tensor:
    """Log weights (G, K) -> parents (G, K): themselves, or drawn if under K / 2 are effective.

    Systematic resampling (Douc and Cappé 2005): K evenly spaced marks, with one random offset for
    each group, (G, 1).
    """
    count = weights.shape[1]
    share = weights.softmax(1)
    marks = (offsets + torch.arange(count)) / count
    drawn = torch.searchsorted(share.cumsum(1), marks).clamp(max=count - 1)
    few = 1 / share.square().sum(1) < count / 2
    return torch.where(few[:, None], drawn, torch.arange(count))
