"""The lab report's own classes and functions, under its names."""

from inkseed.ddpm.noise_strategy import NoiseStrategyDiffusion, generate_samples
from inkseed.ddpm.simple_diffusion import SimpleDiffusion

__all__ = ["NoiseStrategyDiffusion", "SimpleDiffusion", "generate_samples"]
