"""Guidance: a denoiser in, a denoiser out."""

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from inkseed.diffusion.condition import Condition
from inkseed.diffusion.denoiser import Denoiser
from inkseed.diffusion.schedule import Schedule
from inkseed.errors import InkseedError, warn

Guidance = Callable[[Denoiser], Denoiser]
"""The model's denoiser in, the denoiser that the sampler sees out."""


class ClassifierFreeGuidance:
    """The denoiser under classifier-free guidance: `(1 + w) * conditional - w * unconditional`.

    The unconditional prediction leaves everything free: the label and, where a model has it, the
    style. The equation mixes predictions of eps; mixing x_0 is the same, since x_0 is affine in
    eps. At `guide_w` 0 a call costs one evaluation, otherwise two, in one doubled batch.

    Args:
        denoiser: (x_t, t, condition) -> x_0.
        guide_w: the strength w, one for all images or (N, 1, 1, 1). Other libraries'
            `guidance_scale` is `1 + guide_w`.

    Source:
        Ho and Salimans, [2207.12598](https://arxiv.org/abs/2207.12598); equation (3) of the report.
    """

    def __init__(self, denoiser: Denoiser, guide_w: float | Tensor) -> None:
        self.denoiser, self.guide_w = denoiser, guide_w

    def __call__(self, x_t: Tensor, t: Tensor, condition: Condition | Tensor) -> Tensor:
        asked = Condition.of(condition)
        if not isinstance(self.guide_w, Tensor) and self.guide_w == 0:
            return self.denoiser(x_t, t, asked)
        n = x_t.shape[0]  # not len: `inkseed.export.onnx` traces this for any number of images
        t = t.expand(n)
        conditions = Condition.cat((asked, asked.null()))
        doubled = self.denoiser(torch.cat((x_t, x_t)), torch.cat((t, t)), conditions)
        conditional, unconditional = doubled[:n], doubled[n:]
        return (1 + self.guide_w) * conditional - self.guide_w * unconditional


class TaughtGuidance:
    """A denoiser whose network was taught guidance, and takes its strength as an input.

    It costs one evaluation whatever the strength.

    Args:
        denoiser: (x_t, t, condition) -> x_0, told `guide_w` by the condition.
        guide_w: the strength of the guidance that its teacher had.

    Source:
        Meng and others, [2210.03142](https://arxiv.org/abs/2210.03142), section 3.1.
    """

    def __init__(self, denoiser: Denoiser, guide_w: float) -> None:
        self.denoiser, self.guide_w = denoiser, guide_w

    def __call__(self, x_t: Tensor, t: Tensor, condition: Condition | Tensor) -> Tensor:
        asked = Condition.of(condition)
        told = torch.full((len(asked),), self.guide_w, device=asked.label.device)
        return self.denoiser(x_t, t, replace(asked, guide_w=told))


class GuidanceInterval:
    """Guidance at some noise levels only, which costs less and keeps variety.

    Args:
        guided: the denoiser for noise-to-signal ratios from `low` to `high`.
        plain: the denoiser for all others.
        schedule: gives the ratio at each time.
        low: the smallest ratio that is guided.
        high: the largest.

    Raises:
        InkseedError: for an interval that does not rise from 0 or more.

    Source:
        Kynkäänniemi and others, [2404.07724](https://arxiv.org/abs/2404.07724).
    """

    def __init__(
        self, guided: Denoiser, plain: Denoiser, schedule: Schedule, low: float, high: float
    ) -> None:
        if not 0 <= low <= high:
            raise InkseedError(
                f"a guidance interval must be from 0 up, the lower end first, not {low} to {high}"
            )
        self.guided, self.plain, self.schedule = guided, plain, schedule
        self.low, self.high = low, high

    def __call__(self, x_t: Tensor, t: Tensor, condition: Condition) -> Tensor:
        """Like any denoiser, but with one time t for all images."""
        inside = self.low <= self.schedule.ratio(t) <= self.high
        return (self.guided if inside else self.plain)(x_t, t, condition)


def guided(
    denoiser: Denoiser,
    guide_w: float,
    schedule: Schedule,
    interval: tuple[float, float] | None = None,
    guidance: Guidance | None = None,
) -> Denoiser:
    """Return the denoiser under guidance, as samplers see it.

    Args:
        denoiser: the model's own.
        guide_w: the strength of classifier-free guidance.
        schedule: the model's.
        interval: (low, high), the noise-to-signal ratios between which to guide; None is all.
        guidance: another guidance, in place of classifier-free guidance.

    Returns:
        A denoiser.

    Raises:
        InkseedError: if `guidance` does not return a function.
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
    """Warn if a network is to be guided that has never been trained without a label.

    Args:
        drop_prob: how often training dropped a label; None if that is not known.
        guide_w: the strength of guidance.
    """
    if drop_prob == 0 and guide_w != 0:
        warn(
            f"guide_w {guide_w:g} needs a network that was trained with labels dropped, but "
            "drop_prob was 0 here: use guide_w 0, or train with drop_prob 0.1"
        )
