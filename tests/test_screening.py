"""Labelled sets that judge A has read: what it doubts is drawn again, and nothing else is."""

import json
from dataclasses import replace

import numpy as np
import pytest

from inkseed.errors import InkseedError
from inkseed.judges import JudgeA
from inkseed.model.loading import load
from inkseed.model.model import Model
from inkseed.model.redraw import ATTEMPTS
from inkseed.model.request import Request
from inkseed.model.sampling import SamplingOptions
from inkseed.writing.reading import DIGIT_CONFIDENCE
from inkseed.writing.screening import sample_screened

LABELS = np.arange(60) % 10
ROUGH = SamplingOptions(0.0, steps=3)  # so that some are doubted


@pytest.fixture(scope="module")
def digits() -> Model:
    return load("digits")


def belief(images: np.ndarray) -> np.ndarray:
    """Judge A's belief in the labels."""
    return JudgeA().probabilities(images).numpy()[np.arange(60), LABELS]


def test_what_is_doubted_alone_is_drawn_again_and_the_most_confident_stays(digits):
    request = Request(LABELS, 3, ROUGH)
    plain = digits.sample_request(request)
    before = belief(plain.images)
    doubted = before < DIGIT_CONFIDENCE
    assert 0 < doubted.sum() < 30
    spent = []
    screened = sample_screened(digits, request, spent.append)
    samples = screened.samples
    after = belief(samples.images)
    assert (samples.images[~doubted] == plain.images[~doubted]).all()
    assert (after >= before).all()
    mended = after > before
    assert (after[doubted & ~_at(screened.doubted)] >= DIGIT_CONFIDENCE).all()
    assert mended.any()
    assert (samples.images[mended] != plain.images[mended]).any((1, 2)).all()
    assert (samples.noise[mended] != plain.noise[mended]).flatten(1).any(1).all()
    assert (samples.noise[~mended] == plain.noise[~mended]).all()
    assert np.array_equal(after < DIGIT_CONFIDENCE, _at(screened.doubted))
    assert sum(spent) == ROUGH.steps * (60 + screened.redrawn)
    assert samples.nfe == -(-sum(spent) // 60)


def _at(places: np.ndarray) -> np.ndarray:
    found = np.zeros(60, bool)
    found[places] = True
    return found


@pytest.mark.parametrize(("name", "steps"), [("digits", 4), ("pairs", 3)])
def test_an_image_does_not_hang_on_the_others(name, steps):
    model, how = load(name), SamplingOptions(-0.5, steps=steps)
    slant = None if name == "pairs" else np.linspace(-10, 20, 60)
    whole = sample_screened(model, Request(LABELS, 3, how, {"slant": slant}))
    part = None if slant is None else slant[20:50]
    some = sample_screened(model, Request(LABELS[20:50], 3, how, {"slant": part}, first=20))
    assert some.redrawn > 3
    assert abs(whole.samples.images[20:50].astype(int) - some.samples.images).max() <= 1


def test_a_search_is_not_repeated(digits):
    rough = SamplingOptions(-0.5, steps=3)
    request = Request(LABELS, 3, rough, noise="best_of", candidates=2)
    plain = sample_screened(digits, request)
    searched = digits.sample_request(replace(request, candidates=12))
    same = (plain.samples.noise == searched.noise).flatten(1).all(1).numpy()
    drawn = digits.sample_request(request)
    kept = (plain.samples.noise == drawn.noise).flatten(1).all(1).numpy()
    assert not kept.all()
    assert not (same & ~kept).any()


def test_what_stays_doubted_is_told(tiny_model):
    screened = sample_screened(load(tiny_model), Request([3, 4], sampling=SamplingOptions(steps=1)))
    assert set(screened.doubted.tolist()) <= {0, 1}
    assert screened.redrawn >= ATTEMPTS * len(screened.doubted)
    with pytest.raises(InkseedError, match="trace"):
        sample_screened(load(tiny_model), Request([3], trace=True))


def test_pairs_are_read_digit_by_digit():
    screened = sample_screened(load("pairs"), Request(np.arange(100), 1, ROUGH))
    assert screened.redrawn > 0
    assert len(screened.doubted) < screened.redrawn


def test_as_typed(inkseed, tmp_path):
    out = tmp_path / "set.npz"
    asked = ("sample", "--count", 6, "--guide-w", 0, "--steps", 2, "--out", out, "--check")
    done = inkseed(*asked, "--json")
    told = json.loads(done.out)
    assert told["redrawn"] > 0
    assert len(done.err.strip().splitlines()) == 1
    with np.load(out) as saved:
        read = JudgeA().probabilities(saved["images"]).numpy()
        belief = read[np.arange(len(read)), saved["labels"]]
        assert np.flatnonzero(belief < DIGIT_CONFIDENCE).tolist() == told["doubted"]
    refused = inkseed(*asked, "--trace", tmp_path / "way.gif")
    assert (refused.status, "--trace" in refused.err) == (2, True)


def test_labels_that_no_judge_reads_are_refused_before_drawing(digits):
    digits = load("digits")
    digits.class_names = tuple("abcdefghij")
    with pytest.raises(InkseedError, match="judge A checks"):
        sample_screened(digits, Request(LABELS), pytest.fail)


def test_several_strengths_are_checked_each_by_itself(digits, inkseed, tmp_path):
    out = tmp_path / "set.npz"
    asked = ("sample", "--labels", "3,5", "--count", 9, "--seed", 1, "--steps", 2, "--check")
    told = json.loads(inkseed(*asked, "--guide-w", "0,0.5", "--out", out, "--json").out)
    asked = [Request([3, 5] * 9, 1, SamplingOptions(w, steps=2)) for w in (0.0, 0.5)]
    each = [sample_screened(digits, request) for request in asked]
    assert told["redrawn"] == sum(one.redrawn for one in each)
    assert told["doubted"] == [*each[0].doubted, *(18 + each[1].doubted)]
    with np.load(out) as saved:
        assert (saved["images"] == np.concatenate([one.samples.images for one in each])).all()


def test_a_budget_is_refused(digits):
    with pytest.raises(InkseedError, match="budget"):
        sample_screened(digits, Request([3], budget=100), pytest.fail)
