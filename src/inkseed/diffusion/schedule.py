"""Noise schedules, and the times that a sampler steps through.

A schedule is `t -> (alpha, sigma)` of `x_t = alpha x_0 + sigma eps`, with t from 0 (data) to 1
(noise). `sigma / alpha` is the noise-to-signal ratio, which the EDM paper calls sigma.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from inkseed.errors import InkseedError
from inkseed.registry import SCHEDULES, SPACINGS

MAX_STEPS = 100_000
MIN_ALPHA = 1e-4  # x_0 = (x_t - sigma eps) / alpha in float32: below this there is no signal
MAX_RATIO = 80.0  # EDM's largest noise: where alpha(1) is 0, grids over ratios go on from here
LEAST_RATIO = 0.002  # EDM's smallest noise: the last but one time of such grids
COSINE_OFFSET = 0.008
KARRAS_RHO = 7.0
MAX_RHO = 20


class Schedule(ABC):
    """How much signal and noise an image holds at each time: `t -> (alpha, sigma)`.

    A subclass gives `__call__` and its inverse, `time_of`. sigma / alpha rises with t, from 0.

    Attributes:
        n_T: steps of an ancestral chain unless asked otherwise.
        eta: of ancestral steps unless asked otherwise; see `inkseed.samplers.ancestral`.
        least_ratio: the smallest ratio above 0 that a grid of steps over ratios has.
    """

    n_T = 50
    eta: float | None = None
    least_ratio = LEAST_RATIO

    @abstractmethod
    def __call__(self, t: Tensor) -> tuple[Tensor, Tensor]:
        """Times in [0, 1] -> (alpha, sigma), both of the shape and type of t."""

    @abstractmethod
    def time_of(self, ratio: Tensor) -> Tensor:
        """The times at which sigma / alpha is `ratio`, of its shape."""

    def level(self, t: float | Tensor) -> tuple[float, float]:
        """(alpha, sigma) at one time, as Python floats."""
        alpha, sigma = self(torch.as_tensor(float(t), dtype=torch.float64))
        return float(alpha), float(sigma)

    def ratio(self, t: float | Tensor) -> float:
        """sigma / alpha at one time; infinite if no signal is left."""
        alpha, sigma = self.level(t)
        return sigma / alpha if alpha >= MIN_ALPHA else math.inf

    @property
    def start_scale(self) -> float:
        """sigma(1), which turns unit noise z into x_T."""
        return self.level(1.0)[1]


@SCHEDULES.register("linear_betas")
class LinearBetas(Schedule):
    """The report's schedule: n_T betas, linear from beta_1 to beta_T.

    Time t = i / n_T is the discrete step i. Step 0 is clean data, where the cumulative product abar
    is 1, and steps 1 to n_T have the betas. Between two steps log abar is linear in t, so that a
    solver may step anywhere.

    Args:
        betas: (beta_1, beta_T), the variances of the first and the last step.
        n_T: the number of steps.

    Raises:
        InkseedError: for betas outside (0, 1) or out of order, for fewer than 2 steps, and for
            betas that add no noise or leave no signal.

    Source:
        DDPM, [2006.11239](https://arxiv.org/abs/2006.11239), section 4.
    """

    def __init__(self, betas: tuple[float, float], n_T: int) -> None:
        beta_1, beta_T = betas
        if not 0 < beta_1 <= beta_T < 1:
            raise InkseedError(
                f"betas must satisfy 0 < beta_1 <= beta_T < 1, not {beta_1}, {beta_T}"
            )
        if 1 - beta_1 == 1:
            raise InkseedError(f"beta_1 = {beta_1} adds no noise in double precision: raise it")
        if type(n_T) is not int or not 2 <= n_T <= MAX_STEPS:
            raise InkseedError(f"n_T must be from 2 to {MAX_STEPS}, not {n_T}")
        self.n_T = n_T
        steps = torch.linspace(beta_1, beta_T, n_T, dtype=torch.float64)
        self.beta = torch.cat((torch.zeros(1, dtype=torch.float64), steps))
        self.alpha_bar = torch.cumprod(1 - self.beta, 0)
        if float(self.alpha_bar[-1]) ** 0.5 < MIN_ALPHA:
            raise InkseedError(
                f"betas {betas} leave no signal after {n_T} steps: lower beta_T or n_T"
            )
        self.log_abar = self.alpha_bar.log()
        self.least_ratio = self.ratio(1 / n_T)

    def __call__(self, t: Tensor) -> tuple[Tensor, Tensor]:
        """Return sqrt(abar_i) and sqrt(1 - abar_i), i = t n_T: equation (1) of the report."""
        position = t.double() * self.n_T
        below = position.floor().clamp(0, self.n_T - 1).long()
        log_abar = self.log_abar.to(t.device)
        part = position - below
        between = (1 - part) * log_abar[below] + part * log_abar[below + 1]
        return (between / 2).exp().to(t.dtype), (-torch.expm1(between)).sqrt().to(t.dtype)

    def time_of(self, ratio: Tensor) -> Tensor:
        wanted = -torch.log1p(ratio.double() ** 2)  # log abar
        table = self.log_abar.to(ratio.device)
        above = torch.searchsorted(-table, -wanted).clamp(1, self.n_T)
        part = (wanted - table[above - 1]) / (table[above] - table[above - 1])
        return ((above - 1 + part) / self.n_T).clamp(0, 1).to(ratio.dtype)

    @property
    def start_scale(self) -> float:
        """1: the report starts from unit noise, although some signal should be left at t = 1."""
        return 1.0


@SCHEDULES.register("cosine")
class Cosine(Schedule):
    """alpha = cos(u(t)) / cos(u(0)), u(t) = pi/2 (t + s) / (1 + s), sigma = sqrt(1 - alpha^2).

    s is 0.008, and alpha(1) is 0.

    Source:
        Nichol and Dhariwal, [2102.09672](https://arxiv.org/abs/2102.09672), equation 17.
    """

    def __call__(self, t: Tensor) -> tuple[Tensor, Tensor]:
        u = math.pi / 2 * (t.double() + COSINE_OFFSET) / (1 + COSINE_OFFSET)
        alpha = (torch.cos(u) / math.cos(self._u_0)).clamp(0, 1)
        return alpha.to(t.dtype), (1 - alpha**2).sqrt().to(t.dtype)

    def time_of(self, ratio: Tensor) -> Tensor:
        alpha = 1 / (1 + ratio.double() ** 2).sqrt()
        u = torch.arccos(alpha * math.cos(self._u_0))
        t = u * 2 / math.pi * (1 + COSINE_OFFSET) - COSINE_OFFSET
        return t.clamp(0, 1).to(ratio.dtype)

    @property
    def _u_0(self) -> float:
        return math.pi / 2 * COSINE_OFFSET / (1 + COSINE_OFFSET)


@SCHEDULES.register("flow")
class Flow(Schedule):
    """alpha = 1 - t, sigma = t: the straight line of rectified flow.

    Source:
        Liu and others, [2209.03003](https://arxiv.org/abs/2209.03003).
    """

    def __call__(self, t: Tensor) -> tuple[Tensor, Tensor]:
        return 1 - t, t

    def time_of(self, ratio: Tensor) -> Tensor:
        return torch.where(ratio.isinf(), 1.0, ratio / (1 + ratio))


@SCHEDULES.register("variance_exploding")
class VarianceExploding(Schedule):
    """alpha = 1, sigma = sigma_max t^rho: EDM's noise levels.

    Args:
        sigma_max: sigma at t = 1.
        rho: steps that are even in t are EDM's own spacing for this rho and a sigma_min of 0.
        sigma_min: where grids over ratios end.

    Raises:
        InkseedError: unless 0 < sigma_min < sigma_max < infinity and rho is from 1 to 20.

    Source:
        EDM, [2206.00364](https://arxiv.org/abs/2206.00364), equation 5.
    """

    eta = 1.0

    def __init__(
        self,
        sigma_max: float = MAX_RATIO,
        rho: float = KARRAS_RHO,
        sigma_min: float = LEAST_RATIO,
    ) -> None:
        if not (0 < sigma_min < sigma_max < math.inf and 1 <= rho <= MAX_RHO):
            raise InkseedError(
                "variance_exploding needs 0 < sigma_min < sigma_max and rho from 1 to "
                f"{MAX_RHO}, not {sigma_min}, {sigma_max} and {rho}"
            )
        self.sigma_max, self.rho, self.least_ratio = sigma_max, rho, sigma_min

    def __call__(self, t: Tensor) -> tuple[Tensor, Tensor]:
        return torch.ones_like(t), self.sigma_max * t**self.rho

    def time_of(self, ratio: Tensor) -> Tensor:
        return (ratio / self.sigma_max).clamp(0, 1) ** (1 / self.rho)


Spacing = Callable[[Schedule, int], Tensor]
"""(schedule, steps) -> the times to step through, float64 (steps + 1,), falling from 1 to 0."""


def schedule_from(settings: Mapping[str, Any]) -> Schedule:
    """Build the schedule that a configuration names.

    Args:
        settings: its `name` in `inkseed.registry.SCHEDULES`, and the arguments of its class.

    Returns:
        The schedule.

    Raises:
        InkseedError: for an unknown name, and for impossible settings.
    """
    schedule: Schedule = SCHEDULES.make(settings, name="linear_betas")
    return schedule


@SPACINGS.register("uniform")
def _uniform(schedule: Schedule, steps: int) -> Tensor:
    """Even in t: what other libraries call trailing (arXiv 2305.08891, table 2)."""
    return torch.arange(steps, -1, -1, dtype=torch.float64) / steps


@SPACINGS.register("quadratic")
def _quadratic(schedule: Schedule, steps: int) -> Tensor:
    """Even in the square root of t: more steps near the data (DDIM, arXiv 2010.02502, D.2)."""
    return _uniform(schedule, steps) ** 2


@SPACINGS.register("log_snr")
def _log_snr(schedule: Schedule, steps: int) -> Tensor:
    """Even in log(alpha / sigma), DPM-Solver's variable (arXiv 2206.00927)."""
    return _over_ratios(schedule, steps, torch.log, torch.exp)


@SPACINGS.register("karras")
def _karras(schedule: Schedule, steps: int) -> Tensor:
    """Even in ratio^(1/7) (EDM, arXiv 2206.00364, equation 5)."""
    return _over_ratios(
        schedule, steps, lambda ratio: ratio ** (1 / KARRAS_RHO), lambda even: even**KARRAS_RHO
    )


def _over_ratios(
    schedule: Schedule,
    steps: int,
    warp: Callable[[Tensor], Tensor],
    unwarp: Callable[[Tensor], Tensor],
) -> Tensor:
    """Even steps in a function of the ratio, down to the schedule's smallest, then one to 0.

    If no signal is left at t = 1, the ratio there is infinite, and a step to `MAX_RATIO` comes
    first.
    """
    highest = schedule.ratio(1.0)
    endless = math.isinf(highest)
    ends = torch.tensor([MAX_RATIO if endless else highest, schedule.least_ratio]).double()
    first, last = warp(ends).tolist()
    even = torch.linspace(first, last, steps - endless, dtype=torch.float64)
    one, zero = torch.ones(1, dtype=torch.float64), torch.zeros(1, dtype=torch.float64)
    inner = schedule.time_of(unwarp(even))
    return torch.cat((one, inner if endless else inner[1:], zero))


def times(schedule: Schedule, steps: int, spacing: str = "uniform") -> Tensor:
    """Return the times that a sampler steps through, from noise to data.

    Args:
        schedule: the model's.
        steps: the number of steps.
        spacing: a name in `inkseed.registry.SPACINGS`.

    Returns:
        float64 (steps + 1,), falling from 1 to 0.

    Raises:
        InkseedError: for an unknown spacing, or an impossible number of steps.
    """
    if not isinstance(steps, int) or not 1 <= steps <= MAX_STEPS:
        raise InkseedError(f"steps must be a whole number from 1 to {MAX_STEPS}, not {steps}")
    return SPACINGS.find(spacing)(schedule, steps)
