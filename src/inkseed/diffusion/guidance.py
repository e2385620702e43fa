"""Guidance: a denoiser in, a denoiser out."""

from collections.abc import Callable

import torch
from torch import Tensor

from inkseed.diffusion.condition import Condition
from inkseed.diffusion.denoiser import Denoiser
from inkseed.diffusion.schedule import Schedule
from inkseed.errors import InkseedError, warn

Guidance = Callable[[Denoiser], Denoiser]
"""A guidance of one's own: the model's denoiser in, the denoiser that samplers are to see out."""


class ClassifierFreeGuidance:
    """Equation (3) of the report: `(1 + w) * conditional - w * unconditional`.

    Ho and Salimans, arXiv 2207.12598. The equation mixes predictions of eps; x_0 is affine in eps,
    so mixing x_0 is the same. The unconditional one leaves all free: the label, and the style too
    where a model has it. At `guide_w` 0 the conditional prediction is returned as it is, for
    one evaluation; otherwise one doubled batch costs two. Other libraries' `guidance_scale` is
    `1 + guide_w`.
    """

    def __init__(self, denoiser: Denoiser, guide_w: float) -> None:
        self.denoiser, self.guide_w = denoiser, guide_w

    def __call__(self, x_t: Tensor, t: Tensor, condition: Condition | Tensor) -> Tensor:
        asked = Condition.of(condition)
        if self.guide_w == 0:
            return self.denoiser(x_t, t, asked)
        t = t.expand(len(x_t))
        conditions = Condition.cat((asked, asked.null()))
        doubled = self.denoiser(torch.cat((x_t, x_t)), torch.cat((t, t)), conditions)
        conditional, unconditional = doubled.chunk(2)
        return (1 + self.guide_w) * conditional - self.guide_w * unconditional


class GuidanceInterval:
    """`guided` where the noise-to-signal ratio lies in [low, high], `plain` elsewhere.

    Kynkaanniemi et al., arXiv 2404.07724: guiding only the middle of the way costs less and keeps
    variety. Raises InkseedError for an interval that is empty or below 0.
    """

    def __init__(
        self, guided: Denoiser, plain: Denoiser, schedule: Schedule, low: float, high: float
    ) -> None:
        if not 0 <= low <= high:
            raise InkseedError(f"a guidance interval must rise from 0 or more, not {low} to {high}")
        self.guided, self.plain, self.schedule = guided, plain, schedule
        self.low, self.high = low, high

    def __call__(self, x_t: Tensor, t: Tensor, condition: Condition) -> Tensor:
        """As any denoiser, at one time t for all images."""
        inside = self.low <= self.schedule.ratio(t) <= self.high
        return (self.guided if inside else self.plain)(x_t, t, condition)


def guided(
    denoiser: Denoiser,
    guide_w: float,
    schedule: Schedule,
    interval: tuple[float, float] | None = None,
    guidance: Guidance | None = None,
) -> Denoiser:
    """The denoiser under classifier-free guidance, everywhere or within an interval of ratios.

    `guidance` is for another kind, which is used in its place. Raises InkseedError where that
    gives no function.
    """
    everywhere = (
        ClassifierFreeGuidance(denoiser, guide_w) if guidance is None else guidance(denoiser)
    )
    if not callable(everywhere):
        raise InkseedError("guidance must return a denoiser, a function of (x_t, t, condition)")
    if interval is None or (guidance is None and guide_w == 0):
        return everywhere
    return GuidanceInterval(everywhere, denoiser, schedule, *interval)


def warn_untaught(drop_prob: float | None, guide_w: float) -> None:
    """Warn of guidance by a network that no label was ever dropped for.

    What it says without a label is chance: it never learned it. None is a chance nobody knows.
    """
    if drop_prob == 0 and guide_w != 0:
        warn(
            f"guide_w {guide_w:g} needs a network that was trained with labels dropped, and "
            "drop_prob was 0 here: take guide_w 0, or train with drop_prob 0.1"
        )
