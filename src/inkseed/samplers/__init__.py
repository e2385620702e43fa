"""Samplers: a denoiser and x_T in, each state on the way to x_0 out."""

from inkseed.registry import SAMPLERS
from inkseed.samplers.ancestral import ancestral
from inkseed.samplers.consistency import consistency
from inkseed.samplers.ddim import Inverted, ddim, invert, invert_fixed_point
from inkseed.samplers.dpm_solver import dpm_solver
from inkseed.samplers.heun import heun
from inkseed.samplers.registry import Named, find_sampler, register
from inkseed.samplers.steps import Noise, Sampler, Step, ddim_step, posterior

__all__ = [
    "SAMPLERS",
    "Inverted",
    "Named",
    "Noise",
    "Sampler",
    "Step",
    "ancestral",
    "consistency",
    "ddim",
    "ddim_step",
    "dpm_solver",
    "find_sampler",
    "heun",
    "invert",
    "invert_fixed_point",
    "posterior",
    "register",
]
