"""Ancestral sampling (DDPM): the reverse chain, with fresh noise at every step but the last."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from torch import Tensor

from inkseed.denoiser import Denoiser
from inkseed.schedule import LinearBetas


class Step(NamedTuple):
    """A state on the way: at time `t` the image is `x`, (N, C, H, W), by way of the guess `x_0`."""

    t: float
    x: Tensor
    x_0: Tensor


def ancestral(
    denoiser: Denoiser,
    schedule: LinearBetas,
    x_T: Tensor,
    label: Tensor,
    noise: Callable[[], Tensor],
) -> Iterator[Step]:
    """Yield every state from x_T (N, C, H, W) down to the image, n_T steps in all.

    DDPM's Algorithm 2 (arXiv 2006.11239) with variance beta_t, as the report has it. `noise()`
    gives unit Gaussian noise of x_T's shape, called once a step except for the last.
    """
    times = schedule.times()
    x = x_T
    for i, t in enumerate(times[:-1]):
        s = times[i + 1]
        x_0 = denoiser(x, t, label)
        mean, deviation = posterior(schedule, x, x_0, t, s)
        x = mean + deviation * noise() if s > 0 else mean
        yield Step(float(s), x, x_0)


def posterior(
    schedule: LinearBetas, x_t: Tensor, x_0: Tensor, t: Tensor, s: Tensor
) -> tuple[Tensor, float]:
    """Mean of q(x_s | x_t, x_0) (DDPM, equation 7) and sqrt(beta_t), for scalar times s < t.

    With x_0 from a prediction of eps the mean is `(x_t - beta_t / sigma_t eps) / sqrt(1 - beta_t)`:
    the report's equation (2) with the division by sigma_t that its print lost.
    """
    (alpha_t, sigma_t), (alpha_s, sigma_s) = (map(float, schedule(time)) for time in (t, s))
    beta = 1 - (alpha_t / alpha_s) ** 2
    mean = (alpha_s * beta * x_0 + alpha_t / alpha_s * sigma_s**2 * x_t) / sigma_t**2
    return mean, beta**0.5
