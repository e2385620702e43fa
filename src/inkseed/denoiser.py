"""A network seen as a denoiser, `(x_t, t, label) -> x_0`, and the loss that trains it."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from inkseed.nn.precision import autocast
from inkseed.schedule import LinearBetas

NULL_LABEL = -1  # "no label": what label dropout trains, and what guidance contrasts with

Denoiser = Callable[[Tensor, Tensor, Tensor], Tensor]
"""(x_t (N, C, H, W), t scalar or (N,), label (N,) int64 or NULL_LABEL) -> x_0 (N, C, H, W)."""


class EpsDenoiser:
    """The posterior mean of x_0 by a network that predicts the noise eps in x_t.

    `x_0 = (x_t - sigma eps) / alpha`, equation (1) of the report solved for x_0. With
    `mixed_precision` the network runs in bfloat16 where the processor is fast in it.
    """

    def __init__(
        self, network: Callable[..., Tensor], schedule: LinearBetas, mixed_precision: bool = False
    ) -> None:
        self.network, self.schedule, self.mixed_precision = network, schedule, mixed_precision

    def __call__(self, x_t: Tensor, t: Tensor, label: Tensor) -> Tensor:
        t = t.to(x_t).expand(len(x_t))
        alpha, sigma = (scale[:, None, None, None] for scale in self.schedule(t))
        return (x_t - sigma * self.eps(x_t, t, label)) / alpha

    def eps(self, x_t: Tensor, t: Tensor, label: Tensor) -> Tensor:
        """The network's own prediction of the noise, in x_t's type."""
        dropped = label == NULL_LABEL
        with autocast(x_t.device, self.mixed_precision):
            eps = self.network(x_t, label.clamp(min=0), t, dropped.to(x_t.dtype))
        return eps.to(x_t.dtype)


def eps_loss(
    denoiser: EpsDenoiser,
    x_0: Tensor,
    label: Tensor,
    drop_prob: float,
    generator: torch.Generator | None = None,
) -> Tensor:
    """The report's training loss, equation (1): mean squared error of the predicted noise.

    Each image gets a step uniform in 1..n_T, Gaussian noise, and loses its label with probability
    `drop_prob`. All is drawn on the CPU from `generator`, whatever the device; None is torch's own.
    """
    schedule = denoiser.schedule
    step = torch.randint(1, schedule.n_T + 1, (len(x_0),), generator=generator)
    eps = torch.randn(x_0.shape, generator=generator, dtype=x_0.dtype).to(x_0.device)
    dropped = torch.rand(len(x_0), generator=generator) < drop_prob
    t = (step / schedule.n_T).to(x_0)
    alpha, sigma = (scale[:, None, None, None] for scale in schedule(t))
    label = torch.where(dropped.to(label.device), NULL_LABEL, label)
    predicted = denoiser.eps(alpha * x_0 + sigma * eps, t, label)
    return nn.functional.mse_loss(predicted, eps)
