"""Evaluate sets of digits by judge B: figures with intervals, each beside its baseline."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from inkseed.data.labelled import LabelledImages
from inkseed.data.least_ink import NOTHING
from inkseed.data.mnist import DIGITS, load_mnist
from inkseed.data.split import SIZES, split_mnist
from inkseed.evaluation.intervals import Estimate, wilson
from inkseed.evaluation.measure import WEIGHED, Measured, RealDigits
from inkseed.evaluation.memorisation import REPLAY
from inkseed.evaluation.metrics import EXCEEDING, Metric
from inkseed.evaluation.mix import count_digits
from inkseed.evaluation.reference import MOST, Reference
from inkseed.evaluation.registry import readings
from inkseed.evaluation.sets import EvaluatedSet
from inkseed.evaluation.usefulness import usefulness
from inkseed.judges.fit import CPU
from inkseed.outline import Outlined

BOOTSTRAP_SEED = 0


@dataclass(repr=False)
class SetResult(Outlined):
    """The figures of one set; `measured` and `baseline` hold the arrays behind them."""

    judged: EvaluatedSet
    metrics: dict[str, Metric]
    measured: Measured
    baseline: Measured
    notes: list[str]

    @property
    def n(self) -> int:
        return len(self.judged.source)

    @property
    def weighed(self) -> bool:
        """Whether classes had to be weighted, because the labels' mix is not the data's."""
        return bool((self.measured.weights != 1).any())

    def is_weighed(self, metric: str) -> bool:
        """Whether a metric weights the classes."""
        return self.weighed and metric in WEIGHED

    def per_class(self) -> dict[str, dict[str, float | None]]:
        """The figures of each digit; None if the set, or the reference, has none of it."""
        labels, found = self.judged.source.labels, self.measured.manifolds
        rows: dict[str, dict[str, float | None]] = {}
        for digit in range(len(DIGITS)):
            own = labels == digit
            chosen = labels[self.measured.chosen] == digit
            reference = self.measured.reference_labels == digit
            right = int((self.measured.read[own] == digit).sum())
            accuracy = wilson(right, int(own.sum())) if own.any() else (None,) * 3
            rows[DIGITS[digit]] = {
                "n": int(own.sum()),
                **dict(zip(("accuracy", "accuracy_low", "accuracy_high"), accuracy, strict=True)),
                "precision": _mean(found.precision.numpy()[chosen]),
                "recall": _mean(found.recall.numpy()[reference]),
                "density": _mean(found.density.numpy()[chosen]),
                "coverage": _mean(found.coverage.numpy()[reference]),
            }
        return rows

    def confusion(self) -> np.ndarray:
        """Counts (10, 11): a row per label; a column per digit judge B reads, then one for none."""
        table = np.zeros((10, 11), np.int64)  # NOTHING, -1, is the last column
        np.add.at(table, (self.judged.source.labels, self.measured.read), 1)
        return table

    def as_json(self) -> dict[str, Any]:
        """The documented keys of docs/evaluation.md."""
        return {
            "n": self.n,
            "guide_w": self.judged.guide_w,
            "label_mix": {
                "weighed": self.weighed,
                "effective_n": self.measured.effective_n,
                "baseline_n": len(self.baseline.read),
                "baseline_effective_n": self.baseline.effective_n,
            },
            "metrics": {name: self._metric_as_json(name) for name in self.metrics},
            "per_class": self.per_class(),
            "confusion": self.confusion().tolist(),
            "notes": self.notes,
        }

    def _metric_as_json(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = {**self.metrics[name]._asdict(), "weighed": self.is_weighed(name)}
        if name in EXCEEDING:
            found["excess"] = self.metrics[name].excess._asdict()
        if name in self.measured.style_means:
            found["mean"] = self.measured.style_means[name]
            found["baseline_mean"] = self.baseline.style_means[name]
        return found


@dataclass(repr=False)
class Evaluation(Outlined):
    """The figures of one or more sets, all measured in the same way.

    Attributes:
        sets: one result per set; the top level of the JSON object describes the first.
        real_digits: the real digits that the sets were compared with, and judge B.
        held_out: "validation" or "test": what the baselines are taken on.
        seconds: how long it took.
        usefulness: what classifiers learned from the first set, if that was asked for.
    """

    sets: list[SetResult]
    real_digits: RealDigits
    held_out: str
    seconds: float
    usefulness: dict[str, Any] | None = None

    def as_json(self) -> dict[str, Any]:
        """One object: the first set's figures and, if there are several, all under `guidance`."""
        judge = {"name": "B", "sha256": self.real_digits.reference.judge.sha256}
        described = {"judge": judge, "baseline": self.held_out, "seconds": round(self.seconds, 1)}
        result = {**self.sets[0].as_json(), **described}
        if len(self.sets) > 1:
            result["guidance"] = [each.as_json() for each in self.sets]
        if self.usefulness is not None:
            result["usefulness"] = self.usefulness
        return result


