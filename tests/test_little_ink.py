"""No image without a digit's ink is read as right, in `evaluate` or in the study."""

import json

import numpy as np
import pytest

from inkseed.data import LabelledImages, split_mnist
from inkseed.data.least_ink import NOTHING
from inkseed.evaluation import EvaluatedSet, evaluate
from inkseed.evaluation.reference import Reference
from inkseed.study.ruler import Ruler

BLANK = 6  # images of the one class that is left white


@pytest.fixture(scope="module")
def spoilt() -> LabelledImages:
    """60 digits, 6 a class, of which the 1s are paper: judge B alone reads those as 1."""
    validation = split_mnist().validation
    rows = np.concatenate([np.flatnonzero(validation.labels == digit)[:6] for digit in range(10)])
    source = validation.subset(rows)
    images = np.where((source.labels == 1)[:, None, None], 0, source.images).astype(np.uint8)
    return LabelledImages(images, source.labels, source.class_names)


def test_paper_is_not_a_1(ready, spoilt):
    found = evaluate([EvaluatedSet(spoilt)]).sets[0]
    ones = spoilt.labels == 1
    assert found.metrics["accuracy"].value == pytest.approx(0.9, abs=0.02)
    assert found.per_class()["1"]["accuracy"] == 0
    assert (found.measured.probability[ones] == 0).all()
    assert (found.measured.probability[~ones] > 0.5).mean() > 0.95
    table = found.confusion()
    assert table.shape == (10, 11)
    assert table[1].tolist() == [0] * 10 + [BLANK]
    assert table[:, -1].sum() == BLANK
    assert table.sum() == len(spoilt)
    line = f"{BLANK} images have too little ink to be a digit, and count as wrong"
    assert line in found.notes


def test_the_command_line_and_the_page_say_so(ready, spoilt, inkseed, tmp_path):
    path, page = tmp_path / "set.npz", tmp_path / "page.html"
    np.savez(path, images=spoilt.images, labels=spoilt.labels)
    found = json.loads(inkseed("evaluate", path, "--out", page, "--json").out)
    assert found["metrics"]["accuracy"]["value"] == pytest.approx(0.9, abs=0.02)
    assert found["confusion"][1][10] == BLANK
    assert any("too little ink" in note for note in found["notes"])
    text = page.read_text("utf-8")
    assert "too little ink" in text
    assert "<th>nothing</th>" in text
    assert text.count("1 read as nothing") == BLANK


def test_the_study_reads_nothing_on_paper(spoilt):
    ruler, ones = Ruler(spoilt.labels, Reference.shared()), spoilt.labels == 1
    found = ruler.measure(spoilt.images)
    assert not found.right[ones].any()
    assert (found.read[ones] == NOTHING).all()
    assert (found.probability[ones] == 0).all()
    assert found.values["accuracy"] == found.right.mean() == pytest.approx(0.9, abs=0.02)
    probability, right = ruler.read(spoilt.images, spoilt.labels)
    assert (probability == found.probability).all()
    assert (right == found.right).all()


@pytest.mark.parametrize("times", [1, 2])
def test_ink_is_measured_at_the_judges_size(spoilt, times):
    images = np.kron(spoilt.images, np.ones((1, times, times), np.uint8))
    read = Reference.shared().judged(images).digits
    assert ((read == NOTHING) == (spoilt.labels == 1)).all()


def test_every_real_digit_has_enough_ink_to_be_read(real_digits):
    judged = real_digits.held_out_judged
    assert (judged.digits == judged.probabilities.argmax(1)).all()
    assert (judged.digits == real_digits.held_out.labels).mean() >= 0.993
