"""Drawing again what a judge doubts, and keeping the attempt that it is most confident in.

Rejection by a classifier (Razavi et al., arXiv 1906.00446), for the sake of labels: what is left is
the model's own distribution, less what another reader takes for another label.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch

from inkseed.data.labelled import to_uint8
from inkseed.errors import InkseedError
from inkseed.model.drawing import check_finite
from inkseed.model.model import Model
from inkseed.model.request import MOST_CANDIDATES, Request
from inkseed.model.samples import Samples
from inkseed.outline import Outlined
from inkseed.rng import Key, normals

ATTEMPTS = 10  # how often a doubted image is drawn again

Confidence = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""(uint8 images (N, H, W), rows (M,)) -> a judge's confidence in the labels of those rows, (M,)."""


@dataclass(repr=False)
class Redrawn(Outlined):
    """What was drawn in the end, and what that took."""

    samples: Samples  # the images that stayed; `evaluations` counts all that were drawn
    redrawn: int  # how often images were drawn again, all together
    confidence: np.ndarray  # float64 (N,): the judge's, in each image that stayed


def sample_confident(
    model: Model,
    request: Request,
    confidence: Confidence,
    least: float,
    alone: bool = True,
    on_evaluations: Callable[[int], object] | None = None,
) -> Redrawn:
    """Draw the request, and again, up to 10 times, the images of less than `least` confidence.

    Attempt a of image k begins at Gaussian noise of the stream (k, MOST_CANDIDATES + a), whatever
    the request's own noise was, and keeps the image's style: so no image's fate depends on the
    others'. Unless images are judged `alone`, all are judged again once some have been replaced.
    `samples.streams` names the stream that each image came from in the end.

    Raises InkseedError for a request with a trace or a budget, or as `Model.sample` does.
    """
    if request.trace:
        raise InkseedError("a trace shows images as first drawn: leave out the trace or the check")
    if request.budget is not None:
        raise InkseedError("images drawn again have no budget: leave out the budget or the check")
    samples = model.sample_request(request, on_evaluations)
    plain = replace(request, noise="gaussian", candidates=None)
    run = model.uncompiled().bind(plain, on_evaluations)  # what is doubted comes in all batch sizes
    images, everyone = samples.images, np.arange(len(request))
    confident = confidence(images, everyone)
    redrawn = 0
    for attempt in range(1, ATTEMPTS + 1):
        rows = np.flatnonzero(confident < least)
        if len(rows) == 0:
            break
        keys: list[Key] = [(request.numbers[row], MOST_CANDIDATES + attempt) for row in rows]
        z = torch.from_numpy(normals(request.seed, keys, run.shape))
        x = run.images(z, keys, run.condition[rows])
        check_finite(x)
        redrawn += len(rows)
        tried = images.copy()
        tried[rows] = to_uint8(x)
        now = confidence(tried, rows)
        better = now > confident[rows]
        at = rows[better]
        images[at], samples.noise[at] = tried[at], z[better]
        samples.streams[at] = np.array(keys)[better]
        confident[at] = now[better]
        if not alone and len(at):
            confident = confidence(images, everyone)
    spent = samples.evaluations + run.evaluations
    return Redrawn(replace(samples, evaluations=spent), redrawn, confident)