def evaluate(
    sets: list[EvaluatedSet],
    final: bool = False,
    on_progress: Callable[[int], object] = lambda _: None,
) -> Evaluation:
    """Measure sets of labelled digits with judge B, each beside the same number of real digits.

    Args:
        sets: what `inkseed.evaluation.read_sets` read, or sets of your own.
        final: compare with the 10,000 test digits instead of validation: for final tables only.
        on_progress: called with the number of images in each batch that judge B reads.

    Returns:
        The figures of each set with their intervals, and the same figures for real digits.
    """
    began = time.perf_counter()
    held_out = held_out_digits(final)
    real_digits = RealDigits(held_out, Reference.shared(on_progress), on_progress)
    baselines: dict[bytes, Measured] = {}  # by the counts of the labels
    results = []
    for each in sets:
        labels = count_digits(each.source.labels).tobytes()
        if labels not in baselines:
            baselines[labels] = real_digits.baseline(each.source.labels, BOOTSTRAP_SEED)
        results.append(_result(each, real_digits, baselines[labels]))
    name = "test" if final else "validation"
    return Evaluation(results, real_digits, name, time.perf_counter() - began)


def add_usefulness(
    evaluation: Evaluation,
    on_step: Callable[[int], object] = lambda _: None,
    device: torch.device = CPU,
) -> None:
    """Measure the first set's usefulness, against real training images, on held-out ones.

    Classifiers are trained on `device`.
    """
    began = time.perf_counter()
    real_digits = evaluation.real_digits
    judged, held_out = evaluation.sets[0].judged, real_digits.held_out
    evaluation.usefulness = usefulness(judged, real_digits.training, held_out, on_step, device)
    evaluation.seconds += time.perf_counter() - began


def held_out_digits(final: bool) -> LabelledImages:
    """Validation or, for final tables, the test digits: only this function touches them."""
    return load_mnist(train=False) if final else split_mnist().validation


def images_to_read(sets: list[EvaluatedSet]) -> int:
    """How many images judge B reads in `evaluate`: training, validation, and the sets."""
    return sum(SIZES) + sum(len(each.source) for each in sets)


def _result(judged: EvaluatedSet, real_digits: RealDigits, baseline: Measured) -> SetResult:
    measured = real_digits.measure(judged.source, BOOTSTRAP_SEED)
    metrics = {
        name: Metric(*measured.estimates[name], *baseline.estimates[name])
        for name in readings()
        if name in measured.estimates and name in baseline.estimates
    }
    result = SetResult(judged, metrics, measured, baseline, list(judged.notes))
    if len(judged.source) > MOST:
        result.notes.append(
            f"neighbour metrics, kernel distance and memorisation use a fixed random {MOST:,}"
            f" of the {len(judged.source):,} images, all other figures every one;"
            f" baselines are of {len(baseline.read):,} real images"
        )
    result.notes.extend([*_inkless(measured), *_mix(result), *_replay(measured)])
    return result


def _inkless(measured: Measured) -> list[str]:
    """How many images have too little ink for any reading to count."""
    count = int((measured.read == NOTHING).sum())
    if count == 0:
        return []
    if count == 1:
        return ["1 image has too little ink to be a digit, and counts as wrong"]
    return [f"{count:,} images have too little ink to be a digit, and count as wrong"]


def _mix(result: SetResult) -> list[str]:
    """Notes on the set's labels, if their mix is not MNIST's."""
    notes, labels = [], result.judged.source.labels
    if result.weighed:
        notes.append(
            "* the labels are not in MNIST's mix: these figures weight each class to its share"
            f" there, and are worth {result.measured.effective_n:,.0f} images; real is"
            f" {len(result.baseline.read):,} held-out digits of the same labels, weighted alike"
        )
    lone = np.flatnonzero(count_digits(labels) == 1)
    if len(lone):
        notes.append(
            f"the set has one image of {', '.join(map(str, lone))}: it stands for the whole class,"
            " and makes distances uncertain"
        )
    missing = sorted(set(range(10)) - set(labels.tolist()))
    if missing:
        notes.append(f"the set has no {', '.join(map(str, missing))}")
    return notes


def _replay(measured: Measured) -> list[str]:
    """Warn of a set that repeats training images, or is suspiciously close to them."""
    notes = []
    copies, n = int((measured.distance_pixels < 1e-3).sum()), len(measured.distance_pixels)
    if copies:
        notes.append(
            f"REPLAY: {copies:,} of {n:,} images equal a training image in every pixel"
            f" ({100 * copies / n:.3g} %)"
        )
    near: Estimate = measured.estimates["near_copies"]
    if near.low > REPLAY:
        notes.append(
            f"REPLAY? {near.value:.1%} of images are closer to a training image than 99 % of real"
            " digits of their class: they may be memorised, or merely plain"
        )
    return notes


def _mean(values: np.ndarray) -> float | None:
    return float(values.mean()) if len(values) else None
