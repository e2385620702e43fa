"""Whether a selector's score tells good noise from bad: its correlation with B, and with itself."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch

from inkseed.evaluation.intervals import Estimate, around, resamples
from inkseed.evaluation.sets import digits_to_labels
from inkseed.model.model import Model
from inkseed.model.request import Request
from inkseed.model.sampling import SamplingOptions
from inkseed.noise.stability import ddim_stability
from inkseed.study.pool import Pool

RANKED_STEPS = (10, 20, 50)
RANKED_IMAGES = 20


def correlations(pool: Pool, right: np.ndarray) -> dict[str, dict[str, Estimate]]:
    """Correlate each score with B's correctness (N, K), within class, and with ink mass held fixed.

    Scores and correctness are centred within each class; "partial" also removes what a straight
    line in ink mass explains within the class. Intervals resample images with all their candidates.
    """
    ink, good = pool.scores["ink"], right.astype(np.float64)
    found = {}
    for name, score in pool.scores.items():
        if name == "oracle":
            continue
        plain = _within(pool.labels, score), _within(pool.labels, good)
        found[name] = {"within_class": _correlation(*plain, pool.labels)}
        if name != "ink":
            rest = _without(pool.labels, score, ink), _without(pool.labels, good, ink)
            found[name]["partial_on_ink"] = _correlation(*rest, pool.labels)
    return found


def rank_agreement(
    model: Model,
    digits: np.ndarray,
    candidates: int,
    how: Mapping[str, Any],
    tell: Callable[[int], object],
) -> dict[str, float]:
    """Spearman's correlation of stability at 10 steps and at more, over candidates.

    The mean over RANKED_IMAGES images; at 1, few steps would rank noises as many do.
    """
    some = digits[:RANKED_IMAGES]
    request = Request(digits_to_labels(model, some), sampling=SamplingOptions(**how))
    run = model.bind(request, tell)
    tries = [task.tries(candidates) for task in run.tasks()]
    scores = [
        torch.cat([ddim_stability(run, each.z, each.condition, steps) for each in tries])
        for steps in RANKED_STEPS
    ]
    ranks = (
        torch.stack(scores)
        .double()
        .numpy()
        .reshape(len(RANKED_STEPS), len(some), candidates)
        .argsort(2)
        .argsort(2)
    )

    def agreement(a: np.ndarray, b: np.ndarray) -> float:
        return float(np.mean([np.corrcoef(p, q)[0, 1] for p, q in zip(a, b, strict=True)]))

    return {
        str(steps): agreement(ranks[0], other)
        for steps, other in zip(RANKED_STEPS[1:], ranks[1:], strict=True)
    }


def rank_cost(images: int, candidates: int) -> int:
    """Network evaluations of `rank_agreement`: one per step, forth and back."""
    return min(images, RANKED_IMAGES) * candidates * 2 * sum(RANKED_STEPS)


def summary(pool: Pool) -> dict[str, Mapping[str, Any]]:
    """The distribution of each stability over the pool's noises."""
    return {
        name: {
            "mean": float(pool.scores[name].mean()),
            "deviation": float(pool.scores[name].std()),
            "low": float(np.quantile(pool.scores[name], 0.025)),
            "high": float(np.quantile(pool.scores[name], 0.975)),
        }
        for name in ("stability", "renoise")
    }


def _within(labels: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Values (N, K) minus the mean of their class."""
    centred = values.astype(np.float64).copy()
    for label in np.unique(labels):
        own = labels == label
        centred[own] -= centred[own].mean()
    return centred


def _without(labels: np.ndarray, values: np.ndarray, explained: np.ndarray) -> np.ndarray:
    """Values (N, K) minus a straight line in `explained`, fitted within class."""
    y, x = _within(labels, values), _within(labels, explained)
    for label in np.unique(labels):
        own = labels == label
        square = (x[own] ** 2).sum()
        if square > 0:
            y[own] -= (x[own] * y[own]).sum() / square * x[own]
    return y


def _correlation(a: np.ndarray, b: np.ndarray, labels: np.ndarray) -> Estimate:
    """The correlation of two centred tables (N, K), with an interval by resampling rows."""

    def value(counts: np.ndarray) -> float:
        products = [float(counts @ (p * q).sum(1)) for p, q in ((a, b), (a, a), (b, b))]
        scale = (products[1] * products[2]) ** 0.5
        return products[0] / scale if scale > 0 else 0.0

    replicates = [value(counts) for counts in resamples(labels, 0)]
    return around(value(np.ones(len(labels))), replicates, (-1.0, 1.0))
