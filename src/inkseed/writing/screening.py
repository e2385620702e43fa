"""Labelled images checked by judge A, with those that it doubts drawn again."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from inkseed.judges import judge_a
from inkseed.model.model import Model
from inkseed.model.redraw import Confidence, sample_confident
from inkseed.model.request import Request
from inkseed.model.samples import Samples
from inkseed.model.slices import joined
from inkseed.outline import Outlined
from inkseed.writing.reading import check_readable, label_confidence, least_confidence


@dataclass(repr=False)
class Screened(Outlined):
    """Images checked by judge A, and what it took."""

    samples: Samples  # `streams` names the stream that each came from, `nfe` counts all draws
    redrawn: int  # how many redraws there were
    doubted: np.ndarray  # int64: places of those that it still doubts


def sample_screened(
    model: Model, request: Request, on_evaluations: Callable[[int], object] | None = None
) -> Screened:
    """Draw as `Model.sample_request` does, then redraw, up to 10 times, what judge A doubts.

    It doubts single digits below a confidence of 0.9, pairs below 0.5, and any image that lacks ink
    or has one digit on the other (`data.least_ink`). `inkseed.model.redraw` does the redrawing.

    Raises InkseedError for a model whose labels are not digits or pairs of them, for a trace or a
    budget, or as `Model.sample` does.
    """
    least = least_confidence(model.class_names)
    found = sample_confident(
        model, request, confidence_in(model, request), least, on_evaluations=on_evaluations
    )
    return Screened(found.samples, found.redrawn, np.flatnonzero(found.confidence < least))


def joined_screened(request: Request, parts: Sequence[Screened]) -> Screened:
    """What was screened of a request, from its slices."""
    begins = np.cumsum([0, *(len(part.samples.labels) for part in parts)]).tolist()
    return Screened(
        joined(request, [part.samples for part in parts]),
        sum(part.redrawn for part in parts),
        np.concatenate([part.doubted + k for part, k in zip(parts, begins, strict=False)]),
    )


def confidence_in(model: Model, request: Request) -> Confidence:
    """Judge A's confidence that images show what a request asks for, each judged by itself.

    Raises InkseedError for a model whose labels are not digits or pairs of them.
    """
    check_readable(model.class_names)
    wanted, labels = np.array(model.class_names), np.asarray(request.labels)

    def confidence(images: np.ndarray, rows: np.ndarray) -> np.ndarray:
        return label_confidence(images[rows], wanted[labels[rows]].tolist(), judge_a())

    return confidence
