"""The report's noise selection: the candidate that is closest to the inversion of its own image.

There are two inversions. DDIM both ways, as in the paper behind the report (Qi et al., arXiv
2407.14041), is deterministic, so the score says how well the solver's steps undo themselves. The
report's own listing adds fresh noise on the way back, which cannot resemble the start. Both are
unguided, since inversion breaks under strong guidance.
"""

import torch
from torch import Tensor

from inkseed.diffusion.condition import Condition
from inkseed.diffusion.schedule import times
from inkseed.noise.registry import register
from inkseed.noise.run import Run
from inkseed.noise.task import Start, Task, Tries
from inkseed.rng import Purpose
from inkseed.samplers import ancestral
from inkseed.samplers.fresh_noise import SamplerNoise

STEPS = 10  # each way: with few steps the score spreads more than with many


@register("stability")
def stability(task: Task) -> Start:
    """The candidate most stable under DDIM and its inversion, 10 steps each way."""
    tries = task.tries()
    return tries.best(ddim_stability(task.sampler, tries.z, tries.condition))


@register("stability_renoise")
def stability_renoise(task: Task) -> Start:
    """The candidate most like its image noised again, as the report lists it: pure chance."""
    tries = task.tries()
    return tries.best(renoise_stability(task.sampler, tries))


def ddim_stability(run: Run, z: Tensor, condition: Condition, steps: int = STEPS) -> Tensor:
    """Cosine similarity (M,) of noise z and DDIM's inversion of its image; gradients flow.

    Computed in float32, whatever the request's precision.
    """
    x = run.ddim(z, steps, condition)
    return cosine(z, run.undo(x, steps, condition))


def renoise_stability(run: Run, tries: Tries, steps: int = STEPS) -> Tensor:
    """Cosine similarity (M,) of noise and its image noised again with fresh noise.

    The image is drawn by DDPM's stochastic steps. Noising it step by step along the forward chain
    is, in distribution, noising it once: `x_1 = alpha(1) x_0 + sigma(1) eps`, with fresh eps.
    """
    run.check_posterior_mean("stability_renoise")
    grid = times(run.schedule, steps, run.spacing)
    found = []
    for first in range(0, len(tries.z), run.batch_size):
        part = tries[first : first + run.batch_size]
        noise = SamplerNoise(run.seed, part.keys, part.z.shape[1:], run.device, Purpose.RENOISED)
        start = (run.schedule.start_scale * part.z).to(run.device)
        condition = part.condition.to(run.device)
        for step in ancestral(run.plain, run.schedule, start, condition, grid, noise, eta=1.0):
            x_0 = step.x
        alpha, sigma = run.schedule.level(1.0)
        noised = (alpha * x_0 + sigma * noise()).cpu()
        found.append(cosine(part.z, noised / run.schedule.start_scale))
    return torch.cat(found)


def cosine(a: Tensor, b: Tensor) -> Tensor:
    """Cosine similarity (N,) of tensors (N, C, H, W), image by image."""
    return torch.nn.functional.cosine_similarity(a.flatten(1), b.flatten(1), dim=1)
