"""What training makes small: one loss for each prediction that can be trained."""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from inkseed.diffusion.condition import drop_conditions
from inkseed.diffusion.denoiser import EdmDenoiser, EpsDenoiser
from inkseed.diffusion.schedule import LinearBetas
from inkseed.errors import InkseedError

EVERY = slice(None)


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
    t = (step.double() / schedule.n_T)[part]
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
    *,
    noise_levels: tuple[float, float],
) -> Tensor:
    """EDM's training loss (arXiv 2206.00364, equations 2 and 8): `|D - x_0|^2 / c_out^2`.

    log(sigma / alpha) is Gaussian with the mean and deviation in `noise_levels`, clipped to what
    the schedule reaches. Otherwise as `eps_loss`.
    """
    mean, deviation = noise_levels
    level = torch.randn(len(x_0), generator=generator, dtype=torch.float64)
    eps = torch.randn(x_0.shape, generator=generator, dtype=x_0.dtype).to(x_0.device)[part]
    condition = drop_conditions(condition, drop_prob, generator)[part]
    t = denoiser.schedule.time_of((mean + deviation * level).exp())[part]
    x_0 = x_0[part]
    alpha, sigma = (scale[:, None, None, None].to(x_0) for scale in denoiser.schedule(t))
    error = denoiser(alpha * x_0 + sigma * eps, t, condition) - x_0
    return (error / denoiser.c_out(alpha, sigma)).square().mean()


LOSSES: dict[str, Callable[..., Tensor]] = {"eps": eps_loss, "edm": edm_loss}


def loss_from(config: dict[str, Any], noise_levels: tuple[float, float]) -> Callable[..., Tensor]:
    """The loss for the prediction that a configuration names.

    Raises InkseedError for none, or for a schedule that it cannot learn on.
    """
    kind = config["prediction"]["name"]
    if kind == "eps" and config["schedule"]["name"] != "linear_betas":
        raise InkseedError("prediction 'eps' learns on the schedule linear_betas: use edm here")
    if kind not in LOSSES:
        raise InkseedError(f"prediction {kind!r} cannot be trained: use {' or '.join(LOSSES)}")
    return LOSSES[kind] if kind == "eps" else partial(LOSSES[kind], noise_levels=noise_levels)
