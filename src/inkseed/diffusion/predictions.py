"""What a network may predict: the noise, v, the image, EDM's residual, or the end of a path.

Each is one class, which turns the network's output into x_0 and has the loss that trains it. The
first four losses are minimal at the posterior mean E[x_0 | x_t]; they differ in how much an error
counts at each noise level. The last is minimal where a teacher's path through x_t ends.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from inkseed.diffusion.condition import Condition
from inkseed.diffusion.denoiser import NetworkDenoiser, Noising
from inkseed.diffusion.schedule import MIN_ALPHA, Schedule, schedule_from
from inkseed.errors import InkseedError
from inkseed.registry import PREDICTIONS

HUBER = 0.01  # root mean square errors below this count by their square
FIRST_STATE = 3.0
LOG_RATIO_LIMIT = 12.0  # keeps EDM's log(sigma / alpha) finite at both ends


@PREDICTIONS.register("eps")
class EpsDenoiser(NetworkDenoiser):
    """The network predicts the noise: `x_0 = (x_t - sigma eps) / alpha`.

    Equation (1) of the report solved for x_0. Raises InkseedError for a schedule that leaves no
    signal at t = 1, where this would divide by 0.
    """

    def __init__(
        self, network: Callable[..., Tensor], schedule: Schedule, mixed_precision: bool = False
    ) -> None:
        super().__init__(network, schedule, mixed_precision)
        if schedule.level(1.0)[0] < MIN_ALPHA:
            raise InkseedError(
                "this schedule leaves no signal at t = 1, where a prediction of the noise does not"
                " determine x_0: predict v or x0, or use linear_betas"
            )

    def x_0(
        self, x_t: Tensor, t: Tensor, condition: Condition, alpha: Tensor, sigma: Tensor
    ) -> Tensor:
        return (x_t - sigma * self.predict(x_t, t, condition)) / alpha

    def loss(self, x_0: Tensor, noising: Noising, condition: Condition) -> Tensor:
        """Mean squared error of the noise (arXiv 2006.11239, equation 14; the report's (1))."""
        predicted = self.predict(noising(x_0), noising.t, condition)
        return nn.functional.mse_loss(predicted, noising.eps)


@PREDICTIONS.register("v")
class VDenoiser(NetworkDenoiser):
    """The network predicts `v = alpha eps - sigma x_0` (arXiv 2202.00512, appendix D).

    Then `x_0 = (alpha x_t - sigma v) / (alpha^2 + sigma^2)`; the divisor is 1 in the paper.
    """

    def x_0(
        self, x_t: Tensor, t: Tensor, condition: Condition, alpha: Tensor, sigma: Tensor
    ) -> Tensor:
        v = self.predict(x_t, t, condition)
        return (alpha * x_t - sigma * v) / (alpha**2 + sigma**2)

    def loss(self, x_0: Tensor, noising: Noising, condition: Condition) -> Tensor:
        """Mean squared error of v over alpha^2 + sigma^2, which is 1 in the paper.

        An error of x_0 counts `1 + alpha^2 / sigma^2` times, the paper's "SNR+1" (section 4), on
        every schedule.
        """
        alpha, sigma = noising.alpha, noising.sigma
        error = self.predict(noising(x_0), noising.t, condition)
        error = error - (alpha * noising.eps - sigma * x_0)
        return (error.square() / (alpha**2 + sigma**2)).mean()


@PREDICTIONS.register("x0")
class X0Denoiser(NetworkDenoiser):
    """The network predicts the clean image itself."""

    def x_0(
        self, x_t: Tensor, t: Tensor, condition: Condition, alpha: Tensor, sigma: Tensor
    ) -> Tensor:
        return self.predict(x_t, t, condition)

    def loss(self, x_0: Tensor, noising: Noising, condition: Condition) -> Tensor:
        """Mean squared error of the image: all noise levels count alike."""
        predicted = self.predict(noising(x_0), noising.t, condition)
        return nn.functional.mse_loss(predicted, x_0)


@PREDICTIONS.register("edm")
class EdmDenoiser(NetworkDenoiser):
    """EDM's preconditioning (arXiv 2206.00364, equation 7 and table 1), on any schedule.

    `x_0 = m + c_skip (x_t - alpha m) + c_out F(c_in (x_t - alpha m), log(sigma / alpha) / 4)` keeps
    the input and the target of F at unit variance, for data of mean m and deviation sigma_data. The
    paper has alpha = 1 and m = 0. Raises InkseedError for impossible moments.
    """

    usual_times = "log_normal"

    def __init__(
        self,
        network: Callable[..., Tensor],
        schedule: Schedule,
        mixed_precision: bool = False,
        data_mean: float = 0.0,
        sigma_data: float = 0.5,
    ) -> None:
        super().__init__(network, schedule, mixed_precision)
        if not (math.isfinite(data_mean) and 0 < sigma_data < math.inf):
            raise InkseedError(
                f"data_mean must be finite and sigma_data above 0, not {data_mean}, {sigma_data}"
            )
        self.data_mean, self.sigma_data = data_mean, sigma_data

    def x_0(
        self, x_t: Tensor, t: Tensor, condition: Condition, alpha: Tensor, sigma: Tensor
    ) -> Tensor:
        variance = alpha**2 * self.sigma_data**2 + sigma**2  # of x_t
        c_skip = alpha * self.sigma_data**2 / variance
        c_noise = (sigma.log() - alpha.log()).clamp(-LOG_RATIO_LIMIT, LOG_RATIO_LIMIT) / 4
        centred = x_t - alpha * self.data_mean
        residual = self.predict(centred / variance.sqrt(), c_noise.flatten(), condition)
        return self.data_mean + c_skip * centred + self.c_out(alpha, sigma) * residual

    def loss(self, x_0: Tensor, noising: Noising, condition: Condition) -> Tensor:
        """`|D - x_0|^2 / c_out^2` (equations 2 and 8): F's squared error, at unit variance."""
        alpha, sigma = noising.alpha, noising.sigma
        error = self.x_0(noising(x_0), noising.t, condition, alpha, sigma) - x_0
        return (error / self.c_out(alpha, sigma)).square().mean()

    def c_out(self, alpha: Tensor, sigma: Tensor) -> Tensor:
        """The factor of the network's output; its inverse square weights the loss."""
        return sigma * self.sigma_data / (alpha**2 * self.sigma_data**2 + sigma**2).sqrt()


@PREDICTIONS.register("consistency")
class ConsistencyFunction(EdmDenoiser):
    """Names the end of a deterministic path from any state on it; built like `EdmDenoiser`.

    So a network that was trained as EDM's can learn it by distillation, and one evaluation takes
    noise to an image (Song et al., arXiv 2303.01469).
    """

    posterior_mean = False

    def loss(self, x_0: Tensor, noising: Noising, condition: Condition) -> Tensor:
        """Pseudo-Huber distance to `x_0`, the end of the path on which the noisy images lie.

        The beginning of a path counts `FIRST_STATE` times: one step depends on it alone, and two on
        little else. The distance is that of Song and Dhariwal (arXiv 2310.14189, equation 8), of
        the root mean square over an image's pixels.
        """
        alpha, sigma = noising.alpha, noising.sigma
        found = self.x_0(noising(x_0), noising.t, condition, alpha, sigma)
        square = (found - x_0).square().mean((1, 2, 3))
        distance = (square + HUBER**2).sqrt() - HUBER
        return (distance * torch.where(noising.t >= 1, FIRST_STATE, 1.0)).mean()


def denoiser_from(
    network: Callable[..., Tensor],
    schedule: Mapping[str, Any],
    prediction: Mapping[str, Any],
    mixed_precision: bool = True,
) -> NetworkDenoiser:
    """Make `network` the denoiser that these tables of a configuration describe.

    Raises InkseedError for tables that describe none.
    """
    given = network, schedule_from(schedule), mixed_precision
    denoiser: NetworkDenoiser = PREDICTIONS.make(prediction, *given)
    return denoiser
