"""Draw a run: the strategy's starting noise, then the sampler's steps."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from inkseed.data.labelled import to_uint8
from inkseed.errors import InkseedError
from inkseed.model.request import start_of
from inkseed.model.run import BoundRequest
from inkseed.model.samples import Samples
from inkseed.noise import Start, Task
from inkseed.rng import Key
from inkseed.samplers import Step


def draw(run: BoundRequest) -> Samples:
    """Draw all images of the run's request, batch by batch.

    Raises InkseedError for a strategy that fails or exceeds the budget, for a trace with a strategy
    that draws the images itself, and for images that are not finite.
    """
    request, spent = run.request, run.evaluations
    finals, starts, streams, traces = [], [], [], []
    with run.counting():
        for task in run.tasks():
            budget = request.budget
            run.counter.allow(None if budget is None else budget * len(task))
            start, walked = _draw_batch(run, task)
            if not run.counter.dry:
                check_finite(walked[-1].x)
            starts.append(start.z)
            streams.append(_named(start.keys, len(task)))
            finals.append(walked[-1].x)
            traces.append(walked if request.trace else [])
    n, how = len(request), run.sampling
    return Samples(
        images=to_uint8(torch.cat(finals)),
        labels=np.asarray(request.labels),
        seeds=np.stack([np.full(n, request.seed), np.array(request.numbers)], 1),
        streams=np.concatenate(streams),
        guide_w=np.full(n, how.guide_w),
        evaluations=run.evaluations - spent,
        noise=torch.cat(starts),
        how=how,
        hands=run.hands,
        steps=[torch.cat([step.x for step in each]) for each in zip(*traces, strict=True)],
        guesses=[torch.cat([step.x_0 for step in each]) for each in zip(*traces, strict=True)],
    )


def check_finite(x: Tensor) -> None:
    """Raise InkseedError for images that are not finite numbers."""
    if not torch.isfinite(x).all():
        raise InkseedError(
            "the images are not finite: the weights are damaged, or guide_w is too large"
        )


def _named(keys: Sequence[Key] | None, count: int) -> np.ndarray:
    """(image, candidate) of each key, int64 (count, 2)."""
    if keys is None:
        return np.full((count, 2), -1)
    return np.array([(*key, 0)[:2] for key in keys], np.int64)


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
