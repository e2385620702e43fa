"""What is kept of MNIST's images with judge B is what evaluation would find now."""

import numpy as np
import pytest
import torch

from inkseed.checkpoint import load_tensors
from inkseed.data import join, load_mnist, split_mnist
from inkseed.evaluation import kept
from inkseed.evaluation.kept import distance_to, features_of
from inkseed.evaluation.measure import pixels
from inkseed.evaluation.neighbours import nearest
from inkseed.judges import JudgeB


class Blind(JudgeB):
    """Judge B, who must not be asked."""

    def read(self, images, tell=lambda _: None):
        raise AssertionError("these images have been read before")


@pytest.mark.parametrize("part", [0, 1])
def test_features_are_judge_bs(part):
    images, told = split_mnist()[part].images, []
    found = features_of(Blind(), images, told.append)
    assert sum(told) == len(images)
    few = np.arange(0, len(images), 200)
    assert torch.allclose(found[few], JudgeB().read(images[few])[1], rtol=2e-3, atol=2e-3)


@pytest.mark.parametrize("held_out", ["validation", "test"])
def test_the_nearest_training_images_are_the_nearest(held_out):
    split = split_mnist()
    source = split.validation if held_out == "validation" else load_mnist(train=False)
    training = pixels(join([split.part_a, split.part_b]).images)
    found = distance_to(training, source.images, pixels(source.images))
    few = np.arange(0, len(source), 250)
    assert torch.allclose(found[few], nearest(pixels(source.images[few]), training)[0])


def test_other_images_and_other_judges_are_read(tmp_path, monkeypatch):
    images = split_mnist().validation.images[:8]
    assert torch.equal(features_of(JudgeB(), images), JudgeB().read(images)[1])
    other = JudgeB()
    other.sha256 = "another's"
    monkeypatch.setattr(other, "read", lambda images, tell: (None, "read"))
    assert features_of(other, split_mnist().part_a.images) == "read"
    monkeypatch.setattr(kept, "KEPT", tmp_path / "missing.safetensors")
    training, x = torch.randn(20, 5), torch.randn(8, 5)
    assert torch.equal(distance_to(training, images, x), nearest(x, training)[0])


def test_the_file_is_about_todays_judge():
    tensors, about = load_tensors(kept.KEPT)
    assert about["judge_sha256"] == JudgeB().sha256
    assert about["training"] == 50_046
    assert len(tensors) == 4
