"""What all samplers share: their signature, the states they yield, and one step."""

from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol

from torch import Tensor

from inkseed.diffusion.condition import Condition
from inkseed.diffusion.denoiser import Denoiser
from inkseed.diffusion.schedule import Schedule

Noise = Callable[[], Tensor]
"""Returns unit Gaussian noise of x_T's shape, fresh at every call."""


class Step(NamedTuple):
    """A state on the way from noise to image.

    Attributes:
        t: the time.
        x: the image at that time, (N, C, H, W).
        x_0: the prediction of the clean image that led there.
    """

    t: float
    x: Tensor
    x_0: Tensor


class Sampler(Protocol):
    """A function that yields the state at each of `times` but the first, beginning at `x_T`.

    `x_T` is (N, C, H, W). `times` is float64, of length 2 or more, and falls from 1 to 0, or ends
    above 0 to stop early. A sampler depends on its arguments only: the same arguments give the same
    states.
    """

    def __call__(
        self,
        denoiser: Denoiser,
        schedule: Schedule,
        x_T: Tensor,
        condition: Condition,
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
    """Mean and standard deviation of x_s given x_t and x_0, for s < t: every sampler's step.

    Args:
        schedule: gives alpha and sigma at each time; alpha_t may be 0.
        x_t: the state (N, C, H, W) at time t.
        x_0: the prediction of the clean image.
        t: the time now.
        s: the time after the step.
        eta: how much of the noise that x_0 leaves in x_t is drawn anew. 0 is none, 1 as much as in
            DDPM's posterior. None is that posterior's mean with the larger of DDPM's two
            deviations, sqrt(beta_t). With x_0 from a prediction of eps that mean is `(x_t - beta_t
            / sigma_t eps) / sqrt(1 - beta_t)`: the report's equation (2) with the division by
            sigma_t that is missing in print.

    Returns:
        The mean (N, C, H, W), and the deviation of the noise to add.

    Source:
        DDIM, [2010.02502](https://arxiv.org/abs/2010.02502), equations 12 and 16; DDPM,
        [2006.11239](https://arxiv.org/abs/2006.11239), equation 7.
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
    """The step from time t to s that keeps all the noise that x_0 leaves in x_t: `eta` 0."""
    return posterior(schedule, x_t, x_0, t, s, eta=0.0)[0]
