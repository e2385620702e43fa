"""Samplers: a denoiser and x_T in, every state on the way to x_0 out."""

from inkseed.samplers.ancestral import Step, ancestral, posterior

__all__ = ["Step", "ancestral", "posterior"]
