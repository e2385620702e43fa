"""What every sampler shares: the state it yields, the noise it may draw, its signature."""

from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol

from torch import Tensor

from inkseed.diffusion.denoiser import Denoiser
from inkseed.diffusion.schedule import Schedule

Noise = Callable[[], Tensor]
"""Gives unit Gaussian noise of x_T's shape, fresh at every call."""


class Step(NamedTuple):
    """A state on the way: at time `t` the image is `x`, (N, C, H, W), by way of the guess `x_0`."""

    t: float
    x: Tensor
    x_0: Tensor


class Sampler(Protocol):
    """Yields the state at each of `times` but the first, beginning from `x_T` (N, C, H, W).

    `times` falls (float64, any length from 2) from 1 to 0, or ends above 0 to stop early. All that
    a sampler knows is in its arguments: two runs with the same give the same.
    """

    def __call__(
        self,
        denoiser: Denoiser,
        schedule: Schedule,
        x_T: Tensor,
        label: Tensor,
        times: Tensor,
        noise: Noise,
    ) -> Iterator[Step]: ...


def posterior(
    schedule: Schedule,
    x_t: Tensor,
    x_0: Tensor,
    t: float | Tensor,
    s: float | Tensor,
    eta: float | None = None,
) -> tuple[Tensor, float]:
    """Mean and deviation of x_s given x_t and x_0, for times s < t: the one step of every sampler.

    With `eta`, DDIM's family (arXiv 2010.02502, equations 12 and 16): part of the noise that x_0
    leaves in x_t is kept, the rest drawn anew; 0 keeps all of it, 1 is DDPM's posterior. Without,
    that posterior's mean (DDPM, arXiv 2006.11239, equation 7) and the larger of DDPM's two
    deviations, sqrt(beta_t): with x_0 from a prediction of eps the mean is `(x_t - beta_t / sigma_t
    eps) / sqrt(1 - beta_t)`, the report's equation (2) with the division by sigma_t that its print
    lost. Written so that alpha_t may be 0.
    """
    (alpha_t, sigma_t), (alpha_s, sigma_s) = schedule.level(t), schedule.level(s)
    added = max(sigma_t**2 - (alpha_t / alpha_s * sigma_s) ** 2, 0.0)  # from s to t; DDPM's beta_t
    true = sigma_s / sigma_t * added**0.5  # the posterior's own deviation
    drawn = true if eta is None else eta * true
    kept = max(sigma_s**2 - drawn**2, 0.0) ** 0.5
    mean = kept / sigma_t * x_t + (alpha_s - kept * alpha_t / sigma_t) * x_0
    return mean, added**0.5 if eta is None else drawn


def ddim_step(
    schedule: Schedule, x_t: Tensor, x_0: Tensor, t: float | Tensor, s: float | Tensor
) -> Tensor:
    """Keep the noise that x_0 leaves in x_t, at the level of time s: all of it, `eta` 0."""
    return posterior(schedule, x_t, x_0, t, s, eta=0.0)[0]
