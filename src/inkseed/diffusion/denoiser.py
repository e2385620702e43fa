"""Denoisers, `(x_t, t, condition) -> x_0`, and how a network becomes one.

A denoiser estimates the clean image by the posterior mean E[x_0 | x_t]. What its network predicts
instead, and the loss that trains it, are in `inkseed.diffusion.predictions`.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable

import torch
from torch import Tensor

from inkseed.diffusion.condition import Condition
from inkseed.diffusion.counter import counted
from inkseed.diffusion.schedule import Schedule
from inkseed.nn.precision import FLOAT32, computing_in, network_context

Denoiser = Callable[[Tensor, Tensor, Condition], Tensor]
"""(x_t (N, C, H, W), t scalar or (N,), condition of N images) -> x_0 (N, C, H, W)."""


class NetworkDenoiser(ABC):
    """A network `(x, label, time, dropped) -> tensor` with the schedule it was trained on.

    A network with styles takes the style (N, S) as a fifth argument. It computes in the precision
    of the current request; outside of a request, with `mixed_precision`, in bfloat16 where the
    processor is fast in it. Every row that goes through it is counted by the open `Counter`, which
    raises OverspentError first if that would exceed its limit.

    A subclass is one kind of prediction: `x_0` interprets the network's output, `loss` trains it.
    """

    usual_times = "uniform"  # how training draws times: see `inkseed.diffusion.training_times`

    def __init__(
        self, network: Callable[..., Tensor], schedule: Schedule, mixed_precision: bool = False
    ) -> None:
        self.network, self.schedule, self.mixed_precision = network, schedule, mixed_precision

    def __call__(self, x_t: Tensor, t: Tensor, condition: Condition | Tensor) -> Tensor:
        t = t.to("cpu", torch.float64).expand(len(x_t))  # mps has no double precision
        alpha, sigma = self.scales(t, x_t)
        return self.x_0(x_t, t.to(x_t), Condition.of(condition), alpha, sigma)

    @abstractmethod
    def x_0(
        self, x_t: Tensor, t: Tensor, condition: Condition, alpha: Tensor, sigma: Tensor
    ) -> Tensor:
        """Predict the clean image, given t (N,) and its alpha and sigma, both (N, 1, 1, 1)."""

    @abstractmethod
    def loss(self, x_0: Tensor, eps: Tensor, t: Tensor, condition: Condition) -> Tensor:
        """What training minimises, a scalar: the mean over images and pixels.

        `x_0` (N, C, H, W) are clean images, and `eps` the noise added to them at times `t`, float64
        (N,) on the CPU. The posterior mean must be its minimum.
        """

    def predict(self, x: Tensor, time: Tensor, condition: Condition) -> Tensor:
        """One evaluation of the network: its output, in x's type."""
        inputs = [x, condition.label, time, condition.free_label.to(x.dtype)]
        inputs += [] if condition.style is None else [condition.style]
        with network_context(x.device, self.mixed_precision):
            return counted(lambda: self.network(*inputs), x).to(x.dtype)

    def scales(self, t: Tensor, like: Tensor) -> tuple[Tensor, Tensor]:
        """(alpha, sigma) at times t (N,), both (N, 1, 1, 1), of the type and device of `like`."""
        alpha, sigma = (scale[:, None, None, None].to(like) for scale in self.schedule(t))
        return alpha, sigma


def in_float32(denoiser: Denoiser) -> Denoiser:
    """The same denoiser with its networks in float32, whatever the request's precision.

    For whatever must undo a step exactly: bfloat16 keeps too few bits to find a fixed point.
    """

    def exact(x_t: Tensor, t: Tensor, condition: Condition) -> Tensor:
        with computing_in(FLOAT32):
            return denoiser(x_t, t, condition)

    return exact
