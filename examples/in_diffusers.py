"""inkseed's denoiser under a scheduler of diffusers: the same digits as by inkseed's own sampler.

    python examples/in_diffusers.py --out digits.png

Any scheduler of EDM's kind will do, whose state is x_0 plus sigma times noise: to it inkseed's
denoiser is a network's output before EDM's preconditioning, which is undone here.
"""

import argparse

import numpy as np
import torch
from diffusers import EDMDPMSolverMultistepScheduler
from PIL import Image

import inkseed
from inkseed.data import to_uint8
from inkseed.rng import normals

HOW = inkseed.SamplingOptions(guide_w=0.4, sampler="dpm_solver", steps=10, spacing="karras")


def draw(model: inkseed.Model, labels: list[int], seed: int) -> np.ndarray:
    """uint8 (N, H, W), ink 255: what `model.sample` draws of these labels by HOW, without noise."""
    run = model.bind(inkseed.Request(labels, seed=seed, sampling=HOW))
    schedule, settings = model.schedule, run.sampling
    scheduler = EDMDPMSolverMultistepScheduler(
        sigma_min=schedule.least_ratio, sigma_max=schedule.ratio(1.0), rho=7.0
    )
    scheduler.set_timesteps(settings.steps)
    x = schedule.start_scale * torch.from_numpy(
        normals(seed, [(k,) for k in range(len(labels))], model.shape)
    )
    data = scheduler.config.sigma_data
    for timestep, sigma in zip(scheduler.timesteps, scheduler.sigmas[:-1], strict=True):
        t = schedule.time_of(sigma.double())
        x_0 = run.denoiser(x, t, run.condition)  # guidance and its interval included
        c_skip = data**2 / (sigma**2 + data**2)
        c_out = sigma * data / (sigma**2 + data**2).sqrt()
        x = scheduler.step((x_0 - c_skip * x) / c_out, timestep, x).prev_sample
    return to_uint8(x)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="digits")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--out", default="digits.png")
    asked = parser.parse_args()
    digits = draw(inkseed.load(asked.model), list(range(10)), asked.seed)
    picture = Image.fromarray(255 - np.hstack(digits))
    picture.resize((picture.width * 3, picture.height * 3)).save(asked.out)
    print(asked.out)
