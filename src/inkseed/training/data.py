"""What a run learns from: images, their conditions, and their statistics."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from inkseed.data import HowToRead, join, load_mnist, read_images
from inkseed.data.labelled import LabelledImages
from inkseed.data.pairs import CELL, PAIRS, Hands, Layout, compose_pairs
from inkseed.data.split import split_mnist
from inkseed.errors import InkseedError
from inkseed.model.config import ModelConfig
from inkseed.outline import Outlined
from inkseed.rng import Purpose, state
from inkseed.say import plain
from inkseed.training.batches import Examples
from inkseed.training.recipes import MAX_SIDE, TWO_DIGITS, Recipe
from inkseed.training.room import check_composites

FEWEST = 8  # images of a class: fewer do not show how it varies
HELD_OUT = 10  # one image in ten is held out to choose among averages, if there are plenty
PLENTY = 500
VALIDATION = 2000  # of MNIST's validation images, at most, to choose by
A_PASS = 50_000  # images in a pass of a recipe, at least, however few the user's own are


@dataclass(frozen=True, repr=False)
class TrainingData(Outlined):
    """Images to learn from and, if there are enough, others to choose an average by."""

    examples: Examples  # of the first pass
    validation: Examples | None
    description: str
    a_pass: int  # how many images make one of the recipe's epochs
    composed: Callable[[int], Examples] | None = None  # later passes; None: the same images
    reading: str = ""  # what was read of a user's own images, in one line

    @property
    def source(self) -> LabelledImages:
        """The images of the first pass."""
        return self.examples.images

    def of_pass(self, number: int) -> Examples:
        """The examples of one pass."""
        return self.examples if self.composed is None or number == 0 else self.composed(number)

    def identity(self) -> dict[str, Any]:
        """What identifies these data, so that a resumed run continues with the same."""
        digest = hashlib.sha256(self.source.images.tobytes() + self.source.labels.tobytes())
        return {
            "data": self.description,
            "class_names": list(self.source.class_names),
            "image_size": list(self.source.images.shape[1:]),
            "images_sha256": digest.hexdigest(),
        }

    def moments(self) -> dict[str, float]:
        """The pixels' mean and deviation in [-1, 1], for EDM's preconditioning."""
        ink = self.source.images.astype(np.float64)  # a tensor in float32 would lose digits
        return {
            "data_mean": round(float(ink.mean() / 127.5 - 1), 4),
            "sigma_data": round(float(ink.std() / 127.5), 4),
        }

    def styles(self) -> dict[str, tuple[float, float]]:
        """The mean and deviation of slant and thickness over the images with ink.

        Raises InkseedError if none has any.
        """
        slant, thickness = self.examples.style
        inked = thickness > 0
        if not inked.any():
            raise InkseedError(
                "the images' ink is too faint to measure slant and thickness: give darker ones, or"
                " set `styles = false` in the recipe and leave out --from"
            )
        return {"slant": _moments(slant[inked]), "thickness": _moments(thickness[inked])}


def training_data(
    recipe: Recipe,
    data: Path | None,
    size: tuple[int, int] | None,
    how: HowToRead | None = None,
) -> TrainingData:
    """The digits that the recipe names, or a user's own images at `data`.

    `inkseed.data.read_images` reads them as `how` says. A recipe of two-digit images composes them
    from the single ones, anew for each pass. Raises InkseedError for too few images, or for sides
    that no network here takes.
    """
    if recipe.data == TWO_DIGITS:
        return _two_digits(recipe, data, size, how)
    if data is not None:
        return _own_images(data, size, how, recipe.images or A_PASS)
    if size is not None or how not in (None, HowToRead()):
        raise InkseedError(
            "--size, --form, --paper and --transposed are for your own images: give --data too"
        )
    if recipe.data == "mnist":
        source, validation, words = load_mnist(train=True), None, "MNIST's 60,000 training digits"
    else:
        split = split_mnist()
        source = join([split.part_a, split.part_b])
        validation = split.validation
        words = f"MNIST, parts A and B of its training digits ({len(source):,})"
    digits = source
    if recipe.images and recipe.images < len(source):
        source = source.subset(np.arange(recipe.images))
        words += f", the first {recipe.images:,} of them"
    chosen_by = None
    if validation is not None:
        few = validation.subset(np.arange(min(VALIDATION, -(-len(source) // HELD_OUT))))
        chosen_by = Examples(few, digits=validation)
    return TrainingData(Examples(source, digits=digits), chosen_by, words, len(source))


def _two_digits(
    recipe: Recipe, data: Path | None, size: tuple[int, int] | None, how: HowToRead | None
) -> TrainingData:
    """Composites of single digits; for validation, of digits that no pass sees, if possible."""
    if size is not None:
        raise InkseedError("the recipe sets the size of its images: leave --size out")
    held_out = recipe.held_out_labels
    if unknown := sorted(set(held_out) - set(PAIRS)):
        raise InkseedError(
            f"recipe: held_out_labels takes labels from 00 to 99, not {unknown[0]!r}"
        )
    labels = np.array([k for k, name in enumerate(PAIRS) if name not in held_out])
    if not len(labels):
        raise InkseedError("recipe: held_out_labels leaves no label to learn")
    layout = Layout.of(recipe.layout)
    reading = ""
    if data is None:
        split = split_mnist()
        source, unseen = join([split.part_a, split.part_b]), split.validation
        words = f"pairs of MNIST's digits, parts A and B of its training digits ({len(source):,})"
    else:
        own = _own_images(data, (CELL, CELL), how, A_PASS)
        source, reading = own.source, own.reading
        unseen = source if own.validation is None else own.validation.images
        if len(np.unique(unseen.labels)) < len(source.class_names):
            unseen = source  # none of the rarest digit was held out
        words = f"pairs of {own.description}"
    n = recipe.images or A_PASS
    check_composites(n, recipe.size)
    hands = Hands(source)

    def composed(number: int) -> Examples:
        seed = state(recipe.seed, Purpose.COMPOSITES, number)
        drawn = compose_pairs(hands, np.resize(labels, n), seed, recipe.size, layout)
        return Examples(drawn.source, drawn.style, drawn.parts, source)

    chosen_by = np.resize(labels, min(VALIDATION, -(-n // HELD_OUT)))
    seed = state(recipe.seed, Purpose.CHOICE_COMPOSITES)
    drawn = compose_pairs(Hands(unseen), chosen_by, seed, recipe.size, layout)
    validation = Examples(drawn.source, drawn.style, drawn.parts, unseen)
    if held_out:
        words += f", without {len(held_out)} of the 100 labels"
    return TrainingData(composed(0), validation, words, n, composed, reading)


def _own_images(
    data: Path, size: tuple[int, int] | None, how: HowToRead | None, a_pass: int
) -> TrainingData:
    source, _, account = read_images(data, size, how)
    height, width = source.images.shape[1:]
    if height % 4 or width % 4 or not max(height, width) <= MAX_SIDE:
        raise InkseedError(
            f"the images in {data} are {height}x{width}: sides must be divisible by 4, and at most"
            f" {MAX_SIDE}; --size 28 resizes them"
        )
    counts = np.bincount(source.labels, minlength=len(source.class_names))
    if len(counts) < 2:
        raise InkseedError(f"{data} holds one label: give images of at least two")
    if counts.min() < FEWEST:
        poorest = source.class_names[int(counts.argmin())]
        raise InkseedError(
            f"{data} gives {counts.min()} images of {poorest!r}: give at least {FEWEST} of each"
            f" label ({account.line()})"
        )
    words = f"{len(source):,} images of {plain(data.resolve().name)}"
    if len(source) < PLENTY:
        examples = Examples(source)
        return TrainingData(examples, None, words, max(a_pass, len(source)), None, account.line())
    order = np.random.RandomState(0).permutation(len(source))
    held_out = np.zeros(len(source), bool)
    held_out[order[: len(source) // HELD_OUT]] = True
    kept = source.subset(~held_out)
    return TrainingData(
        Examples(kept),
        Examples(source.subset(held_out)),
        words,
        max(a_pass, len(kept)),
        reading=account.line(),
    )


def model_config(recipe: Recipe, name: str, data: TrainingData, styled: bool) -> ModelConfig:
    """The configuration in the file of a model trained by this recipe on these data.

    If `styled`, the mean and deviation of each style appear twice: in `styles`, to draw hands by
    and to bound requests, and in the network's settings, to scale its input. A network that is
    fine-tuned on other data keeps its scales.
    """
    network = {
        **recipe.network,
        "in_channels": 1,
        "n_classes": len(data.source.class_names),
    }
    styles = data.styles() if styled else {}
    if styled:
        network["styles"] = styles
    sampling = dict(recipe.sampling)
    if recipe.drop_prob == 0:  # such a network never learns to draw without a label
        sampling = {"guide_w": 0.0, **sampling}
    prediction = dict(recipe.prediction)
    if prediction.get("name") == "edm":
        prediction = {**data.moments(), **prediction}
    height, width = data.source.images.shape[1:]
    return ModelConfig(
        network=network,
        schedule=recipe.schedule,
        image_size=(height, width),
        class_names=tuple(data.source.class_names),
        prediction=prediction,
        sampling=sampling,
        styles=styles,
        training={"recipe": plain(name), "data": data.description},
    )


def _moments(values: np.ndarray) -> tuple[float, float]:
    """Mean and deviation, the latter at least a thousandth."""
    return round(float(values.mean()), 3), max(round(float(values.std()), 3), 1e-3)
