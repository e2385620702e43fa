"""Labelled images that judge A reads as labelled: what it misreads is drawn again.

Rejection by a classifier (Razavi et al., arXiv 1906.00446), for the sake of labels:
what is left is the model's own distribution, less what another reader takes for another label.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from inkseed.judges import JudgeA
from inkseed.model import Model, Samples
from inkseed.noise import Start, Task
from inkseed.reading import check_readable, read_labels
from inkseed.rng import ImageStreams, Key
from inkseed.samplers import Sampler

ATTEMPTS = 10  # how often an image that is misread is drawn again


@dataclass
class Screened:
    """Images read by judge A: what was drawn in the end, and what that took."""

    samples: Samples
    redrawn: int  # images that were drawn again, each as often as it was
    misread: np.ndarray  # int64: places of those that it misreads still


def sample_screened(
    model: Model,
    labels: Sequence[int],
    seed: int = 0,
    guide_w: float | None = None,
    sampler: str | Sampler | None = None,
    steps: int | None = None,
    *,
    slant: float | Sequence[float] | None = None,
    thickness: float | Sequence[float] | None = None,
    first: int = 0,
    on_evaluations: Callable[[int], object] | None = None,
    **asked: Any,
) -> Screened:
    """Draw as `Model.sample` does, and again, up to 10 times, what judge A reads otherwise.

    Attempt j of image k begins at Gaussian noise of (seed, k, j), whatever `noise` was at first, so
    that no image's fate hangs on another's. `samples.nfe` counts the attempts. Raises InkseedError
    for a model whose labels are not digits or pairs of them, or as `Model.sample` does.
    """
    check_readable(model.class_names)
    spent, judge, names = [0], JudgeA(), np.array(model.class_names)
    small = model.uncompiled()  # what is drawn again comes in batches of all sizes

    def tell(evaluations: int) -> None:
        spent[0] += evaluations
        if on_evaluations is not None:
            on_evaluations(evaluations)

    def draw(some: Sequence[int], rows: np.ndarray | None, **more: Any) -> Samples:
        style: dict[str, Any] = {"slant": slant, "thickness": thickness}
        if rows is not None:
            style = {k: v if np.ndim(v) == 0 else np.asarray(v)[rows] for k, v in style.items()}
        drawing = model if rows is None else small
        return drawing.sample(
            some, seed, guide_w, sampler, steps, on_evaluations=tell, **style, **more
        )

    samples = draw(labels, None, first=first, **asked)
    redrawn = 0
    rows = _misread(samples, names, judge)
    for attempt in range(1, ATTEMPTS + 1):
        if len(rows) == 0:
            break
        keys = [(first + row, attempt) for row in rows.tolist()]
        kept = {k: v for k, v in asked.items() if k not in ("noise", "candidates")}
        again = draw(samples.labels[rows].tolist(), rows, noise=_Streams(keys), **kept)
        samples.images[rows], samples.noise[rows] = again.images, again.noise
        redrawn += len(rows)
        rows = rows[_misread(again, names, judge)]
    samples = replace(samples, nfe=-(-spent[0] // len(samples.labels)))
    return Screened(samples, redrawn, rows)


def _misread(samples: Samples, names: np.ndarray, judge: JudgeA) -> np.ndarray:
    return np.flatnonzero(
        read_labels(samples.images, names.tolist(), judge.digits) != names[samples.labels]
    )


@dataclass(frozen=True)
class _Streams:
    """Gaussian noise of streams named one by one, for the sampler's own noise too."""

    keys: Sequence[Key]

    def __call__(self, task: Task) -> Start:
        own = [self.keys[k] for k in task.numbers]
        return Start(ImageStreams(task.seed, own).normal(task.shape), own)
