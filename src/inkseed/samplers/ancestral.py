"""Ancestral sampling (DDPM): the reverse chain, with fresh noise at every step but the last."""

from collections.abc import Iterator
from itertools import pairwise

from torch import Tensor

from inkseed.diffusion.denoiser import Denoiser
from inkseed.diffusion.schedule import Schedule
from inkseed.samplers.registry import register
from inkseed.samplers.steps import Noise, Step, posterior


@register("ancestral", steps=None, spacing="uniform")
def ancestral(
    denoiser: Denoiser,
    schedule: Schedule,
    x_T: Tensor,
    label: Tensor,
    times: Tensor,
    noise: Noise,
    eta: float | None = None,
) -> Iterator[Step]:
    """Yield every state from x_T (N, C, H, W) down to the image.

    `eta` None is the schedule's own. Where that is None too, DDPM's Algorithm 2 (arXiv 2006.11239)
    with variance beta_t, as the report has it. Otherwise DDIM's family (arXiv 2010.02502, equations
    12 and 16): 0 adds no noise, 1 the smaller of DDPM's two variances, the better one for few
    steps. Where alpha does not fall (variance_exploding) the schedule says 1: beta_t is there the
    variance of all the noise that a step takes away, and long steps would end in noise.
    `noise()` is called once for every step that does not end at 0.
    """
    eta = schedule.eta if eta is None else eta
    x = x_T
    for t, s in pairwise(times):
        x_0 = denoiser(x, t, label)
        mean, deviation = posterior(schedule, x, x_0, t, s, eta)
        x = mean + deviation * noise() if s > 0 else mean
        yield Step(float(s), x, x_0)
