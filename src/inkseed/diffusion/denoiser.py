"""A network seen as a denoiser, `(x_t, t, condition) -> x_0`.

Whatever a network predicts (the noise, v, the image, or EDM's preconditioned residual), what leaves
this file is an estimate of the clean image, the posterior mean E[x_0 | x_t].
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from inkseed.checks import pick
from inkseed.diffusion.condition import NULL_LABEL, label_of, style_of
from inkseed.diffusion.counter import counted
from inkseed.diffusion.schedule import MIN_ALPHA, Schedule, schedule_from
from inkseed.errors import InkseedError
from inkseed.nn.precision import FLOAT32, computing_in, network_context

LOG_RATIO_LIMIT = 12.0  # keeps EDM's log(sigma / alpha) finite at both ends

Denoiser = Callable[[Tensor, Tensor, Tensor], Tensor]
"""(x_t (N, C, H, W), t scalar or (N,), condition of N images) -> x_0 (N, C, H, W)."""


class NetworkDenoiser(ABC):
    """A network `(x, label, time, dropped) -> tensor` with the schedule it was trained on.

    A network of labels and style takes the style (N, S) as a fifth argument. It computes in the
    precision of the request that it is called in; outside of one, with `mixed_precision`, in
    bfloat16 where the processor is fast in it. Every row that goes through it is counted in the
    open `Ledger`, which raises OverspentError beforehand where its limit would be passed. Raises
    InkseedError where the prediction cannot be turned into x_0 at every time of the schedule.
    """

    def __init__(
        self, network: Callable[..., Tensor], schedule: Schedule, mixed_precision: bool = False
    ) -> None:
        self.network, self.schedule, self.mixed_precision = network, schedule, mixed_precision

    def __call__(self, x_t: Tensor, t: Tensor, condition: Tensor) -> Tensor:
        t = t.to("cpu", torch.float64).expand(len(x_t))  # mps has no double precision
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
        inputs = [x, label.clamp(min=0), time, (label == NULL_LABEL).to(x.dtype)]
        inputs += [] if style is None else [style]
        with network_context(x.device, self.mixed_precision):
            return counted(lambda: self.network(*inputs), x).to(x.dtype)


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


def denoiser_from(
    network: Callable[..., Tensor], config: dict[str, Any], mixed_precision: bool = True
) -> NetworkDenoiser:
    """See `network` as the denoiser that a model's configuration describes.

    Raises InkseedError or TypeError for a configuration that describes none.
    """
    prediction = dict(config.get("prediction", {"name": "eps"}))
    build = pick(DENOISERS, prediction.pop("name", None), "prediction")
    return build(network, schedule_from(config["schedule"]), mixed_precision, **prediction)


def in_float32(denoiser: Denoiser) -> Denoiser:
    """The same denoiser with its networks in float32, whatever the request computes in.

    For what has to undo a step exactly: bfloat16 keeps 8 bits, and a fixed point is lost in them.
    """

    def exact(x_t: Tensor, t: Tensor, condition: Tensor) -> Tensor:
        with computing_in(FLOAT32):
            return denoiser(x_t, t, condition)

    return exact
