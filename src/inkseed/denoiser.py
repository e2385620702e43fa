"""A network seen as a denoiser, `(x_t, t, condition) -> x_0`, and the loss that trains it.

Whatever a network predicts (the noise, v, the image, or EDM's preconditioned residual), what leaves
this file is an estimate of the clean image, the posterior mean E[x_0 | x_t].
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable

import torch
from torch import Tensor, nn

from inkseed.condition import NULL_LABEL, drop_conditions, label_of, style_of
from inkseed.errors import InkseedError
from inkseed.nn.precision import autocast
from inkseed.schedule import MIN_ALPHA, LinearBetas, Schedule

EVERY = slice(None)
LOG_RATIO_LIMIT = 12.0  # keeps EDM's log(sigma / alpha) finite at both ends

Denoiser = Callable[[Tensor, Tensor, Tensor], Tensor]
"""(x_t (N, C, H, W), t scalar or (N,), condition of N images) -> x_0 (N, C, H, W)."""


class NetworkDenoiser(ABC):
    """A network `(x, label, time, dropped) -> tensor` with the schedule it was trained on.

    A network of labels and style takes the style (N, S) as a fifth argument.
    With `mixed_precision` the network runs in bfloat16 where the processor is fast in it. Raises
    InkseedError where the prediction cannot be turned into x_0 at every time of the schedule.
    """

    def __init__(
        self, network: Callable[..., Tensor], schedule: Schedule, mixed_precision: bool = False
    ) -> None:
        self.network, self.schedule, self.mixed_precision = network, schedule, mixed_precision

    def __call__(self, x_t: Tensor, t: Tensor, condition: Tensor) -> Tensor:
        t = t.to(x_t.device, torch.float64).expand(len(x_t))
        alpha, sigma = (scale[:, None, None, None].to(x_t) for scale in self.schedule(t))
        return self.x_0(x_t, t.to(x_t), condition, alpha, sigma)

    @abstractmethod
    def x_0(
        self, x_t: Tensor, t: Tensor, condition: Tensor, alpha: Tensor, sigma: Tensor
    ) -> Tensor:
        """The clean image, given t (N,) and its alpha and sigma, both (N, 1, 1, 1)."""

    def predict(self, x: Tensor, time: Tensor, condition: Tensor) -> Tensor:
        """One evaluation of the network: its own output, in x's type."""
        label, style = label_of(condition), style_of(condition)
        inputs = (x, label.clamp(min=0), time, (label == NULL_LABEL).to(x.dtype))
        with autocast(x.device, self.mixed_precision):
            output = self.network(*inputs) if style is None else self.network(*inputs, style)
        return output.to(x.dtype)


class EpsDenoiser(NetworkDenoiser):
    """The network predicts the noise: `x_0 = (x_t - sigma eps) / alpha`.

    Equation (1) of the report solved for x_0; there must be signal left, alpha(1) > 0.
    """

    def __init__(
        self, network: Callable[..., Tensor], schedule: Schedule, mixed_precision: bool = False
    ) -> None:
        super().__init__(network, schedule, mixed_precision)
        if schedule.level(1.0)[0] < MIN_ALPHA:
            raise InkseedError(
                "this schedule leaves no signal at t = 1, where x_0 cannot be told from a "
                "prediction of the noise: predict v or x0, or use linear_betas"
            )

    def x_0(
        self, x_t: Tensor, t: Tensor, condition: Tensor, alpha: Tensor, sigma: Tensor
    ) -> Tensor:
        return (x_t - sigma * self.predict(x_t, t, condition)) / alpha


class VDenoiser(NetworkDenoiser):
    """The network predicts `v = alpha eps - sigma x_0` (arXiv 2202.00512, appendix D).

    So `x_0 = (alpha x_t - sigma v) / (alpha^2 + sigma^2)`; the divisor is 1 in the paper.
    """

    def x_0(
        self, x_t: Tensor, t: Tensor, condition: Tensor, alpha: Tensor, sigma: Tensor
    ) -> Tensor:
        v = self.predict(x_t, t, condition)
        return (alpha * x_t - sigma * v) / (alpha**2 + sigma**2)


class X0Denoiser(NetworkDenoiser):
    """The network predicts the clean image itself."""

    def x_0(
        self, x_t: Tensor, t: Tensor, condition: Tensor, alpha: Tensor, sigma: Tensor
    ) -> Tensor:
        return self.predict(x_t, t, condition)


