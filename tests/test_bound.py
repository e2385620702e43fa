"""Requests as values, runs in the hand, and images drawn again from the streams they came from."""

import json
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest
import torch

import inkseed as package
from inkseed.diffusion.counter import Counter
from inkseed.errors import InkseedError
from inkseed.model.model import Model
from inkseed.model.redraw import sample_confident
from inkseed.model.request import MOST_CANDIDATES, Request
from inkseed.model.sampling import SamplingOptions
from inkseed.noise import Streams, available

LABELS = np.arange(6)
QUICK = SamplingOptions(0.0, "dpm_solver_sde", 3)
NOT_ONE_STREAMS = {
    *("antithetic", "k_antithetic", "sobol", "truncated", "spectral"),
    *("zero_order", "fk_steering", "optim_stability", "optim_judge"),
}


@pytest.fixture(scope="module")
def model(tiny_model) -> Model:
    return package.load(tiny_model)


def far(a: np.ndarray, b: np.ndarray) -> int:
    return int(abs(a.astype(int) - b).max())


@pytest.mark.parametrize("name", available())
def test_an_images_stream_draws_it_again(model, name):
    request = Request(LABELS, 3, QUICK, noise=name, first=10)
    try:
        drawn = model.sample_request(replace(request, candidates=3))
    except InkseedError:  # not a search
        drawn = model.sample_request(request)
    if name in NOT_ONE_STREAMS:
        assert (drawn.streams == -1).all()
        with pytest.raises(InkseedError, match="strategy that it was drawn by"):
            Streams(drawn.streams)
        return
    assert drawn.streams[:, 0].tolist() == list(range(10, 16))
    again = model.sample_request(replace(request, noise=Streams(drawn.streams)))
    assert torch.equal(again.noise, drawn.noise)
    assert far(again.images, drawn.images) <= 1
    assert np.array_equal(again.streams, drawn.streams)
    alone = Request(LABELS[4:5], 3, QUICK, noise=Streams(drawn.streams[4:5]), first=14)
    assert far(model.sample_request(alone).images, drawn.images[4:5]) <= 8  # another batch's shape


@pytest.mark.parametrize("name", ["gaussian", "antithetic"])
def test_images_may_have_any_numbers(model, name):
    """Those of a set's numbers, say, which differ in length."""
    numbers = [10, 11, 15, 12, 4, 30]
    request = Request(LABELS, 3, QUICK, noise=name, first=numbers)
    drawn = model.sample_request(request)
    assert drawn.seeds[:, 1].tolist() == numbers
    for row, number in enumerate(numbers):
        alone = replace(request, labels=LABELS[row : row + 1], first=number)
        assert torch.equal(model.sample_request(alone).noise[0], drawn.noise[row])
    for wrong in ([1, 2], [1, 1, 2, 3, 4, 5], [0, 1, 2, 3, 4, 2**32], "012345"):
        with pytest.raises(InkseedError, match="first"):
            Request(LABELS, 3, QUICK, first=wrong)


@pytest.mark.parametrize("name", ["digits", "pairs"])
def test_redrawn_images_name_the_stream_that_they_came_from(name):
    model, seen = package.load(name), []

    def confidence(images, rows):
        """Of every image a little more each time it is drawn, and of the first enough."""
        seen.append(len(rows))
        return np.where(rows == 0, 1.0, len(seen) / 10)

    request = Request(LABELS[:4], 3, QUICK, first=5)
    found = sample_confident(model, request, confidence, 0.25)
    assert seen == [4, 3, 3]
    assert found.redrawn == 6
    assert found.samples.streams[0].tolist() == [5, 0]
    assert (found.samples.streams[1:, 1] == MOST_CANDIDATES + 2).all()
    again = model.sample_request(replace(request, noise=Streams(found.samples.streams)))
    assert torch.equal(again.noise, found.samples.noise)
    assert far(again.images, found.samples.images) <= 1
    assert found.samples.evaluations == 3 * (4 + 6)


def test_a_checked_set_keeps_its_streams(inkseed, tmp_path):
    out = tmp_path / "set.npz"
    asked = ("--labels", "3,8", "--count", 8, "--guide-w", -0.5, "--steps", 3, "--seed", 2)
    told = json.loads(inkseed("sample", *asked, "--out", out, "--check", "--json").out)
    assert told["redrawn"] > 0
    with np.load(out) as saved:
        streams, images = saved["streams"], saved["images"]
    assert (streams[:, 0] == np.arange(16)).all()
    assert (streams[:, 1] > MOST_CANDIDATES).any()
    model = package.load("digits")
    again = model.sample([3, 8] * 8, 2, -0.5, steps=3, noise=Streams(streams))
    assert far(again.images, images) <= 2


def test_a_run_draws_what_the_request_draws_and_counts_it(model):
    told = []
    request = Request(LABELS, 7, QUICK, trace=True)
    drawn = model.sample_request(request)
    keywords = model.sample(LABELS, 7, 0.0, "dpm_solver_sde", 3, trace=True)
    assert np.array_equal(drawn.images, keywords.images)
    with Counter() as outer:
        run = model.bind(request, told.append)
        assert run.evaluations == 0
        keys = [(k,) for k in range(6)]
        states = list(run.states(drawn.noise, keys))
        assert all(torch.equal(a.x, b) for a, b in zip(states, drawn.steps, strict=True))
        assert torch.equal(run.images(drawn.noise, keys), drawn.steps[-1])
        assert torch.equal(run.guesses(drawn.noise, keys, 1), drawn.guesses[0])
        (task,) = run.tasks()
        tries = task.tries(2)
        x = run.ddim(tries.z, 40, tries.condition)
        assert (run.undo(x, 40, tries.condition) - tries.z).square().mean() < 0.1
        assert run.evaluations == sum(told) == outer.evaluations == 6 * (3 + 3 + 1) + 12 * 80
    with pytest.raises(InkseedError, match="condition of the 12 noises"):
        run.images(tries.z, tries.keys)


def test_a_request_is_checked_once_and_stays_as_it_is():
    request = Request([3, 1], np.int64(7))
    assert (request.seed, request.labels.tolist()) == (7, [3, 1])
    with pytest.raises(FrozenInstanceError):
        request.seed = 8
    for wrong in ({"seed": -1}, {"first": 2**32 - 1}, {"candidates": 0}, {"budget": 0}):
        with pytest.raises(InkseedError, match=next(iter(wrong))):
            replace(request, **wrong)
    assert len(repr(Request(range(1000)))) < 300


@pytest.mark.parametrize("given", [[3], [[1, 2, 3]], [[0.5, 1]], [[-1, -1]], [[2**32, 0]], "no"])
def test_what_names_no_stream_is_refused(given):
    with pytest.raises(InkseedError, match="streams must be"):
        Streams(given)


def test_too_few_streams_are_refused(model):
    with pytest.raises(InkseedError, match="too few"):
        model.sample([1, 2], noise=Streams([[0, 0]]))
