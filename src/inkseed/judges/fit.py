"""Train a small classifier to read digits: a judge, or one that measures usefulness."""

import math
from collections.abc import Callable
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from inkseed.data.labelled import LabelledImages, to_tensor
from inkseed.nn.precision import autocast, place
from inkseed.rng import Purpose, stream

N = TypeVar("N", bound=nn.Module)

BATCH_SIZE = 128
WEIGHT_DECAY = 0.02
JUDGE_SIZE = (28, 28)


def fit_classifier(
    build: Callable[[], N],
    source: LabelledImages,
    steps: int,
    seed: int,
    augment: bool = False,
    learning_rate: float = 4e-3,
    on_step: Callable[[int], object] | None = None,
) -> N:
    """Train `build()` on labelled images by AdamW, one-cycle learning rate; return it in eval mode.

    The images, `steps` (of 128 images) and `seed` decide the result. `augment` turns, scales,
    slants and shifts each image a little; digits are never flipped.
    """
    x = to_tensor(source.images, JUDGE_SIZE)
    c = torch.from_numpy(source.labels.astype(np.int64))
    generator = stream(seed, Purpose.CLASSIFIER_ORDER)
    with torch.random.fork_rng(devices=[]):  # initialisers and dropout take no generator
        torch.manual_seed(stream(seed, Purpose.CLASSIFIER_INITIAL).initial_seed())
        network = place(build(), torch.device("cpu"))
        optimizer = torch.optim.AdamW(
            network.parameters(), learning_rate, weight_decay=WEIGHT_DECAY, fused=True
        )
        rates = torch.optim.lr_scheduler.OneCycleLR(optimizer, learning_rate, steps, pct_start=0.2)
        torch.manual_seed(stream(seed, Purpose.CLASSIFIER_DROPOUT).initial_seed())
        network.train()
        order = torch.empty(0, dtype=torch.long)
        for _ in range(steps):
            while len(order) < BATCH_SIZE:
                order = torch.cat((order, torch.randperm(len(x), generator=generator)))
            chosen, order = order[:BATCH_SIZE], order[BATCH_SIZE:]
            batch = distort(x[chosen], generator) if augment else x[chosen]
            with autocast(x.device):
                loss = nn.functional.cross_entropy(network(batch), c[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            rates.step()
            if on_step:
                on_step(1)
    return network.eval().requires_grad_(False)


def distort(x: Tensor, generator: torch.Generator) -> Tensor:
    """Turn (15 degrees at most), scale (12 %), slant (0.2) and shift (2 pixels) each image."""
    uniform = torch.rand((5, len(x)), generator=generator) * 2 - 1
    angle, size = uniform[0] * math.radians(15), 1 + 0.12 * uniform[1]
    shear, shift = 0.2 * uniform[2], uniform[3:] * 2 / (x.shape[-1] / 2)
    cos, sin = angle.cos() * size, angle.sin() * size
    rows = (
        torch.stack((cos, shear * cos - sin, shift[0]), -1),
        torch.stack((sin, shear * sin + cos, shift[1]), -1),
    )
    grid = nn.functional.affine_grid(torch.stack(rows, 1), list(x.shape), align_corners=False)
    moved = nn.functional.grid_sample(x + 1, grid, align_corners=False)  # outside is paper, -1
    return moved - 1
