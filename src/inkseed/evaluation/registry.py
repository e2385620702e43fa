"""Register a metric of your own, which evaluations then measure beside the built-in ones."""

from collections.abc import Callable
from typing import NamedTuple, TypeVar

import numpy as np

from inkseed.checks import brief
from inkseed.data.labelled import LabelledImages
from inkseed.errors import InkseedError
from inkseed.evaluation.intervals import UNLIMITED, Estimate, Limits, bootstrap_mean
from inkseed.evaluation.judged import Judged
from inkseed.evaluation.metrics import READINGS, Reading
from inkseed.evaluation.reference import Reference
from inkseed.registry import METRICS


class Seen(NamedTuple):
    """What a metric is given: a set or, for the baseline, held-out real digits."""

    source: LabelledImages  # `.images` uint8 (N, H, W), ink 255; `.labels` int64 (N,)
    judged: Judged  # what judge B reads: digits, probabilities, features
    reference: Reference  # the real digits that distances are taken to
    weights: np.ndarray  # float64 (N,), for distances: they bring the labels to MNIST's mix
    seed: int  # of the bootstrap


Figure = Callable[[Seen], Estimate | np.ndarray]
"""A metric: returns an estimate, or a number for each image (N,), whose mean is the figure."""


class Named(NamedTuple):
    """A registered metric.

    Attributes:
        reading: how it is shown.
        figure: the function.
        limits: of the mean.
    """

    reading: Reading
    figure: Figure
    limits: Limits


F = TypeVar("F", bound=Figure)


def register(
    name: str,
    better: str,
    title: str = "",
    form: str = "{:.3f}",
    meaning: str = "",
    limits: Limits = UNLIMITED,
) -> Callable[[F], F]:
    """Register a function as a metric under `name`; use it as a decorator.

    Args:
        name: made of the characters a-z, 0-9 and _; its key in the JSON.
        better: which way is better, for example "↑", "↓" or "= real".
        title: its name in the table; "" is `name`.
        form: the format of the figure in the table.
        meaning: what it says, for the page.
        limits: of the mean, for example `SHARE` of `inkseed.evaluation.intervals`.

    Returns:
        A decorator that returns the function unchanged.

    Raises:
        InkseedError: for a name that is taken or has other characters, and for an impossible form.
    """
    if name in READINGS:
        raise InkseedError(f"there is already a metric {brief(name)}: take another name")
    try:
        form.format(0.5)
    except (AttributeError, ValueError, IndexError, KeyError) as error:
        raise InkseedError(
            f"form must be a format for one number, such as '{{:.3f}}': {error}"
        ) from error
    reading = Reading(title or name, form, better, meaning)
    return METRICS.register(name, lambda figure: Named(reading, figure, limits))


def readings() -> dict[str, Reading]:
    """All metrics in the order of the table: the built-in ones, then your own."""
    return {**READINGS, **{name: named.reading for name, named in METRICS.items()}}


def own_estimates(seen: Seen) -> dict[str, Estimate]:
    """The figures of all registered metrics.

    Raises InkseedError for a metric that fails, or that returns neither an estimate nor a number
    for each image.
    """
    return {name: _estimate(name, named, seen) for name, named in METRICS.items()}


def _estimate(name: str, named: Named, seen: Seen) -> Estimate:
    try:
        found = named.figure(seen)
    except InkseedError:
        raise
    except Exception as error:
        words = f"{type(error).__name__}: {error}"
        raise InkseedError(f"the metric {name!r} failed: {words}") from error
    if isinstance(found, Estimate):
        return found
    values = np.asarray(found)
    if values.shape != (len(seen.source),) or values.dtype.kind not in "bif":
        n = len(seen.source)
        raise InkseedError(
            f"the metric {name!r} must return an Estimate, or a number for each of {n} images"
        )
    return bootstrap_mean(values.astype(np.float64), seen.source.labels, seen.seed, named.limits)
