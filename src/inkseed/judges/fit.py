"""Train a small classifier: a judge, or one that measures the usefulness of a set."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from inkseed.data.labelled import LabelledImages, to_tensor
from inkseed.nn.graph import Graphed
from inkseed.nn.precision import autocast, place
from inkseed.rng import Purpose, stream

N = TypeVar("N", bound=nn.Module)
Lesson = Callable[[nn.Module, Tensor, Tensor], Tensor]
"""(network, images (B, 1, H, W), labels (B,)) -> the loss to make small."""

WEIGHT_DECAY = 0.02
JUDGE_SIZE = (28, 28)
RISING, LEAST_RATE = 0.2, 1 / 25  # of the steps; of the highest learning rate, at the first
CPU = torch.device("cpu")


@dataclass(frozen=True)
class Course:
    """How long a classifier learns: steps of `batch_size` images, and its highest learning rate."""

    steps: int
    batch_size: int = 128
    learning_rate: float = 4e-3

    def rate(self, step: int) -> float:
        """The one-cycle learning rate: rising for a fifth of the steps, then falling to 0.

        Source:
            Smith and Topin, [1708.07120](https://arxiv.org/abs/1708.07120), with cosines.
        """
        done = step / self.steps
        if done < RISING:
            share = LEAST_RATE + (1 - LEAST_RATE) * (1 - math.cos(math.pi * done / RISING)) / 2
        else:
            share = (1 + math.cos(math.pi * (done - RISING) / (1 - RISING))) / 2
        return self.learning_rate * share


def by_label(network: nn.Module, x: Tensor, c: Tensor) -> Tensor:
    """The plain lesson: cross-entropy with the labels."""
    with autocast(x.device):
        return nn.functional.cross_entropy(network(x), c)


def fit_classifier(
    build: Callable[[], N],
    source: LabelledImages,
    course: Course,
    seed: int,
    lesson: Lesson = by_label,
    device: torch.device = CPU,
    on_step: Callable[[int], object] | None = None,
) -> N:
    """Train `build()` on labelled images by AdamW; a run is decided by all but `on_step`.

    Args:
        build: makes the network, (N, 1, 28, 28) -> logits (N, K).
        source: what it learns from; resized to 28x28.
        course: how long, and how fast.
        seed: decides the initial weights, the order of the images and what a lesson draws.
        lesson: the loss of a batch.
        device: where it learns; a GPU takes each step as one CUDA graph.
        on_step: told of each step.

    Returns:
        The network on `device`, in eval mode.
    """
    x = to_tensor(source.images, JUDGE_SIZE).to(device)
    c = torch.from_numpy(source.labels.astype(np.int64)).to(device)
    generator = stream(seed, Purpose.CLASSIFIER_ORDER)
    # initialisers and dropout take no generator
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(stream(seed, Purpose.CLASSIFIER_INITIAL).initial_seed())
        network = place(build(), device)
        rate = torch.zeros((), device=device)
        optimizer = torch.optim.AdamW(
            network.parameters(),
            rate,
            weight_decay=WEIGHT_DECAY,
            fused=True,
            capturable=device.type == "cuda",
        )
        torch.manual_seed(stream(seed, Purpose.CLASSIFIER_DROPOUT).initial_seed())
        network.train()
        chosen = torch.zeros(course.batch_size, dtype=torch.long, device=device)

        def step() -> None:
            lesson(network, x[chosen], c[chosen]).backward()
            optimizer.step()

        advance = Graphed(step, device, network.parameters())
        order = torch.empty(0, dtype=torch.long)
        for k in range(course.steps):
            while len(order) < course.batch_size:
                order = torch.cat((order, torch.randperm(len(x), generator=generator)))
            chosen.copy_(order[: course.batch_size])
            order = order[course.batch_size :]
            rate.fill_(course.rate(k))
            advance()
            if on_step:
                on_step(1)
    return network.eval().requires_grad_(False)
