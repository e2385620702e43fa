"""Heun's method (EDM, arXiv 2206.00364, Algorithm 1, without churn): second order."""

from collections.abc import Iterator
from itertools import pairwise
from math import isinf

from torch import Tensor

from inkseed.diffusion.condition import Condition
from inkseed.diffusion.denoiser import Denoiser
from inkseed.diffusion.schedule import Schedule
from inkseed.samplers.registry import register
from inkseed.samplers.steps import Noise, Step, ddim_step


@register("heun", steps=10, spacing="log_snr")
def heun(
    denoiser: Denoiser,
    schedule: Schedule,
    x_T: Tensor,
    condition: Condition,
    times: Tensor,
    noise: Noise | None = None,
) -> Iterator[Step]:
    """Draw by Heun's method: second order, at two network evaluations per step; draws no noise.

    With y = x / alpha and r = sigma / alpha the flow is `dy/dr = (y - x_0) / r = eps`. A step first
    takes Euler's, which is DDIM's, and then repeats it with the mean of the slopes at both ends.
    Where one end has no slope (r = 0 in the last step; r infinite in the first if alpha(1) is 0),
    Euler's step stands, at one evaluation.

    Args:
        denoiser: (x_t, t, condition) -> x_0.
        schedule: gives alpha and sigma at each time.
        x_T: starting noise (N, C, H, W).
        condition: what the N images are to be.
        times: falling from 1 to 0.
        noise: not used.

    Yields:
        The state at each time but the first.

    Source:
        EDM, [2206.00364](https://arxiv.org/abs/2206.00364), Algorithm 1, without churn.
    """
    x = x_T
    for t, s in pairwise(times):
        x_0 = denoiser(x, t, condition)
        ahead = ddim_step(schedule, x, x_0, t, s)
        r_t, r_s = schedule.ratio(t), schedule.ratio(s)
        if r_s > 0 and not isinf(r_t):
            alpha_t, alpha_s = schedule.level(t)[0], schedule.level(s)[0]
            y = x / alpha_t
            slope = (y - x_0) / r_t
            slope_ahead = (ahead / alpha_s - denoiser(ahead, s, condition)) / r_s
            ahead = alpha_s * (y + (r_s - r_t) * (slope + slope_ahead) / 2)
        x = ahead
        yield Step(float(s), x, x_0)
