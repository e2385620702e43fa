"""Heun's method (EDM, arXiv 2206.00364, Algorithm 1, without churn): second order."""

from collections.abc import Iterator
from itertools import pairwise
from math import isinf

from torch import Tensor

from inkseed.diffusion.denoiser import Denoiser
from inkseed.diffusion.schedule import Schedule
from inkseed.samplers.registry import register
from inkseed.samplers.steps import Noise, Step, ddim_step


@register("heun", steps=10, spacing="log_snr")
def heun(
    denoiser: Denoiser,
    schedule: Schedule,
    x_T: Tensor,
    label: Tensor,
    times: Tensor,
    noise: Noise | None = None,
) -> Iterator[Step]:
    """Yield every state from x_T (N, C, H, W) down to the image, at two evaluations a step.

    With y = x / alpha and r = sigma / alpha the flow is `dy/dr = (y - x_0) / r = eps`. A step tries
    Euler's, which is DDIM's, then goes again with the mean of the slopes at both ends. Where an end
    has no slope (r = 0 in the last step; r infinite in the first, if alpha(1) is 0) it stays with
    Euler's, at one evaluation. Draws no noise.
    """
    x = x_T
    for t, s in pairwise(times):
        x_0 = denoiser(x, t, label)
        ahead = ddim_step(schedule, x, x_0, t, s)
        r_t, r_s = schedule.ratio(t), schedule.ratio(s)
        if r_s > 0 and not isinf(r_t):
            alpha_t, alpha_s = schedule.level(t)[0], schedule.level(s)[0]
            y = x / alpha_t
            slope = (y - x_0) / r_t
            slope_ahead = (ahead / alpha_s - denoiser(ahead, s, label)) / r_s
            ahead = alpha_s * (y + (r_s - r_t) * (slope + slope_ahead) / 2)
        x = ahead
        yield Step(float(s), x, x_0)
