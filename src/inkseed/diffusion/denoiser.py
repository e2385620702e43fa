"""What a denoiser is, `(x_t, t, condition) -> x_0`, and how a network is seen as one.

What leaves a denoiser is an estimate of the clean image, the posterior mean E[x_0 | x_t]. What its
network predicts instead, and learns, is `inkseed.diffusion.predictions`' business.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable

import torch
from torch import Tensor

from inkseed.diffusion.condition import NULL_LABEL, label_of, style_of
from inkseed.diffusion.counter import counted
from inkseed.diffusion.schedule import Schedule
from inkseed.nn.precision import FLOAT32, computing_in, network_context

Denoiser = Callable[[Tensor, Tensor, Tensor], Tensor]
"""(x_t (N, C, H, W), t scalar or (N,), condition of N images) -> x_0 (N, C, H, W)."""


class NetworkDenoiser(ABC):
    """A network `(x, label, time, dropped) -> tensor` with the schedule it was trained on.

    A network of labels and style takes the style (N, S) as a fifth argument. It computes in the
    precision of the request that it is called in; outside of one, with `mixed_precision`, in
    bfloat16 where the processor is fast in it. Every row that goes through it is counted in the
    open `Counter`, which raises OverspentError beforehand where its limit would be passed.

    A subclass is one kind of prediction: `x_0` reads the network's output, and `loss` teaches it.
    """

    usual_times = "uniform"  # how training draws its times: see `inkseed.diffusion.training_times`

    def __init__(
        self, network: Callable[..., Tensor], schedule: Schedule, mixed_precision: bool = False
    ) -> None:
        self.network, self.schedule, self.mixed_precision = network, schedule, mixed_precision

    def __call__(self, x_t: Tensor, t: Tensor, condition: Tensor) -> Tensor:
        t = t.to("cpu", torch.float64).expand(len(x_t))  # mps has no double precision
        alpha, sigma = self.scales(t, x_t)
        return self.x_0(x_t, t.to(x_t), condition, alpha, sigma)

    @abstractmethod
    def x_0(
        self, x_t: Tensor, t: Tensor, condition: Tensor, alpha: Tensor, sigma: Tensor
    ) -> Tensor:
        """The clean image, given t (N,) and its alpha and sigma, both (N, 1, 1, 1)."""

    @abstractmethod
    def loss(self, x_0: Tensor, eps: Tensor, t: Tensor, condition: Tensor) -> Tensor:
        """What training makes small, a scalar: the mean over images and pixels.

        `x_0` (N, C, H, W) are clean images, `eps` the noise that they get at the times `t`, float64
        (N,) on the CPU. The posterior mean must be what makes it least.
        """

    def predict(self, x: Tensor, time: Tensor, condition: Tensor) -> Tensor:
        """One evaluation of the network: its own output, in x's type."""
        label, style = label_of(condition), style_of(condition)
        inputs = [x, label.clamp(min=0), time, (label == NULL_LABEL).to(x.dtype)]
        inputs += [] if style is None else [style]
        with network_context(x.device, self.mixed_precision):
            return counted(lambda: self.network(*inputs), x).to(x.dtype)

    def scales(self, t: Tensor, like: Tensor) -> tuple[Tensor, Tensor]:
        """(alpha, sigma) at the times t (N,), both (N, 1, 1, 1), typed and placed as `like`."""
        alpha, sigma = (scale[:, None, None, None].to(like) for scale in self.schedule(t))
        return alpha, sigma


def in_float32(denoiser: Denoiser) -> Denoiser:
    """The same denoiser with its networks in float32, whatever the request computes in.

    For what has to undo a step exactly: bfloat16 keeps 8 bits, and a fixed point is lost in them.
    """

    def exact(x_t: Tensor, t: Tensor, condition: Tensor) -> Tensor:
        with computing_in(FLOAT32):
            return denoiser(x_t, t, condition)

    return exact
