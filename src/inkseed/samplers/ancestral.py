"""Ancestral sampling (DDPM): the reverse chain, with fresh noise at every step but the last."""

from collections.abc import Iterator
from itertools import pairwise

from torch import Tensor

from inkseed.diffusion.condition import Condition
from inkseed.diffusion.denoiser import Denoiser
from inkseed.diffusion.schedule import Schedule
from inkseed.samplers.registry import register
from inkseed.samplers.steps import Noise, Step, posterior


@register("ancestral", steps=None, spacing="uniform")
def ancestral(
    denoiser: Denoiser,
    schedule: Schedule,
    x_T: Tensor,
    condition: Condition,
    times: Tensor,
    noise: Noise,
    eta: float | None = None,
) -> Iterator[Step]:
    """Draw by the reverse chain, with fresh noise at every step but the last.

    Args:
        denoiser: (x_t, t, condition) -> x_0.
        schedule: gives alpha and sigma at each time.
        x_T: starting noise (N, C, H, W).
        condition: what the N images are to be.
        times: falling from 1 to 0.
        noise: called once for every step that does not end at 0.
        eta: how much of the noise is drawn anew. 0 is none; 1 gives the smaller of DDPM's two
            variances, the better one for few steps. None is the schedule's own `eta`; if that is
            None too, the variance is beta_t, as in the report. A variance-exploding schedule has
            `eta` 1: beta_t is there the variance of all the noise that a step removes, so long
            steps would end in noise.

    Yields:
        The state at each time but the first.

    Source:
        DDPM, [2006.11239](https://arxiv.org/abs/2006.11239), Algorithm 2; with `eta`, DDIM,
        [2010.02502](https://arxiv.org/abs/2010.02502), equations 12 and 16.
    """
    eta = schedule.eta if eta is None else eta
    x = x_T
    for t, s in pairwise(times):
        x_0 = denoiser(x, t, condition)
        mean, deviation = posterior(schedule, x, x_0, t, s, eta)
        x = mean + deviation * noise() if s > 0 else mean
        yield Step(float(s), x, x_0)
