"""What the tests of noise strategies share: a task in closed form, a small model, a count."""

import numpy as np
import torch

from inkseed.diffusion.condition import Condition
from inkseed.diffusion.counter import BACKWARD
from inkseed.diffusion.schedule import VarianceExploding
from inkseed.model.loading import load
from inkseed.model.model import Model
from inkseed.model.request import Request, start_of
from inkseed.model.run import BoundRequest
from inkseed.model.sampling import SamplingOptions, settle
from inkseed.noise import (
    SEARCH,
    find_strategy,
)
from tests.analytic import GaussianMixture

NAMES = [
    *("gaussian", "antithetic", "k_antithetic", "sobol", "truncated", "spectral", "stability"),
    *("stability_renoise", "best_of", "zero_order", "early_prune", "fk_steering"),
    *("optim_stability", "optim_judge"),
]
SEARCHING = [name for name in NAMES if find_strategy(name).kind == SEARCH]
FREE = [name for name in NAMES if name not in SEARCHING]
CPU = torch.device("cpu")
SEEDS = 400


def task_of(
    numbers=range(6),
    shape=(1, 4, 4),
    seed=0,
    schedule=None,
    denoiser=None,
    candidates=3,
    labels=None,
):
    """Images of the analytic mixture as a strategy sees them."""
    schedule = schedule or VarianceExploding(sigma_max=20.0, sigma_min=0.02)
    denoiser = denoiser or GaussianMixture.example().denoiser(schedule)
    labels = np.arange(len(numbers)) % 3 if labels is None else labels
    run = BoundRequest(
        request=Request(
            labels, seed, noise="best_of", candidates=candidates, first=numbers[0], batch_size=1000
        ),
        own=denoiser,
        schedule=schedule,
        sampling=settle({}, schedule, SamplingOptions(0.0, "dpm_solver", 8, "log_snr")),
        condition=Condition.of(torch.from_numpy(labels)),
        class_names=tuple(map(str, range(10))),
        shape=shape,
        device=CPU,
    )
    (task,) = run.tasks()
    return task


def small(path) -> Model:
    """The tiny model drawing 8x8 images, which cost next to nothing."""
    model = load(path)
    model.image_size = (8, 8)
    return model


def counting(model: Model) -> list[int]:
    """Have a wrapper round the model's network count rows, forward and backward."""
    counted = [0]

    def count(rows):
        counted[0] += rows

    def network(x, *rest):
        count(len(x))
        output = model.network(x, *rest)
        if output.requires_grad:
            output.register_hook(lambda gradient: count(BACKWARD * len(gradient)))
        return output

    model.denoiser.network = network
    return counted


def many(strategy, seeds=SEEDS, numbers=range(8), shape=(1, 4, 4)):
    """A strategy's noises (seeds, images, pixels)."""
    tasks = [task_of(numbers, shape, seed) for seed in range(seeds)]
    return torch.stack([start_of(strategy, task).z.flatten(1) for task in tasks]).double()
