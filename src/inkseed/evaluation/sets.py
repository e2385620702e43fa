"""The sets to evaluate: labelled digits that are read from files, or drawn from a model."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from inkseed.checks import real_number, whole_number
from inkseed.data.arrays import NpzFile
from inkseed.data.how_to_read import HowToRead
from inkseed.data.labelled import LabelledImages
from inkseed.data.mnist import DIGITS
from inkseed.data.read import Reading, read_images
from inkseed.data.split import split_mnist
from inkseed.errors import InkseedError
from inkseed.evaluation.mix import choose
from inkseed.judges.fit import JUDGE_SIZE
from inkseed.model.drawing import check_room
from inkseed.model.model import Model, Samples
from inkseed.model.redraw import JUDGED
from inkseed.model.request import MOST_IMAGES
from inkseed.outline import Outlined

MIN_IMAGES = 20
Draw = Callable[..., tuple[Samples, list[str]]]
"""(model, and the arguments of `Model.sample`) -> samples, and notes on them."""


@dataclass(repr=False)
class EvaluatedSet(Outlined):
    """Labelled digits to evaluate.

    Attributes:
        source: 20 or more images; the labels index the digits 0 to 9.
        guide_w: the guidance that they were drawn with, if known.
        notes: what a reader of the evaluation should know about them.

    Raises:
        InkseedError: for fewer than 20 images, or a guide_w that is no number.
    """

    source: LabelledImages
    guide_w: float | None = None
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        count, (height, width) = len(self.source), self.source.images.shape[1:]
        if self.guide_w is not None:
            self.guide_w = real_number(self.guide_w, "guide_w")
        if count < MIN_IMAGES:
            raise InkseedError(_too_few(count))
        if (height, width) != JUDGE_SIZE:
            self.notes.append(f"images of {height}x{width} were resized to 28x28 for the judge")


def read_sets(path: str | Path, how: HowToRead | None = None) -> list[EvaluatedSet]:
    """Read labelled digits to evaluate, at 28x28.

    Blank images stay in the set, since whatever drew them did not draw the digit. Arrays are
    measured as they are, unless `how` says otherwise. Pictures in a folder are read like a user's
    own.

    Args:
        path: anything that `inkseed.data.read_images` reads. An .npz with an array `guide_w` gives
            one set for each of its values.
        how: how to read the images.

    Returns:
        The sets. The first of each set's `notes` says what was read.

    Raises:
        InkseedError: for anything else, for labels that are not digits, and for fewer than 20
            images.
    """
    path, how = Path(path), how or HowToRead()
    if how.form == "auto" and not path.is_dir():
        how = replace(how, form="keep")  # a program made these: correcting them would flatter it
    found = read_images(path, JUDGE_SIZE, replace(how, measured=True))
    source, notes = _digits_only(found.images, path), [found.account.line()]
    if len(source) < MIN_IMAGES:
        raise InkseedError(f"{_too_few(len(source))} ({notes[0]})")
    guide_w = _guide_w(path, found)
    if guide_w is None:
        return [EvaluatedSet(source, notes=notes)]
    return [
        EvaluatedSet(source.subset(guide_w == w), float(w), list(notes)) for w in np.unique(guide_w)
    ]


def _too_few(count: int) -> str:
    return f"{count} images are too few to evaluate: give {MIN_IMAGES} or more"


def _guide_w(path: Path, found: Reading) -> np.ndarray | None:
    """The guidance of each image read, if an .npz has it."""
    if path.suffix.lower() != ".npz":
        return None
    arrays = NpzFile(path)
    if "guide_w" not in arrays.names:
        return None
    claim = arrays.claim("guide_w")
    if claim.shape == (found.account.given,) and claim.dtype.kind in "fiu":
        guide_w = arrays["guide_w"]
        if np.isfinite(guide_w).all():
            return guide_w[found.kept]
    raise InkseedError(f"{path}: guide_w must be one finite number per image, or be left out")


def draw_sets(
    model: Model,
    count: int,
    strengths: Sequence[float | None],
    seed: int,
    sampler: str | None = None,
    steps: int | None = None,
    on_evaluations: Callable[[int], object] | None = None,
    draw: Draw | None = None,
) -> list[EvaluatedSet]:
    """Draw a set of `count` images from a model for each guide_w, all from the same noise.

    Labels are in MNIST's own proportions (`natural_labels`). Settings that are None are the
    model's own, and `draw` replaces `Model.sample`. Raises InkseedError for a model whose classes
    are not the ten digits, for a bad count, and for more images than fit in memory.
    """
    if set(model.class_names) != set(DIGITS):
        raise InkseedError("the model's classes are not the digits 0 to 9, which the judge reads")
    count = whole_number(count, "count", 1, MOST_IMAGES)
    check_room(count * len(strengths), model.shape, copies=1 + JUDGED)
    digits = natural_labels(count)
    classes = digits_to_labels(model, digits)
    sets = []
    for w in strengths:
        request = (classes, seed, w, sampler, steps)
        drawn, notes = (draw or _plainly)(model, *request, on_evaluations=on_evaluations)
        source = LabelledImages(drawn.images, digits, DIGITS)
        sets.append(EvaluatedSet(source, float(drawn.guide_w[0]), notes))
    return sets


def _plainly(model: Model, *request: Any, **how: Any) -> tuple[Samples, list[str]]:
    return model.sample(*request, **how), []


def digits_to_labels(model: Model, digits: np.ndarray) -> list[int]:
    """The model's class indices of digits 0 to 9."""
    return np.array(model.indices(DIGITS))[digits].tolist()


def natural_labels(count: int) -> np.ndarray:
    """`count` labels to ask a model for, int64: a fixed random sample of part A's.

    They are in MNIST's own proportions because distances are taken to part A, which would penalise
    equal numbers of each digit for their mix.
    """
    labels = split_mnist().part_a.labels
    rounds, rest = divmod(count, len(labels))
    return np.concatenate([*[labels] * rounds, labels[choose(labels, rest)]])


def _digits_only(source: LabelledImages, path: Path) -> LabelledImages:
    for name in source.class_names:
        if name not in DIGITS:
            raise InkseedError(f"{path} holds the label {name!r}: the judge reads 0 to 9")
    digits = np.array([int(name) for name in source.class_names])
    return LabelledImages(source.images, digits[source.labels], DIGITS)
