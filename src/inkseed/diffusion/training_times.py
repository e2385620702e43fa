"""The times at which a training step noises its images, independent of the prediction."""

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from inkseed.diffusion.schedule import LinearBetas, Schedule
from inkseed.errors import InkseedError
from inkseed.registry import TRAINING_TIMES


class TrainingTimes(Protocol):
    """`(schedule, n, generator) -> t`, float64 (n,) on the CPU, drawn from `generator` alone."""

    def __call__(
        self, schedule: Schedule, n: int, generator: torch.Generator | None = None
    ) -> Tensor: ...


@TRAINING_TIMES.register("uniform", lambda uniform: lambda p_mean, p_std: uniform())
@dataclass(frozen=True)
class Uniform:
    """Every time is equally likely.

    On the report's schedule these are its steps 1 to n_T (arXiv 2006.11239, Algorithm 1). On others
    they are the times up to 1 from where the noise is `least_ratio` times the signal, below which
    no grid of steps goes.
    """

    def __call__(
        self, schedule: Schedule, n: int, generator: torch.Generator | None = None
    ) -> Tensor:
        if isinstance(schedule, LinearBetas):
            step = torch.randint(1, schedule.n_T + 1, (n,), generator=generator)
            return step.double() / schedule.n_T
        least = schedule.time_of(torch.tensor(schedule.least_ratio, dtype=torch.float64))
        return 1 - (1 - least) * torch.rand(n, generator=generator, dtype=torch.float64)


@TRAINING_TIMES.register("log_normal")
@dataclass(frozen=True)
class LogNormal:
    """log(sigma / alpha) is Gaussian with mean `p_mean` and deviation `p_std`.

    EDM's choice (arXiv 2206.00364, table 1), clipped to the schedule's range. Raises InkseedError
    for a deviation that is not above 0.
    """

    p_mean: float
    p_std: float

    def __post_init__(self) -> None:
        if not self.p_std > 0:
            raise InkseedError(f"p_std must be above 0, not {self.p_std}")

    def __call__(
        self, schedule: Schedule, n: int, generator: torch.Generator | None = None
    ) -> Tensor:
        level = torch.randn(n, generator=generator, dtype=torch.float64)
        return schedule.time_of((self.p_mean + self.p_std * level).exp())


def times_from(name: str, p_mean: float, p_std: float) -> TrainingTimes:
    """The distribution of times that a recipe names; `p_mean` and `p_std` are for log_normal.

    Raises InkseedError for an unknown name.
    """
    return TRAINING_TIMES.find(name)(p_mean, p_std)
