"""Hands by the bundled `digits`: found again in what is drawn, and, where drawn, nobody's."""

import numpy as np
import pytest
import torch
from PIL import Image

from inkseed.data import LabelledImages, join, read_digits, split_mnist
from inkseed.data.style import measure_style
from inkseed.judges import JudgeA
from inkseed.model.catalogue import models_of_hands
from inkseed.model.hand import DrawnHand, Hand, tell_hands
from inkseed.model.loading import load
from inkseed.model.model import Model
from inkseed.writing.number import write

from .test_pictures_read import photographed, sheet_of

pytestmark = pytest.mark.skipif(
    "digits" not in models_of_hands(), reason="the bundled digits know no hand yet"
)
DIGITS = 10


@pytest.fixture(scope="module")
def digits() -> Model:
    return load("digits")


def of_each(source: LabelledImages, count: int | None = None) -> list[Hand]:
    """A hand of each writer, of `count` digits or all."""
    assert source.writers is not None
    of = [source.images[source.writers == each] for each in np.unique(source.writers)]
    return [Hand(images[:count]) for images in of]


def test_a_writers_weight_and_lean_are_found_again_and_vary_as_the_writers_do(digits):
    hands = of_each(split_mnist().validation, DIGITS)[::8]
    each = [hand for hand in hands for _ in range(DIGITS)]
    labels = np.tile(np.arange(DIGITS), len(hands))
    drawn = digits.sample(labels, 3, hand=each).images
    given = np.concatenate([hand.images for hand in hands])
    assert (JudgeA().digits(drawn) == labels).mean() > 0.97
    for ours, real in zip(measure_style(drawn), measure_style(given), strict=True):
        ours, real = ours.reshape(-1, DIGITS), real.reshape(-1, DIGITS)
        # ten digits of twelve writers: even real ones differ from set to set
        assert np.corrcoef(ours.mean(1), real.mean(1))[0, 1] > 0.75
        assert 0.7 < ours.std(1).mean() / real.std(1).mean() < 1.3


def test_a_photographed_hand_is_its_writers_own(digits, tmp_path):
    hands = of_each(split_mnist().validation, 20)[::9]
    read = []
    for k, hand in enumerate(hands):
        sheet = photographed(sheet_of(hand.images, 5, 120, 110))
        Image.fromarray(sheet).save(tmp_path / f"{k}.png")
        read.append(digits.hand_of(read_digits(tmp_path / f"{k}.png").images))
    theirs, ours = (tell_hands(digits.network, each)[:, :-1] for each in (hands, read))
    apart = torch.cdist(ours, theirs)
    assert (apart.argmin(1) == torch.arange(len(hands))).all()
    assert apart.diagonal().mean() < 0.5 * apart.mean()


def test_a_drawn_hand_is_no_writers(digits):
    """Strangers' hands are as far from training's writers as hands can be without looking."""
    split = split_mnist()
    known, strangers, drawn = (
        tell_hands(digits.network, hands)[:, :-1]
        for hands in (
            of_each(join([split.part_a, split.part_b])),
            of_each(split.validation, DIGITS),
            [DrawnHand(0, k) for k in range(1000)],
        )
    )
    far, ours = (torch.cdist(each, known).min(1).values for each in (strangers, drawn))
    for quantile in (0.05, 0.5):
        assert ours.quantile(quantile) > 0.95 * far.quantile(quantile)


def test_the_digits_of_a_number_go_together(digits):
    numbers = [write("0123456789", seed, model=digits) for seed in range(4)]
    thickness = np.stack([measure_style(each.samples.images)[1] for each in numbers])
    apart = digits.sample(np.tile(np.arange(10), 4), 3).images
    free = measure_style(apart)[1].reshape(4, 10)
    assert thickness.std(1).mean() < 0.8 * free.std(1).mean()
    assert len({each.hand for each in numbers}) == 4
