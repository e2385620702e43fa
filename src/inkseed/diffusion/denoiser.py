"""Denoisers, `(x_t, t, condition) -> x_0`, and how a network becomes one.

A denoiser estimates the clean image by the posterior mean E[x_0 | x_t]. What its network predicts
instead, and the loss that trains it, are in `inkseed.diffusion.predictions`.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from inkseed.diffusion.condition import Condition
from inkseed.diffusion.counter import counted
from inkseed.diffusion.schedule import Schedule
from inkseed.nn.precision import FLOAT32, computing_in, network_context

Denoiser = Callable[[Tensor, Tensor, Condition], Tensor]
"""(x_t (N, C, H, W), t scalar or (N,), condition of N images) -> x_0 (N, C, H, W)."""


@dataclass(frozen=True)
class Noising:
    """What a training step does to N clean images: `x_t = alpha x_0 + sigma eps`.

    Attributes:
        eps: the noise, (N, C, H, W).
        t: the times, (N,), typed as `eps`.
        alpha: the signal's scale at these times, (N, 1, 1, 1).
        sigma: the noise's scale, (N, 1, 1, 1).
    """

    eps: Tensor
    t: Tensor
    alpha: Tensor
    sigma: Tensor

    @classmethod
    def at(cls, schedule: Schedule, t: Tensor, eps: Tensor) -> "Noising":
        """The noise `eps` at the times t, float64 (N,) on the CPU."""
        alpha, sigma = (scale[:, None, None, None].to(eps) for scale in schedule(t))
        return cls(eps, t.to(eps), alpha, sigma)

    def __call__(self, x_0: Tensor) -> Tensor:
        """The noisy images, (N, C, H, W)."""
        return self.alpha * x_0 + self.sigma * self.eps

    def __getitem__(self, rows: slice) -> "Noising":
        return Noising(*(part[rows] for part in vars(self).values()))

    def to(self, device: torch.device) -> "Noising":
        """The same on another device."""
        return Noising(*(part.to(device) for part in vars(self).values()))


class NetworkDenoiser(ABC):
    """A network `(x, label, time, dropped) -> tensor` with the schedule it was trained on.

    A network of labels and style takes the style (N, S) as a fifth argument, one that knows hands
    `hand` (N, H) and, in training, `bend` (N, 6) by their names, and one that takes guidance as
    an input `guide_w` (N,). It computes in the precision of the request that it is called in;
    outside of one, with `mixed_precision`, in bfloat16 where the processor is fast in it. Every row
    that goes through it is counted in the open `Counter`, which raises OverspentError beforehand
    where its limit would be passed.

    A subclass is one kind of prediction: `x_0` interprets the network's output, `loss` trains it.
    """

    usual_times = "uniform"  # how training draws times: see `inkseed.diffusion.training_times`
    posterior_mean = True  # False: x_0 is not E[x_0 | x_t], but the end of a path through x_t

    def __init__(
        self, network: Callable[..., Tensor], schedule: Schedule, mixed_precision: bool = False
    ) -> None:
        self.network, self.schedule, self.mixed_precision = network, schedule, mixed_precision

    def __call__(self, x_t: Tensor, t: Tensor, condition: Condition | Tensor) -> Tensor:
        t = t.to("cpu", torch.float64).expand(x_t.shape[0])  # mps has no double precision
        alpha, sigma = self.scales(t, x_t)
        return self.x_0(x_t, t.to(x_t), Condition.of(condition), alpha, sigma)

    @abstractmethod
    def x_0(
        self, x_t: Tensor, t: Tensor, condition: Condition, alpha: Tensor, sigma: Tensor
    ) -> Tensor:
        """Predict the clean image, given t (N,) and its alpha and sigma, both (N, 1, 1, 1)."""

    @abstractmethod
    def loss(self, x_0: Tensor, noising: Noising, condition: Condition) -> Tensor:
        """What training makes small, a scalar: the mean over images and pixels.

        `x_0` (N, C, H, W) are clean images, `noising` what is done to them. The posterior mean must
        be what makes it least.
        """

    def predict(self, x: Tensor, time: Tensor, condition: Condition) -> Tensor:
        """One evaluation of the network: its output, in x's type."""
        inputs = [x, condition.label, time, condition.free_label.to(x.dtype)]
        inputs += [] if condition.style is None else [condition.style]
        rest = {name: getattr(condition, name) for name in ("hand", "bend", "guide_w")}
        own = {name: part for name, part in rest.items() if part is not None}
        with network_context(x.device, self.mixed_precision):
            return counted(lambda: self.network(*inputs, **own), x).to(x.dtype)

    def uncompiled(self) -> Self:
        """The same, with its network as it was before `torch.compile`."""
        plain = copy(self)
        plain.network = getattr(self.network, "_orig_mod", self.network)
        return plain

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
