"""How a request is drawn: what the caller asked for, filled up with the model's own settings."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import partial
from typing import Any

from torch import Tensor

from inkseed.checks import brief, real_number, whole_number
from inkseed.diffusion.denoiser import Denoiser
from inkseed.diffusion.guidance import Guidance, guided
from inkseed.diffusion.schedule import MAX_STEPS, Schedule, times
from inkseed.errors import InkseedError
from inkseed.nn.precision import FLOAT32, PRECISIONS
from inkseed.registry import SPACINGS
from inkseed.samplers import Sampler, find_sampler

LEAST_GUIDE_W, MOST_GUIDE_W = -1.0, 100.0
EVERYWHERE = (0.0, math.inf)  # the interval that guides at all noise levels
DEFAULTS = {"sampler": "dpm_solver_sde", "guide_w": 2.0}  # for models that name none of their own


@dataclass(frozen=True)
class SamplingOptions:
    """What a caller asks of the sampling, unchecked; None: as the model, or the sampler, has it."""

    guide_w: float | None = None
    sampler: str | Sampler | None = None
    steps: int | None = None
    spacing: str | None = None
    guide_interval: tuple[float, float | None] | None = None
    guidance: Guidance | None = None
    precision: str | None = None


@dataclass(frozen=True)
class Sampling:
    """A request's settings with nothing left open; `sampler` is a name or a function."""

    sampler: str | Sampler
    steps: int
    guide_w: float
    spacing: str
    guide_interval: tuple[float, float]
    one_hand: bool = False  # draw first what is left free of an image's hand: see `Model.bind`
    precision: str = FLOAT32  # what the networks compute in, one of `PRECISIONS`
    guidance: Guidance | None = None  # one's own, in place of classifier-free guidance

    @property
    def walk(self) -> Sampler:
        """The sampler itself."""
        return find_sampler(self.sampler).walk if isinstance(self.sampler, str) else self.sampler

    def times(self, schedule: Schedule) -> Tensor:
        """The times to step through, float64 (steps + 1,)."""
        return times(schedule, self.steps, self.spacing)

    def guided(self, denoiser: Denoiser, schedule: Schedule) -> Denoiser:
        """The denoiser that the sampler sees."""
        return guided(denoiser, self.guide_w, schedule, self.guide_interval, self.guidance)

    def facts(self) -> dict[str, Any]:
        """How images are drawn, but for guide_w, as plain values that JSON has.

        Functions go by their names; a `guide_interval` that is everywhere is None, and so is an
        upper end at infinity.
        """
        own = {} if self.guidance is None else {"guidance": _name(self.guidance)}
        low, high = self.guide_interval
        interval = [low, None if math.isinf(high) else high]
        return {
            "sampler": self.sampler if isinstance(self.sampler, str) else _name(self.sampler),
            "steps": self.steps,
            "spacing": self.spacing,
            "guide_interval": None if self.guide_interval == EVERYWHERE else interval,
            "precision": self.precision,
            **own,
        }


FROM_A_FILE = {each.name for each in fields(Sampling)} - {"guidance"}  # what a model may settle


def settle(
    own: Mapping[str, Any],
    schedule: Schedule,
    asked: SamplingOptions | None = None,
    precision: str = FLOAT32,
) -> Sampling:
    """Fill what is None from a model's `own` settings or, for another sampler, from the sampler's.

    `precision` is for where neither the caller nor the model names one. Raises InkseedError for a
    setting that cannot be.
    """
    asked = asked or SamplingOptions()
    guide_w, sampler, steps, spacing = asked.guide_w, asked.sampler, asked.steps, asked.spacing
    guidance = asked.guidance
    if asked.precision is not None:
        precision = asked.precision
    elif "precision" in own:
        precision = own["precision"]
    if unknown := sorted(set(own) - FROM_A_FILE):
        raise InkseedError(f"sampling knows no setting {brief(unknown[0])}")
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
            raise InkseedError("say how many steps a sampler of your own is to take")
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
            raise InkseedError("give guide_w or a guidance of your own: not both")
        guide_w, interval = 0.0, EVERYWHERE  # the model's own are classifier-free guidance's
    return Sampling(
        sampler=sampler,
        steps=whole_number(likes["steps"] if steps is None else steps, "steps", 1, MAX_STEPS),
        guide_w=real_number(
            own["guide_w"] if guide_w is None else guide_w, "guide_w", LEAST_GUIDE_W, MOST_GUIDE_W
        ),
        spacing=spacing,
        guide_interval=_interval(
            interval if asked.guide_interval is None else asked.guide_interval
        ),
        one_hand=bool(own.get("one_hand", False)),
        precision=precision,
        guidance=guidance,
    )


def _name(function: Callable[..., Any]) -> str:
    """What a function is called; of a partial one, with what it has been given."""
    if isinstance(function, partial):
        given = [*map(brief, function.args)]
        given += [f"{name}={brief(value)}" for name, value in function.keywords.items()]
        return f"{_name(function.func)}({', '.join(given)})"
    return str(getattr(function, "__name__", type(function).__name__))


def _interval(asked: Any) -> tuple[float, float]:
    try:
        low, high = asked
        low, high = float(low), math.inf if high is None else float(high)
    except (TypeError, ValueError) as error:
        raise InkseedError(
            f"guide_interval must be (low, high), ratios of noise to signal, not {brief(asked)}"
        ) from error
    if not 0 <= low <= high:
        raise InkseedError(f"guide_interval must rise from 0 or more, not {low} to {high}")
    return low, high
