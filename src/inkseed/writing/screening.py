"""Labelled images of whose labels judge A is sure: what it doubts is drawn again.

Rejection by a classifier (Razavi et al., arXiv 1906.00446), for the sake of labels:
what is left is the model's own distribution, less what another reader takes for another label.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from inkseed.errors import InkseedError
from inkseed.judges import JudgeA
from inkseed.model.hand import draw_hands
from inkseed.model.model import Model, Samples
from inkseed.model.request import MOST_CANDIDATES
from inkseed.noise import Start, Task
from inkseed.outline import Outlined
from inkseed.rng import Key
from inkseed.samplers import Sampler
from inkseed.writing.reading import ATTEMPTS, check_readable, label_surety, sure_enough


@dataclass(repr=False)
class Screened(Outlined):
    """Images read by judge A: what was drawn in the end, and what that took."""

    samples: Samples
    redrawn: int  # how often images were drawn again, all together
    doubted: np.ndarray  # int64: places of those that it doubts still


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
    """Draw as `Model.sample` does, and again, up to 10 times, what judge A doubts is as labelled.

    It doubts single digits that it believes in by less than 0.9, pairs by less than 0.5, and
    whatever lacks a digit's ink (`data.least_ink`) or holds two on each other. An attempt begins at
    Gaussian noise of a stream of its own, whatever `noise` was at first, and keeps the image's
    style, so that no image's fate hangs on another's. Of the first drawing and all attempts, the
    one that it is surest of stays; `samples.noise` is its noise, `samples.seeds` and `samples.nfe`
    are of the first drawing and of all together.

    Raises InkseedError for a model whose labels are not digits or pairs of them, for a trace or a
    budget, or as `Model.sample` does.
    """
    check_readable(model.class_names)
    if asked.get("trace"):
        raise InkseedError("a trace shows images as first drawn: leave it out, or do not screen")
    if asked.get("budget") is not None:
        raise InkseedError("what is drawn again knows no budget: leave it out, or do not screen")
    spent, judge, names = [0], JudgeA(), np.array(model.class_names)
    small = model.uncompiled()  # what is drawn again comes in batches of all sizes

    def tell(evaluations: int) -> None:
        spent[0] += evaluations
        if on_evaluations is not None:
            on_evaluations(evaluations)

    style: dict[str, Any] = {"slant": slant, "thickness": thickness}
    samples = model.sample(
        labels, seed, guide_w, sampler, steps, first=first, on_evaluations=tell, **style, **asked
    )
    n = len(samples.labels)
    if model.settings().one_hand:
        hands = draw_hands(model.styles, seed, range(first, first + n))
        style = {name: hands.get(name) if v is None else v for name, v in style.items()}
    style = {k: None if v is None else np.broadcast_to(v, n) for k, v in style.items()}
    kept = {k: v for k, v in asked.items() if k not in ("noise", "candidates")}
    redrawn, least = 0, sure_enough(model.class_names)
    sure = label_surety(samples.images, names[samples.labels], judge)
    for attempt in range(1, ATTEMPTS + 1):
        rows = np.flatnonzero(sure < least)
        if len(rows) == 0:
            break
        keys = [(first + row, MOST_CANDIDATES + attempt) for row in rows.tolist()]
        own = {name: None if v is None else v[rows] for name, v in style.items()}
        again = small.sample(
            samples.labels[rows].tolist(),
            *(seed, guide_w, sampler, steps),
            **{**kept, **own},
            noise=_Streams(keys),
            on_evaluations=tell,
        )
        redrawn += len(rows)
        now = label_surety(again.images, names[again.labels], judge)
        better = now > sure[rows]
        at = rows[better]
        samples.images[at], samples.noise[at] = again.images[better], again.noise[better]
        sure[at] = now[better]
    samples = replace(samples, nfe=-(-spent[0] // n))
    return Screened(samples, redrawn, np.flatnonzero(sure < least))


@dataclass(frozen=True)
class _Streams:
    """Gaussian noise of streams named one by one, for the sampler's own noise too."""

    keys: Sequence[Key]

    def __call__(self, task: Task) -> Start:
        own = [self.keys[k] for k in task.numbers]
        return Start(task.noise(own), own)
