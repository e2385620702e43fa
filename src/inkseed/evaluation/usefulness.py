"""How well a classifier learns from the set: trained on synthetic digits, tested on real ones.

The classification accuracy score of Ravuri and Vinyals (arXiv 1905.10887).
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from inkseed.data.labelled import LabelledImages, join, to_tensor, to_uint8
from inkseed.evaluation.intervals import Estimate, paired_t
from inkseed.evaluation.sets import EvaluatedSet
from inkseed.judges.fit import CPU, Course, fit_classifier
from inkseed.judges.judge import read_digits
from inkseed.judges.networks import PlainNet

SEEDS = range(5)
ARMS = ("synthetic", "real", "both")
PASSES, LEAST_STEPS, BATCH_SIZE = 6, 400, 128


def course_for(n: int) -> Course:
    """How a classifier is trained on n images: six passes, and at least 400 steps."""
    return Course(max(LEAST_STEPS, round(PASSES * n / BATCH_SIZE)), BATCH_SIZE)


def usefulness(
    judged: EvaluatedSet,
    training: LabelledImages,
    held_out: LabelledImages,
    on_step: Callable[[int], object] = lambda _: None,
    device: torch.device = CPU,
) -> dict[str, Any]:
    """Accuracy on held-out real digits of classifiers trained on the set, on real ones, on both.

    Paired over 5 seeds. Within a seed, the classifiers start alike (judge A's architecture, no
    augmentation), take the same number of steps, and see as many real images, chosen by the seed,
    as synthetic ones. `gap` is real minus synthetic accuracy, and `gain` both minus real, each with
    Student's 95 % interval.
    """
    n = min(len(judged.source), len(training))
    whole = _at_size(judged.source, training)
    course = course_for(n)
    scores: dict[str, list[float]] = {arm: [] for arm in ARMS}
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        synthetic = whole.subset(rng.permutation(len(whole))[:n])
        real = training.subset(rng.permutation(len(training))[:n])
        both = join([synthetic, real])
        for arm, source in zip(ARMS, (synthetic, real, both), strict=True):
            network = fit_classifier(PlainNet, source, course, seed, device=device, on_step=on_step)
            scores[arm].append(read_right(network, held_out))
    return {
        "n": n,
        "steps": course.steps,
        "seeds": len(SEEDS),
        "accuracy": scores,
        "gap": _difference(scores["real"], scores["synthetic"])._asdict(),
        "gain": _difference(scores["both"], scores["real"])._asdict(),
    }


def read_right(network: PlainNet, source: LabelledImages) -> float:
    """The share of digits that a classifier reads as labelled."""
    return float((read_digits(network.cpu(), source.images) == source.labels).mean())


def steps_in_all(judged: EvaluatedSet, training: LabelledImages) -> int:
    """How many steps `usefulness` takes in all."""
    return len(SEEDS) * len(ARMS) * course_for(min(len(judged.source), len(training))).steps


def _difference(first: list[float], second: list[float]) -> Estimate:
    return paired_t([a - b for a, b in zip(first, second, strict=True)])


def _at_size(source: LabelledImages, like: LabelledImages) -> LabelledImages:
    """The set at the image size of `like`."""
    size = like.images.shape[1:]
    if source.images.shape[1:] == size:
        return source
    return replace(source, images=to_uint8(to_tensor(source.images, size)))
