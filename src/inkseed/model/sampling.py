"""How a request is drawn: the caller's settings, completed from the model's own."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import partial
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from inkseed.checks import brief, real_number, whole_number
from inkseed.diffusion.denoiser import Denoiser
from inkseed.diffusion.guidance import Guidance, TaughtGuidance, guided
from inkseed.diffusion.schedule import MAX_RATIO, MAX_STEPS, Schedule, times
from inkseed.errors import InkseedError
from inkseed.nn.precision import FLOAT32, PRECISIONS
from inkseed.plain import Flag, fits
from inkseed.registry import SPACINGS
from inkseed.samplers import Sampler, find_sampler

LEAST_GUIDE_W, MOST_GUIDE_W = -1.0, 100.0
EVERYWHERE = (0.0, math.inf)  # the interval that guides at all noise levels
DEFAULTS = {"sampler": "dpm_solver_sde", "guide_w": 2.0}  # for models without their own


@dataclass(frozen=True)
class SamplingOptions:
    """How a caller wants images drawn, not yet checked; None is left to the model.

    Attributes:
        guide_w: the strength of guidance; 0 is off.
        sampler: a name in `inkseed.samplers.SAMPLERS`, or a function.
        steps: how many steps the sampler takes.
        spacing: how the steps are spaced, a name in `inkseed.registry.SPACINGS`.
        guide_interval: (low, high), the noise-to-signal ratios between which to guide; a `high` of
            None is no upper end.
        guidance: a function from a denoiser to a denoiser, in place of `guide_w`.
        precision: "float32" or "bfloat16".
    """

    guide_w: float | None = None
    sampler: str | Sampler | None = None
    steps: int | None = None
    spacing: str | None = None
    guide_interval: tuple[float, float | None] | None = None
    guidance: Guidance | None = None
    precision: str | None = None


@dataclass(frozen=True)
class Sampling:
    """A request's settings with nothing left open.

    Attributes:
        sampler: a name, or a function.
        steps: how many steps it takes.
        guide_w: the strength of guidance.
        spacing: how the steps are spaced.
        guide_interval: the noise-to-signal ratios between which to guide.
        one_hand: whether to draw a style for each image that leaves it free (`inkseed.model.hand`).
        precision: what the network computes in.
        guidance: a function from a denoiser to a denoiser, in place of classifier-free guidance.
        levels: the noise-to-signal ratios between the first and the last time; None is `spacing`'s.
        taught: whether the network takes guide_w as an input.
    """

    sampler: str | Sampler
    steps: int
    guide_w: float
    spacing: str
    guide_interval: tuple[float, float]
    one_hand: bool = False
    precision: str = FLOAT32
    guidance: Guidance | None = None
    levels: tuple[float, ...] | None = None
    taught: bool = False

    @property
    def walk(self) -> Sampler:
        """The sampler itself."""
        return find_sampler(self.sampler).walk if isinstance(self.sampler, str) else self.sampler

    def times(self, schedule: Schedule) -> Tensor:
        """The times to step through, float64 (steps + 1,)."""
        if self.levels is None:
            return times(schedule, self.steps, self.spacing)
        between = schedule.time_of(torch.tensor(self.levels, dtype=torch.float64))
        return torch.cat((torch.ones(1).double(), between, torch.zeros(1).double()))

    def guided(self, denoiser: Denoiser, schedule: Schedule) -> Denoiser:
        """The denoiser that the sampler sees."""
        if self.taught:
            return TaughtGuidance(denoiser, self.guide_w)
        return guided(denoiser, self.guide_w, schedule, self.guide_interval, self.guidance)

    def facts(self) -> dict[str, Any]:
        """The settings except guide_w, as plain values for JSON.

        Functions appear by name. A `guide_interval` that is everywhere is None, and so is an upper
        end at infinity. The model's own levels appear in place of the spacing.
        """
        own = {} if self.guidance is None else {"guidance": _name(self.guidance)}
        levels = ", ".join(f"{level:g}" for level in self.levels or ())
        low, high = self.guide_interval
        interval = [low, None if math.isinf(high) else high]
        return {
            "sampler": self.sampler if isinstance(self.sampler, str) else _name(self.sampler),
            "steps": self.steps,
            "spacing": f"levels {levels}" if levels else self.spacing,
            "guide_interval": None if self.guide_interval == EVERYWHERE else interval,
            "precision": self.precision,
            **own,
        }


OF_A_REQUEST = {"guidance", "taught"}
FROM_A_FILE = {each.name for each in fields(Sampling)} - OF_A_REQUEST  # what a model file may set


def settle(
    own: Mapping[str, Any],
    schedule: Schedule,
    asked: SamplingOptions | None = None,
    precision: str = FLOAT32,
) -> Sampling:
    """Replace what is None by the model's `own` settings or, under another sampler, the sampler's.

    `precision` is used if neither the caller nor the model names one. Raises InkseedError for an
    impossible setting.
    """
    asked = asked or SamplingOptions()
    guide_w, sampler, steps, spacing = asked.guide_w, asked.sampler, asked.steps, asked.spacing
    guidance = asked.guidance
    if asked.precision is not None:
        precision = asked.precision
    elif "precision" in own:
        precision = own["precision"]
    if unknown := sorted(set(own) - FROM_A_FILE):
        raise InkseedError(f"no sampling setting {brief(unknown[0])}: leave it out")
    own = {**DEFAULTS, **own}
    models = find_sampler(str(own["sampler"]), files=False)  # a model file may not name code to run
    inherited = own.get("spacing", models.spacing) or "uniform"
    likes: dict[str, Any]
    if sampler is None:
        sampler = models.name
    if isinstance(sampler, str):
        named = find_sampler(sampler)
        sampler = named.name
        likes = {"steps": named.steps or schedule.n_T, "spacing": named.spacing or inherited}
        if sampler == models.name:
            likes |= {key: own[key] for key in likes if key in own}
    elif callable(sampler):
        if steps is None:
            raise InkseedError("say how many steps your own sampler takes: steps=20, for example")
        likes = {"steps": steps, "spacing": inherited}
    else:
        raise InkseedError(f"sampler must be a name or a function, not {brief(sampler)}")
    spacing = likes["spacing"] if spacing is None else spacing
    SPACINGS.find(spacing)
    if not isinstance(precision, str) or precision not in PRECISIONS:
        raise InkseedError(f"no precision {brief(precision)}: give one of {', '.join(PRECISIONS)}")
    interval: Any = own.get("guide_interval", EVERYWHERE)
    if guidance is not None:
        if not callable(guidance):
            raise InkseedError("guidance must be a function from a denoiser to a denoiser")
        if guide_w is not None:
            raise InkseedError("give guide_w or a guidance of your own, not both")
        guide_w, interval = 0.0, EVERYWHERE  # the model's own are classifier-free guidance's
    count = whole_number(likes["steps"] if steps is None else steps, "steps", 1, MAX_STEPS)
    models_own = sampler == models.name and asked.spacing is None
    return Sampling(
        sampler=sampler,
        steps=count,
        guide_w=real_number(
            own["guide_w"] if guide_w is None else guide_w, "guide_w", LEAST_GUIDE_W, MOST_GUIDE_W
        ),
        spacing=spacing,
        guide_interval=_interval(
            interval if asked.guide_interval is None else asked.guide_interval
        ),
        one_hand=fits(own.get("one_hand", False), Flag, "one_hand"),
        precision=precision,
        guidance=guidance,
        levels=_levels(own.get("levels", ()), count) if models_own else None,
    )


def _levels(own: Any, steps: int) -> tuple[float, ...] | None:
    """The ratios between `steps` steps, of the lists that a model file has for 1, 2, ... steps."""
    if not isinstance(own, list | tuple) or not all(isinstance(each, list | tuple) for each in own):
        raise InkseedError(f"levels must be a list for each number of steps, not {brief(own)}")
    if steps > len(own):
        return None
    found = tuple(real_number(each, "a level", 0, MAX_RATIO) for each in own[steps - 1])
    if len(found) != steps - 1 or not all(a > b for a, b in pairwise((math.inf, *found, 0.0))):
        raise InkseedError(f"{steps} steps need {steps - 1} falling levels, not {brief(found)}")
    return found


def _name(function: Callable[..., Any]) -> str:
    """A function's name; for a partial one, with its arguments."""
    if isinstance(function, partial):
        given = [*map(brief, function.args)]
        given += [f"{name}={brief(value)}" for name, value in function.keywords.items()]
        return f"{_name(function.func)}({', '.join(given)})"
    return str(getattr(function, "__name__", type(function).__name__))


def _interval(asked: Any) -> tuple[float, float]:
    try:
        low, high = asked
        high = math.inf if high is None else high
        low, high = (real_number(each, "guide_interval") for each in (low, high))
    except (TypeError, ValueError) as error:
        raise InkseedError(
            f"guide_interval must be (low, high), noise-to-signal ratios, not {brief(asked)}"
        ) from error
    if not 0 <= low <= high or math.isinf(low):
        raise InkseedError(
            f"guide_interval must be (low, high), from 0 up, the lower first, not ({low}, {high})"
        )
    return low, high
