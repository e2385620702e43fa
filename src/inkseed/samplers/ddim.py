"""DDIM (arXiv 2010.02502): deterministic sampling, and its inversion from image to noise."""

import warnings
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor

from inkseed.diffusion.condition import Condition
from inkseed.diffusion.denoiser import Denoiser, in_float32
from inkseed.diffusion.schedule import MIN_ALPHA, Schedule
from inkseed.errors import InkseedError
from inkseed.samplers.registry import register
from inkseed.samplers.steps import Noise, Step, ddim_step


@register("ddim", steps=50, spacing="uniform")
def ddim(
    denoiser: Denoiser,
    schedule: Schedule,
    x_T: Tensor,
    condition: Condition,
    times: Tensor,
    noise: Noise | None = None,
) -> Iterator[Step]:
    """Draw deterministically, by a first-order step; draws no noise.

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
        DDIM, [2010.02502](https://arxiv.org/abs/2010.02502), equation 12 with eta 0.
    """
    x = x_T
    for t, s in pairwise(times):
        x_0 = denoiser(x, t, condition)
        x = ddim_step(schedule, x, x_0, t, s)
        yield Step(float(s), x, x_0)


class Inverted(NamedTuple):
    """A state on the way back from an image to its noise.

    Attributes:
        t: the time.
        x: the image at that time, (N, C, H, W).
        x_0: the prediction of the clean image that led there.
        converged: bool (N,): whether this step and all before it were solved to the tolerance for
            each image. Only then does DDIM lead from `x` back to the image.
    """

    t: float
    x: Tensor
    x_0: Tensor
    converged: Tensor


def invert(
    denoiser: Denoiser, schedule: Schedule, x: Tensor, condition: Condition, times: Tensor
) -> Iterator[Step]:
    """Take images back to their noise, at one network evaluation per step.

    The noise in x at time s is estimated at the next time t, as if x were already there, which is
    exact only in the limit of small steps. Give the image as the sampler left it, not rounded, and
    use no strong guidance. Networks compute in float32, whatever precision is set.

    Args:
        denoiser: (x_t, t, condition) -> x_0.
        schedule: gives alpha and sigma at each time.
        x: images (N, C, H, W).
        condition: what the N images are to be.
        times: the sampler's own list, falling from noise to data.

    Yields:
        The state at each time but the last, from data to noise.

    Raises:
        InkseedError: for a single step to a time where no signal is left.

    Source:
        DDIM, [2010.02502](https://arxiv.org/abs/2010.02502), section 4.3.
    """
    denoiser = in_float32(denoiser)
    for s, t in pairwise(times.flip(0)):
        x_0 = denoiser(x, t, condition)
        x = _noisier(schedule, x, x, x_0, t, s)
        yield Step(float(t), x, x_0)


def invert_fixed_point(
    denoiser: Denoiser,
    schedule: Schedule,
    x: Tensor,
    condition: Condition,
    times: Tensor,
    tolerance: float = 1e-6,
    max_iterations: int = 50,
) -> Iterator[Inverted]:
    """Take images back to their noise exactly, up to rounding, where the iteration converges.

    The state at t that DDIM takes to the one at s is a fixed point of `x_t = alpha_t / alpha_s x_s
    + (sigma_t - alpha_t sigma_s / alpha_s) eps(x_t, t)`. It is found by iterating from x_s, at one
    evaluation per iteration. Long steps under strong guidance may not converge: each state says
    which images did, and a warning at the end says how many did not. Networks compute in float32,
    whatever precision is set, since in bfloat16 the iterates never settle. Use float32 too to
    sample from the noise again.

    Args:
        denoiser: (x_t, t, condition) -> x_0.
        schedule: gives alpha and sigma at each time.
        x: images (N, C, H, W), as the sampler left them, not rounded.
        condition: what the N images are to be.
        times: the sampler's own list, falling from noise to data.
        tolerance: stop when no image moves by more than this fraction of its norm.
        max_iterations: stop after so many iterations in any case.

    Yields:
        The state at each time but the last, from data to noise.

    Raises:
        InkseedError: for a single step to a time where no signal is left, and for fewer than one
            iteration.
    """
    if max_iterations < 1:
        raise InkseedError(f"max_iterations must be 1 or more, not {max_iterations}")
    denoiser = in_float32(denoiser)
    converged = torch.ones(len(x), dtype=torch.bool, device=x.device)
    for s, t in pairwise(times.flip(0)):
        x_t = x
        for _ in range(max_iterations):
            previous = x_t
            x_0 = denoiser(previous, t, condition)
            x_t = _noisier(schedule, x, previous, x_0, t, s)
            moved = (x_t - previous).flatten(1).norm(dim=1)
            settled = moved <= tolerance * x_t.flatten(1).norm(dim=1)
            if settled.all():
                break
        x, converged = x_t, converged & settled
        yield Inverted(float(t), x, x_0, converged)
    if missed := int((~converged).sum()):
        warnings.warn(
            f"the inversion of {missed} of {len(x)} images did not converge: take more steps, "
            "guide less, or raise max_iterations or tolerance",
            stacklevel=2,
        )


def _noisier(
    schedule: Schedule, x_s: Tensor, x_t: Tensor, x_0: Tensor, t: Tensor, s: Tensor
) -> Tensor:
    """The state at t whose DDIM step to s is x_s, if x_0 is the prediction at x_t."""
    (alpha_t, sigma_t), (alpha_s, sigma_s) = schedule.level(t), schedule.level(s)
    if alpha_t < MIN_ALPHA:  # x_t is noise alone: eps would be x_t itself, whatever it is
        if sigma_s == 0:
            raise InkseedError("one step to pure noise cannot be inverted: take at least two")
        return sigma_t / sigma_s * (x_s - alpha_s * x_0) + alpha_t * x_0
    eps = (x_t - alpha_t * x_0) / sigma_t
    return alpha_t / alpha_s * x_s + (sigma_t - alpha_t * sigma_s / alpha_s) * eps
