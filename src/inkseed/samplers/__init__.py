"""Samplers: a denoiser and x_T in, every state on the way to x_0 out."""

from functools import partial
from typing import NamedTuple

from inkseed.errors import InkseedError
from inkseed.samplers.ancestral import ancestral
from inkseed.samplers.ddim import Inverted, ddim, invert, invert_fixed_point
from inkseed.samplers.dpm_solver import dpm_solver
from inkseed.samplers.heun import heun
from inkseed.samplers.steps import Noise, Sampler, Step, ddim_step, posterior

__all__ = [
    "SAMPLERS",
    "Inverted",
    "Noise",
    "Sampler",
    "Step",
    "ancestral",
    "ddim",
    "ddim_step",
    "dpm_solver",
    "find_sampler",
    "heun",
    "invert",
    "invert_fixed_point",
    "posterior",
]


class Named(NamedTuple):
    """A sampler with the steps and the spacing that it takes where none are asked for."""

    walk: Sampler
    steps: int | None  # None: as many as the schedule says, n_T
    spacing: str


SAMPLERS: dict[str, Named] = {
    "ancestral": Named(ancestral, None, "uniform"),
    "ddim": Named(ddim, 50, "uniform"),
    "heun": Named(heun, 10, "log_snr"),
    "dpm_solver": Named(dpm_solver, 20, "log_snr"),
    "dpm_solver_sde": Named(partial(dpm_solver, eta=1.0), 20, "log_snr"),
}


def find_sampler(name: str) -> Named:
    """The sampler of that name. Raises InkseedError where there is none."""
    if name not in SAMPLERS:
        raise InkseedError(f"no sampler {name!r}: give one of {', '.join(SAMPLERS)}")
    return SAMPLERS[name]