class EdmDenoiser(NetworkDenoiser):
    """EDM's preconditioning (arXiv 2206.00364, equation 7 and table 1), on any schedule.

    `x_0 = m + c_skip (x_t - alpha m) + c_out F(c_in (x_t - alpha m), log(sigma / alpha) / 4)` keeps
    the input and the target of F at unit variance, for data of mean m and deviation sigma_data. The
    paper has alpha = 1 and m = 0. Raises InkseedError for moments that no data have.
    """

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
        self, x_t: Tensor, t: Tensor, condition: Tensor, alpha: Tensor, sigma: Tensor
    ) -> Tensor:
        variance = alpha**2 * self.sigma_data**2 + sigma**2  # of x_t
        c_skip = alpha * self.sigma_data**2 / variance
        c_noise = (sigma.log() - alpha.log()).clamp(-LOG_RATIO_LIMIT, LOG_RATIO_LIMIT) / 4
        centred = x_t - alpha * self.data_mean
        residual = self.predict(centred / variance.sqrt(), c_noise.flatten(), condition)
        return self.data_mean + c_skip * centred + self.c_out(alpha, sigma) * residual

    def c_out(self, alpha: Tensor, sigma: Tensor) -> Tensor:
        """What the network's output is multiplied by; its inverse square weighs the loss."""
        return sigma * self.sigma_data / (alpha**2 * self.sigma_data**2 + sigma**2).sqrt()


DENOISERS: dict[str, Callable[..., NetworkDenoiser]] = {
    "eps": EpsDenoiser,
    "v": VDenoiser,
    "x0": X0Denoiser,
    "edm": EdmDenoiser,
}


def eps_loss(
    denoiser: EpsDenoiser,
    x_0: Tensor,
    condition: Tensor,
    drop_prob: float,
    generator: torch.Generator | None = None,
    part: slice = EVERY,
) -> Tensor:
    """The report's training loss, equation (1): mean squared error of the predicted noise.

    Each image gets a step uniform in 1..n_T, Gaussian noise, and loses its condition with
    probability `drop_prob`. All is drawn on the CPU from `generator`, whatever the device; None is
    torch's own. Only the images in `part` are evaluated, though randomness is drawn for all: a
    batch shared out among processes is the same batch.
    Raises TypeError for a schedule other than the report's: it has no steps to draw from.
    """
    schedule = denoiser.schedule
    if not isinstance(schedule, LinearBetas):
        raise TypeError("eps_loss draws the discrete steps of LinearBetas")
    step = torch.randint(1, schedule.n_T + 1, (len(x_0),), generator=generator)
    eps = torch.randn(x_0.shape, generator=generator, dtype=x_0.dtype).to(x_0.device)[part]
    condition = drop_conditions(condition, drop_prob, generator)[part]
    t = (step.double() / schedule.n_T).to(x_0.device)[part]
    alpha, sigma = (scale[:, None, None, None].to(x_0) for scale in schedule(t))
    predicted = denoiser.predict(alpha * x_0[part] + sigma * eps, t.to(x_0), condition)
    return nn.functional.mse_loss(predicted, eps)


def edm_loss(
    denoiser: EdmDenoiser,
    x_0: Tensor,
    condition: Tensor,
    drop_prob: float,
    generator: torch.Generator | None = None,
    part: slice = EVERY,
    noise_levels: tuple[float, float] = (-1.2, 1.2),
) -> Tensor:
    """EDM's training loss (arXiv 2206.00364, equations 2 and 8): `|D - x_0|^2 / c_out^2`.

    log(sigma / alpha) is Gaussian with the mean and deviation in `noise_levels`. Otherwise as
    `eps_loss`.
    """
    mean, deviation = noise_levels
    level = torch.randn(len(x_0), generator=generator, dtype=torch.float64)
    eps = torch.randn(x_0.shape, generator=generator, dtype=x_0.dtype).to(x_0.device)[part]
    condition = drop_conditions(condition, drop_prob, generator)[part]
    t = denoiser.schedule.time_of((mean + deviation * level).exp())[part].to(x_0.device)
    x_0 = x_0[part]
    alpha, sigma = (scale[:, None, None, None].to(x_0) for scale in denoiser.schedule(t))
    error = denoiser(alpha * x_0 + sigma * eps, t, condition) - x_0
    return (error / denoiser.c_out(alpha, sigma)).square().mean()
