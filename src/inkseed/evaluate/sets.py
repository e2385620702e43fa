"""Sets to evaluate: an .npz of ours or another library's, or a folder of labelled pictures."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from inkseed.data.folder import read_folder
from inkseed.data.labelled import LabelledImages, paper_is_light
from inkseed.data.mnist import DIGITS
from inkseed.data.split import split_mnist
from inkseed.errors import InkseedError
from inkseed.evaluate.measure import choose
from inkseed.judges.fit import JUDGE_SIZE
from inkseed.model import Model, Samples
from inkseed.outline import Outlined

MIN_IMAGES = 20
Draw = Callable[..., tuple[Samples, list[str]]]
"""(model, and what `Model.sample` takes) -> samples, and what is to be said of them."""


@dataclass(repr=False)
class EvaluatedSet(Outlined):
    """Labelled digits to be evaluated; `labels` index 0-9, `notes` say how they were read."""

    source: LabelledImages
    guide_w: float | None = None
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        count, (height, width) = len(self.source), self.source.images.shape[1:]
        if count < MIN_IMAGES:
            raise InkseedError(f"{count} images are too few to evaluate: give {MIN_IMAGES} or more")
        if (height, width) != JUDGE_SIZE:
            self.notes.append(f"images of {height}x{width} were resized to 28x28 for the judge")


def read_sets(path: str | Path) -> list[EvaluatedSet]:
    """Read an .npz (`images`, `labels`; one set for each value of `guide_w`, if it has that) or a
    folder `<label>/*.png`.

    Images are uint8 (N, H, W), one channel allowed, dark ink on light paper recognised and turned;
    labels are digits. Raises InkseedError for anything else.
    """
    path = Path(path)
    if path.is_dir():
        return [EvaluatedSet(_digits_only(read_folder(path), path))]
    if path.suffix.lower() != ".npz":
        raise InkseedError(f"{path} is not a set: give an .npz with images and labels, or a folder")
    arrays = _read_arrays(path)
    images, labels = _images(arrays["images"], path), _labels(arrays["labels"], path)
    notes = []
    if len(images) and paper_is_light(images):
        images = 255 - images
        notes.append("the paper is light: ink and paper were exchanged")
    source = LabelledImages(images, labels, DIGITS)
    guide_w = arrays.get("guide_w")
    if guide_w is None:
        return [EvaluatedSet(source, notes=notes)]
    if (
        guide_w.shape != labels.shape
        or guide_w.dtype.kind not in "fiu"
        or not np.isfinite(guide_w).all()
    ):
        raise InkseedError(f"{path}: guide_w must be one finite number an image, or left out")
    return [
        EvaluatedSet(source.subset(guide_w == w), float(w), list(notes)) for w in np.unique(guide_w)
    ]


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
    """Draw `count` images from a model, a set for each guide_w, from the same noise.

    Labels are in MNIST's own proportions (`natural_labels`). What is None is the model's own;
    `draw` is for another way than `Model.sample`.
    Raises InkseedError for a model whose classes are not the ten digits.
    """
    if set(model.class_names) != set(DIGITS):
        raise InkseedError("the model's classes are not the digits 0 to 9: the judge reads those")
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

    In MNIST's own proportions, because distances are taken to part A: as many images of each digit
    would be charged for their mix, which is the asker's choice and not the model's.
    """
    labels = split_mnist().part_a.labels
    rounds, rest = divmod(count, len(labels))
    return np.concatenate([*[labels] * rounds, labels[choose(labels, rest)]])


def _read_arrays(path: Path) -> dict[str, np.ndarray]:
    if not path.is_file():
        raise InkseedError(f"no such file: {path}")
    try:
        with np.load(path, allow_pickle=False) as opened:
            names = set(opened.files) & {"images", "labels", "guide_w"}
            arrays = {name: opened[name] for name in names}
    except Exception as error:  # zip, zlib and numpy's header parser raise a dozen kinds
        raise InkseedError(f"{path} is not an .npz that can be read, or is damaged") from error
    for name in ("images", "labels"):
        if name not in arrays:
            raise InkseedError(f"{path} has no array {name!r}: an .npz set holds images and labels")
    return arrays


def _images(images: np.ndarray, path: Path) -> np.ndarray:
    if images.dtype != np.uint8:
        raise InkseedError(f"{path}: images are {images.dtype}: save them as uint8 with ink 255")
    if images.ndim == 4 and 1 in (images.shape[1], images.shape[-1]):
        images = images[:, 0] if images.shape[1] == 1 else images[..., 0]
    if images.ndim != 3 or min(images.shape[1:]) < 1 or max(images.shape[1:]) > 1024:
        shape = "x".join(map(str, images.shape))
        raise InkseedError(f"{path}: images have shape {shape}: they must be (N, height, width)")
    return images


def _labels(labels: np.ndarray, path: Path) -> np.ndarray:
    if labels.ndim == 1 and labels.dtype.kind in "US":
        labels = labels.astype(str)
        if np.isin(labels, DIGITS).all():
            return labels.astype(np.int64)
    elif labels.ndim == 1 and labels.dtype.kind in "iu" and np.isin(labels, range(10)).all():
        return labels.astype(np.int64)
    raise InkseedError(f"{path}: labels must be one digit an image, 0 to 9: the judge reads those")


def _digits_only(source: LabelledImages, path: Path) -> LabelledImages:
    for name in source.class_names:
        if name not in DIGITS:
            raise InkseedError(f"{path} holds the label {name!r}: the judge reads 0 to 9")
    digits = np.array([int(name) for name in source.class_names])
    return LabelledImages(source.images, digits[source.labels], DIGITS)
