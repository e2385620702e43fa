"""What a run learns from: images, their conditions, and what a model must know of them."""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from inkseed.condition import with_style
from inkseed.data import join, load_mnist, read_folder
from inkseed.data.labelled import LabelledImages, to_tensor
from inkseed.data.split import split_mnist
from inkseed.errors import InkseedError
from inkseed.recipes import Recipe
from inkseed.rng import stream
from inkseed.style import measure_style

FEWEST = 8  # images of a class: fewer say nothing of how it varies
HELD_OUT = 10  # one image in ten chooses among averages, where there are plenty of one's own
PLENTY = 500
VALIDATION = 2000  # of MNIST's validation images, at most as many choose
MAX_SIDE = 256
A_PASS = 50_000  # images: with a user's own, few or many, a pass of a recipe is at least as long


@dataclass(frozen=True)
class TrainingData:
    """Images to learn from and, where there are enough, others to choose an average by."""

    source: LabelledImages
    validation: LabelledImages | None
    description: str
    a_pass: int  # how many images one of the recipe's epochs stands for

    @cached_property
    def style(self) -> tuple[np.ndarray, np.ndarray]:
        """The source's slant and thickness, measured once."""
        return measure_style(self.source.images)

    def identity(self) -> dict[str, Any]:
        """What tells these data from others, for a run that is to go on with the same."""
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


def training_data(
    recipe: Recipe, folder: Path | None, size: tuple[int, int] | None
) -> TrainingData:
    """The digits that the recipe names or, instead, a user's own `folder/<label>/*.png`.

    Raises InkseedError for images that are too few, or of sides that no network here takes.
    """
    if folder is not None:
        return _own_images(folder, size, recipe.images or A_PASS)
    if size is not None:
        raise InkseedError("a size is for your own images: give --data too")
    if recipe.data == "mnist":
        source, validation, words = load_mnist(train=True), None, "MNIST's 60,000 training digits"
    else:
        split = split_mnist()
        source = join([split.part_a, split.part_b])
        validation = split.validation
        words = "MNIST, parts A and B of its training digits (50,000)"
    if recipe.images and recipe.images < len(source):
        source = source.subset(np.arange(recipe.images))
        words += f", the first {recipe.images:,} of them"
    if validation is not None:
        validation = validation.subset(np.arange(min(VALIDATION, -(-len(source) // HELD_OUT))))
    return TrainingData(source, validation, words, len(source))


def _own_images(folder: Path, size: tuple[int, int] | None, a_pass: int) -> TrainingData:
    source = read_folder(folder, size)
    height, width = source.images.shape[1:]
    if height % 4 or width % 4 or not max(height, width) <= MAX_SIDE:
        raise InkseedError(
            f"the images in {folder} are {height}x{width}: sides must be divisible by 4, to "
            f"{MAX_SIDE}; --size 28 resizes them"
        )
    counts = np.bincount(source.labels, minlength=len(source.class_names))
    if len(counts) < 2:
        raise InkseedError(f"{folder} holds one label: give a folder for each of at least two")
    if counts.min() < FEWEST:
        poorest = source.class_names[int(counts.argmin())]
        raise InkseedError(
            f"{folder}/{poorest} holds {counts.min()} images: give at least {FEWEST} of each label"
        )
    if source.images.min() == source.images.max():
        raise InkseedError(f"the images in {folder} are all blank: there is nothing to learn")
    words = f"{len(source):,} images of {folder.resolve().name}"
    if len(source) < PLENTY:
        return TrainingData(source, None, words, max(a_pass, len(source)))
    order = np.random.RandomState(0).permutation(len(source))
    held_out = np.zeros(len(source), bool)
    held_out[order[: len(source) // HELD_OUT]] = True
    kept = source.subset(~held_out)
    return TrainingData(kept, source.subset(held_out), words, max(a_pass, len(kept)))


def conditions_of(source: LabelledImages, style: tuple[np.ndarray, np.ndarray] | None) -> Tensor:
    """What each image is, as the condition that asks for it: labels, with style where given."""
    label = torch.from_numpy(source.labels.astype(np.int64))
    if style is None:
        return label
    return with_style(label, torch.from_numpy(np.stack(style, 1)))  # slant, thickness


def model_config(recipe: Recipe, name: str, data: TrainingData) -> dict[str, Any]:
    """The configuration that a model of this recipe and these data carries in its file."""
    network = {
        **recipe.network,
        "in_channels": 1,
        "n_classes": len(data.source.class_names),
    }
    if recipe.styles:
        slant, thickness = data.style
        network["styles"] = {"slant": _moments(slant), "thickness": _moments(thickness)}
    prediction = dict(recipe.prediction)
    if prediction.get("name") == "edm":
        prediction = {**data.moments(), **prediction}
    return {
        "network": network,
        "schedule": dict(recipe.schedule),
        "prediction": prediction,
        "sampling": dict(recipe.sampling),
        "image_size": list(data.source.images.shape[1:]),
        "class_names": list(data.source.class_names),
        "training": {"recipe": name, "data": data.description},
    }


def _moments(values: np.ndarray) -> list[float]:
    return [round(float(values.mean()), 3), max(round(float(values.std()), 3), 1e-3)]


class Batches:
    """The run's endless sequence of images: one shuffled pass after another, in equal batches."""

    def __init__(
        self, data: LabelledImages, conditions: Tensor, batch_size: int, key: tuple
    ) -> None:
        self.data, self.conditions, self.batch_size, self.key = data, conditions, batch_size, key
        self._orders: dict[int, Tensor] = {}

    def __getitem__(self, step: int) -> tuple[Tensor, Tensor]:
        """Batch number `step`, whatever came before: (float32 (B, 1, H, W), conditions of B)."""
        places = torch.arange(step * self.batch_size, (step + 1) * self.batch_size)
        n = len(self.data)
        epochs = places // n
        indices = torch.empty_like(places)
        for epoch in epochs.unique().tolist():
            within = epochs == epoch
            indices[within] = self._order(epoch)[places[within] % n]
        return to_tensor(self.data.images[indices.numpy()]), self.conditions[indices]

    def _order(self, epoch: int) -> Tensor:
        if epoch not in self._orders:
            shuffled = torch.randperm(len(self.data), generator=stream(*self.key, epoch))
            self._orders = {epoch: shuffled}  # the last alone: a pass is never gone back to
        return self._orders[epoch]
