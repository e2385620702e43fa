"""Nothing in inkseed draws from, or reseeds, the global random state of torch, numpy or Python."""

import random
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

import inkseed
from inkseed.data import create_mnist_dataloaders, split_mnist
from inkseed.data.pairs import Hands, compose_pairs
from inkseed.evaluation.usefulness import read_right
from inkseed.judges import JudgeA, JudgeB
from inkseed.judges.fit import Course, fit_classifier
from inkseed.judges.networks import PlainNet
from inkseed.judges.teach import Lesson
from inkseed.model.request import Request
from inkseed.model.sampling import SamplingOptions
from inkseed.noise import SEARCH, strategies
from inkseed.training.loop import train
from inkseed.training.recipes import Recipe
from inkseed.writing.screening import sample_screened


def _draw(model: inkseed.Model, strategy: str) -> None:
    searches = strategies()[strategy].kind == SEARCH
    model.sample([1, 2], noise=strategy, candidates=2 if searches else None, steps=2)


def _train(model: inkseed.Model) -> None:
    network = {"name": "patch_unet", "widths": [16, 64]}
    levels = {"name": "variance_exploding", "sigma_max": 20.0, "sigma_min": 0.02}
    sampling = {"sampler": "ddim", "steps": 2}
    recipe = Recipe(network, levels, {"name": "edm"}, 1, 32, 1e-3, 0.1, sampling, images=64)
    with tempfile.TemporaryDirectory() as folder:
        train(recipe, "tiny", Path(folder) / "run")


def _teach(model: inkseed.Model) -> None:
    few = split_mnist().part_a.subset(np.arange(256))
    read_right(fit_classifier(PlainNet, few, Course(2), 0, Lesson()), few)


USES: dict[str, Callable[[inkseed.Model], object]] = {
    "load": lambda model: inkseed.load("digits"),
    "judge A": lambda model: JudgeA(),
    "judge B": lambda model: JudgeB(),
    "write": lambda model: inkseed.write("12", model=model, check=True, steps=2),
    "screening": lambda model: sample_screened(
        model, Request([1, 2], sampling=SamplingOptions(steps=2))
    ),
    "data loaders": lambda model: [next(iter(each)) for each in create_mnist_dataloaders(64)],
    "pairs": lambda model: compose_pairs(Hands(split_mnist().validation), np.array([7, 42]), 0),
    "a classifier": _teach,
    "training": _train,
    **{
        f"noise {name}": lambda model, name=name: _draw(model, name)  # type: ignore[misc]
        for name in strategies()
    },
}


@pytest.fixture(scope="module")
def digits() -> inkseed.Model:
    return inkseed.load("digits")


@pytest.mark.parametrize("use", USES)
def test_the_global_random_state_is_left_alone(use, digits):
    before = torch.get_rng_state(), np.random.get_state(), random.getstate()
    USES[use](digits)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert all(np.array_equal(a, b) for a, b in zip(np.random.get_state(), before[1], strict=True))
    assert random.getstate() == before[2]
