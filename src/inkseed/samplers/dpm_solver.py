"""DPM-Solver++(2M) and its SDE variant (arXiv 2211.01095): second order."""

from collections.abc import Iterator
from functools import partial
from itertools import pairwise
from math import isfinite, log

from torch import Tensor

from inkseed.diffusion.condition import Condition
from inkseed.diffusion.denoiser import Denoiser
from inkseed.diffusion.schedule import Schedule
from inkseed.samplers.registry import register
from inkseed.samplers.steps import Noise, Step, posterior


@register("dpm_solver", steps=20, spacing="log_snr")
def dpm_solver(
    denoiser: Denoiser,
    schedule: Schedule,
    x_T: Tensor,
    condition: Condition,
    times: Tensor,
    noise: Noise | None = None,
    eta: float = 0.0,
) -> Iterator[Step]:
    """Draw by DPM-Solver++(2M): second order, at one network evaluation per step.

    With `lambda = log(alpha / sigma)` and `h` its increase over a step, each step is DDIM's, taken
    from `(1 + 1 / 2r) x_0 - 1 / 2r x_0'`, where x_0' is the previous prediction and `r = h' / h`:
    the line through two predictions, evaluated in the middle of the step. The first step, and any
    step from no signal or to no noise (h infinite), is DDIM's own.

    Args:
        denoiser: (x_t, t, condition) -> x_0.
        schedule: gives alpha and sigma at each time.
        x_T: starting noise (N, C, H, W).
        condition: what the N images are to be.
        times: falling from 1 to 0.
        noise: called for every step that does not end at 0, if `eta` is above 0.
        eta: 0 is deterministic; 1 is SDE-DPM-Solver++(2M), whose fresh noise at every step masks
            errors made on the way.

    Yields:
        The state at each time but the first.

    Raises:
        ValueError: for an `eta` above 0 without `noise`.

    Source:
        DPM-Solver++, [2211.01095](https://arxiv.org/abs/2211.01095), Algorithm 2.
    """
    if eta > 0 and noise is None:
        raise ValueError("eta above 0 needs a source of noise")
    x = x_T
    earlier: tuple[Tensor, float] | None = None  # the previous prediction, and its step's h
    for t, s in pairwise(times):
        x_0 = denoiser(x, t, condition)
        r_t, r_s = schedule.ratio(t), schedule.ratio(s)
        h = log(r_t / r_s) if r_s > 0 else float("inf")
        towards = x_0
        if earlier is not None and isfinite(h) and isfinite(earlier[1]):
            half = h / (2 * earlier[1])  # 1 / 2r
            towards = (1 + half) * x_0 - half * earlier[0]
        x, deviation = posterior(schedule, x, towards, t, s, eta)
        if noise is not None and deviation > 0:
            x = x + deviation * noise()
        earlier = x_0, h
        yield Step(float(s), x, x_0)


register("dpm_solver_sde", steps=20, spacing="log_snr")(partial(dpm_solver, eta=1.0))
