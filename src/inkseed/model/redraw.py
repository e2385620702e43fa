"""Drawing again what a judge doubts, and keeping the attempt that it is most confident in.

Rejection by a classifier (Razavi et al., arXiv 1906.00446), for labels that can be trusted: what is
left is the model's own distribution without the images that another reader misreads.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch

from inkseed.data.labelled import to_uint8
from inkseed.errors import InkseedError
from inkseed.model.drawing import check_finite, check_room
from inkseed.model.model import Model
from inkseed.model.request import MOST_CANDIDATES, Request
from inkseed.model.samples import Samples
from inkseed.outline import Outlined
from inkseed.rng import Key, normals

ATTEMPTS = 10  # to redraw a doubted image
JUDGED = 3  # times the images' size, while a judge reads them

Confidence = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""(uint8 images (N, H, W), rows (M,)) -> a judge's confidence in the labels of these rows, (M,)."""


@dataclass(repr=False)
class Redrawn(Outlined):
    """What was kept, and what it took."""

    samples: Samples  # the images kept; `evaluations` counts all that were drawn
    redrawn: int  # how many redraws there were
    confidence: np.ndarray  # float64 (N,): the judge's, in each image kept


def sample_confident(
    model: Model,
    request: Request,
    confidence: Confidence,
    least: float,
    alone: bool = True,
    on_evaluations: Callable[[int], object] | None = None,
) -> Redrawn:
    """Draw a request, then redraw, up to 10 times, the images of less than `least` confidence.

    Attempt a of image k begins with Gaussian noise from the stream (k, MOST_CANDIDATES + a),
    whatever noise the request asks for, and keeps the image's style. So no image depends on what
    happens to the others. Unless images are judged `alone`, all are judged again after some have
    been replaced. `samples.streams` names the stream of each image that was kept.

    Raises InkseedError for a request with a trace or a budget, or as `Model.sample` does.
    """
    if request.trace:
        raise InkseedError(
            "a trace shows the images as first drawn: leave out the trace or the check"
        )
    if request.budget is not None:
        raise InkseedError("redrawn images have no budget: leave out the budget or the check")
    check_room(len(request), model.shape, copies=1 + JUDGED)
    plain = replace(request, noise="gaussian", candidates=None)
    run = model.uncompiled().bind(plain, on_evaluations)  # doubted images come in all batch sizes
    samples = model.sample_request(request, on_evaluations)
    images, everyone = samples.images, np.arange(len(request))
    numbers = np.stack((np.asarray(request.numbers), np.zeros_like(everyone)), 1)
    confident = confidence(images, everyone)
    redrawn = 0
    for attempt in range(1, ATTEMPTS + 1):
        rows = np.flatnonzero(confident < least)
        if len(rows) == 0:
            break
        before, streams = images[rows], numbers[rows]
        streams[:, 1] = MOST_CANDIDATES + attempt
        for first in range(0, len(rows), run.batch_size):
            part = slice(first, first + run.batch_size)
            keys: list[Key] = [tuple(key) for key in streams[part].tolist()]
            z = torch.from_numpy(normals(request.seed, keys, run.shape))
            x = run.images(z, keys, run.condition[rows[part]])
            check_finite(x)
            images[rows[part]] = to_uint8(x)
        redrawn += len(rows)
        now = confidence(images, rows)
        better = now > confident[rows]
        images[rows[~better]] = before[~better]
        at = rows[better]
        samples.exchange(at, images[at], streams[better])
        confident[at] = now[better]
        if not alone and len(at):
            confident = confidence(images, everyone)
    spent = samples.evaluations + run.evaluations
    return Redrawn(replace(samples, evaluations=spent), redrawn, confident)
