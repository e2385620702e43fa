"""Draw a run: the strategy's starting noise, then the sampler's steps."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from inkseed import memory
from inkseed.data.labelled import to_uint8
from inkseed.errors import InkseedError
from inkseed.model.request import PIXELS_AT_ONCE, Request, start_of
from inkseed.model.run import BoundRequest
from inkseed.model.samples import Samples
from inkseed.nn import Network
from inkseed.nn.footprint import DRAWING, layer_bytes
from inkseed.noise import Start, Task
from inkseed.registry import home
from inkseed.samplers import Step

FACTS = 400  # bytes an image of what it is to be, and of where it came from
FLOAT = 4  # bytes
TRIES = 4  # times the noise of all candidates: the noise, the images, and what is compared


def draw(run: BoundRequest) -> Samples:
    """Draw all images of the run's request, batch by batch.

    Raises InkseedError for a strategy that fails or exceeds the budget, for a trace with a strategy
    that draws the images itself, for images that are not finite, and for more than fit in memory.
    """
    request, spent, n = run.request, run.evaluations, len(run.request)
    images = np.empty((n, *run.shape[1:]), np.uint8)
    streams = np.empty((n, 2), np.int64)
    steps, guesses, own_noise, unnamed = _Kept(n), _Kept(n), _Kept(n), 0
    with run.counting():
        for task in run.tasks():
            budget = request.budget
            run.counter.allow(None if budget is None else budget * len(task))
            start, walked = _draw_batch(run, task)
            if not run.counter.dry:
                check_finite(walked[-1].x)
            rows = slice(task.begin - request.begin, task.begin - request.begin + len(task))
            images[rows] = to_uint8(walked[-1].x)
            streams[rows] = _streams(run.strategy, task, start)
            z = start.z[torch.from_numpy(streams[rows, 0] < 0)]
            if len(z):
                if not unnamed:  # it may be so for all
                    check_room(n, run.shape, run.steps * request.trace, noise=True)
                own_noise.put(slice(unnamed, unnamed + len(z)), [z])
                unnamed += len(z)
            if request.trace:
                steps.put(rows, [step.x for step in walked])
                guesses.put(rows, [step.x_0 for step in walked])
    how = run.sampling
    return Samples(
        images=images,
        labels=np.asarray(request.labels),
        seeds=np.stack([np.full(n, request.seed), np.array(request.numbers)], 1),
        streams=streams,
        guide_w=np.full(n, how.guide_w),
        evaluations=run.evaluations - spent,
        own_noise=own_noise.tensors[0][:unnamed] if unnamed else torch.empty(0, *run.shape),
        how=how,
        hands=run.hands,
        steps=steps.tensors,
        guesses=guesses.tensors,
    )


def check_request(
    request: Request, network: Network, shape: tuple[int, int, int], steps: int
) -> None:
    """Raise InkseedError unless a request's images, and what draws a batch, fit in memory."""
    check_room(len(request), shape, steps * request.trace)
    device = next(network.parameters()).device.type
    rows = min(request.rows(shape, device), len(request))
    check_batch(network, shape, rows, TRIES * (request.candidates or 1))


def check_batch(network: Network, shape: tuple[int, int, int], rows: int, more: int) -> None:
    """Raise InkseedError unless images (C, H, W) can be drawn `rows` at once.

    Each takes what the network's layers put out, and `more` times its own pixels; few small ones
    always fit. What a batch takes on a GPU is left to torch, which says so and stops.
    """
    pixels = math.prod(shape)
    if rows * pixels * more <= TRIES * PIXELS_AT_ONCE:
        return
    if next(network.parameters()).device.type == "cpu":
        each = DRAWING * layer_bytes(network, shape) + FLOAT * pixels * more
        what = f"drawing {rows:,} images of {shape[1]}x{shape[2]} at once"
        memory.require_each(rows, each, what)


def check_room(
    count: int, shape: tuple[int, int, int], traced: int = 0, noise: bool = False, copies: int = 1
) -> None:
    """Raise InkseedError unless `count` images of `shape` fit in memory comfortably.

    Args:
        count: how many images.
        shape: (C, H, W) of an image.
        traced: how many states on the way are kept of each.
        noise: whether the noise is kept, because no stream draws it again.
        copies: how often the images themselves are in memory.
    """
    channels, height, width = shape
    floats = FLOAT * channels * height * width * (2 * traced + noise)
    each = copies * height * width + FACTS + floats
    kept = " with their states on the way" if traced else " with their noise" if noise else ""
    memory.require_each(count, each, f"drawing {count:,} images of {height}x{width}{kept}")


def check_finite(x: Tensor) -> None:
    """Raise InkseedError for images that are not finite numbers."""
    if not torch.isfinite(x).all():
        raise InkseedError(
            "the images are not finite: the weights are damaged, or guide_w is too large"
        )


class _Kept:
    """Tensors of n rows each, filled batch by batch; rows that are never filled take no memory."""

    def __init__(self, n: int) -> None:
        self.n = n
        self.tensors: list[Tensor] = []

    def put(self, rows: slice, parts: Sequence[Tensor]) -> None:
        """Fill these rows of all tensors."""
        if not self.tensors:
            self.tensors = [part.new_empty(self.n, *part.shape[1:]) for part in parts]
        for whole, part in zip(self.tensors, parts, strict=True):
            whole[rows] = part


def _streams(strategy: Callable[..., Any], task: Task, start: Start) -> np.ndarray:
    """The stream that draws each image's noise again, int64 (N, 2); (-1, -1) where none does.

    A user's strategy may name the streams that its noise was made of: the sampler needs no more.
    """
    if start.keys is None:
        return np.full((len(task), 2), -1)
    named = np.array([(*key, 0)[:2] for key in start.keys], np.int64)
    if not home(strategy).startswith("inkseed."):
        changed = (task.noise(start.keys) != start.z).flatten(1).any(1)
        named[changed.numpy()] = -1
    return named


def _draw_batch(run: BoundRequest, task: Task) -> tuple[Start, list[Step]]:
    """A batch's start, and the steps from there to its images; without a trace, only the last."""
    start = start_of(run.strategy, task)
    if start.x is not None:
        if run.request.trace:
            raise InkseedError("this noise strategy draws the images itself: leave out the trace")
        return start, [Step(0.0, start.x, start.x)]
    walked: list[Step] = []
    for step in run.states(start.z, start.keys or task.keys, task.condition):
        walked = [*walked, step] if run.request.trace else [step]
    return start, walked
