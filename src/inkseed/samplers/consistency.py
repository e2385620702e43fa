"""Multistep consistency sampling (arXiv 2303.01469): jump to the end, noise again, jump again."""

from collections.abc import Iterator
from itertools import pairwise

from torch import Tensor

from inkseed.diffusion.condition import Condition
from inkseed.diffusion.denoiser import Denoiser
from inkseed.diffusion.schedule import Schedule
from inkseed.samplers.registry import register
from inkseed.samplers.steps import Noise, Step


@register("consistency", steps=2, spacing="karras", posterior_mean=False)
def consistency(
    denoiser: Denoiser,
    schedule: Schedule,
    x_T: Tensor,
    condition: Condition,
    times: Tensor,
    noise: Noise,
) -> Iterator[Step]:
    """Draw by jumps to the end of the path, each from the last one's end under fresh noise.

    Args:
        denoiser: (x_t, t, condition) -> x_0, the end of the path through x_t.
        schedule: gives alpha and sigma at each time.
        x_T: starting noise (N, C, H, W).
        condition: what the N images are to be.
        times: falling from 1 to 0; each between them says how much noise is put back.
        noise: called once for every time between them.

    Yields:
        The state at each time but the first.

    Source:
        Song and others, [2303.01469](https://arxiv.org/abs/2303.01469), Algorithm 1.
    """
    x = x_T
    for t, s in pairwise(times):
        x_0 = denoiser(x, t, condition)
        alpha, sigma = schedule.level(s)
        x = alpha * x_0 + sigma * noise() if s > 0 else x_0
        yield Step(float(s), x, x_0)
