"""The order of a run's images, and the averages of its weights."""

import dataclasses

import numpy as np
import pytest
import torch

from inkseed.data import load_mnist
from inkseed.training.batches import Batches, Examples
from inkseed.training.ema import WeightAverages


def test_an_average_is_the_recursion_of_its_decay():
    weights = {"w": torch.tensor([1.0]), "n": torch.tensor([1])}
    averages = WeightAverages([0.5], weights)
    expected = 1.0
    for step in range(20):
        weights = {"w": torch.tensor([float(step)]), "n": torch.tensor([step])}
        averages.update(step, weights)
        kept = min(0.5, (1 + step) / (10 + step))
        expected = kept * expected + (1 - kept) * step
    assert float(averages.averages[0.5]["w"]) == pytest.approx(expected)
    assert int(averages.averages[0.5]["n"]) == 19


def test_batches_take_every_image_once_a_pass_and_know_no_past():
    digits = load_mnist(train=True).subset(np.arange(10))
    examples = Examples(dataclasses.replace(digits, labels=np.arange(10)))

    def batches(size):
        return Batches(lambda _: examples, False, size, (0, 1))

    four = batches(4)
    seen = torch.cat([four[step][1].label for step in range(5)])
    assert sorted(seen[:10].tolist()) == sorted(seen[10:].tolist()) == [*range(10)]
    assert seen[:10].tolist() != seen[10:].tolist()
    assert torch.equal(batches(4)[3][1].label, four[3][1].label)
    whole = batches(25)[0][1].label  # a batch larger than the data
    assert whole.bincount().tolist().count(0) == 0
