"""Bulk sampling by several processes: the bytes of one, stopped and failing in one line."""

import os
import sys
import time
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from inkseed.errors import InkseedError
from inkseed.model import slices
from inkseed.model.hand import DrawnHand, Hand
from inkseed.model.loading import load
from inkseed.model.model import Model
from inkseed.model.request import Request
from inkseed.model.samples import Samples
from inkseed.model.sampling import SamplingOptions
from inkseed.noise import Streams, available
from inkseed.processes import one_thread
from inkseed.writing.screening import joined_screened, sample_screened

from .process_groups import interrupt

COUNT = 20  # of each of ten labels: 4 batches, the last of 8
QUICK = ("--steps", 2, "--guide-w", 0)
PLACES = """
from inkseed.errors import warn
from inkseed.noise import SAME, Start, register

@register("places", SAME)
def places(task):
    warn("noise by the images' places in the request")
    keys = [(7, row) for row in task.rows]
    return Start(task.noise(keys), keys)
"""
FAILS = """
import os, signal, sys, time
from pathlib import Path
from inkseed.errors import InkseedError
from inkseed.noise import SAME, register

@register("fails", SAME)
def fails(task):
    if 100 in task.numbers:
        {}
    return task.gaussian()
"""


def same(one: Samples, other: Samples) -> bool:
    """Whether two samples agree in every field, and in the noise."""
    pairs = [(getattr(one, each.name), getattr(other, each.name)) for each in fields(Samples)]
    pairs.append((one.noise, other.noise))
    return all(
        np.array_equal(a, b) if isinstance(a, np.ndarray | torch.Tensor) else a == b
        for a, b in pairs
    )


def alone(model: Model, request: Request) -> Samples:
    """A request as one process of one thread draws it, as a whole."""
    with one_thread():
        return model.sample_request(request)


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def has_gone(group: int) -> bool:
    """Whether soon nobody of a process group is left."""
    for _ in range(600):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


def test_any_number_of_workers_writes_the_bytes_of_one(tiny_model, inkseed, forget, tmp_path):
    (tmp_path / "places.py").write_text(PLACES)
    asked = ("sample", "--model", tiny_model, "--count", COUNT, "--seed", 3, "--steps", 2)
    how = ("--guide-w", "0,0.5", "--noise", tmp_path / "places.py")
    arms = {"plain": ("--threads", 1), **{str(n): ("--workers", n) for n in (1, 2, 3)}}
    for name, arm in arms.items():
        done = inkseed(*asked, *how, *arm, "--out", tmp_path / f"{name}.npz")
        assert done.status == 0, done.err
        assert done.err == "inkseed: noise by the images' places in the request\n"
    written = {(tmp_path / f"{name}.npz").read_bytes() for name in arms}
    assert len(written) == 1
    with np.load(tmp_path / "2.npz") as saved:
        assert saved["images"].shape == (2 * 10 * COUNT, 28, 28)
        assert saved["streams"][:200].tolist() == [[7, row] for row in range(200)]


def test_hands_styles_noise_and_numbers_go_to_the_images_they_are_for():
    model, count = load("digits-fast"), 130
    rng = np.random.default_rng(1)
    hand = Hand(rng.integers(0, 2, (3, 28, 28), np.uint8) * 100)
    request = Request(
        np.arange(count) % 10,
        seed=5,
        sampling=SamplingOptions(0.0, steps=1),
        style={"slant": np.linspace(-10, 20, count), "thickness": 2.5},
        noise=torch.from_numpy(rng.normal(size=(count, 1, 28, 28)).astype(np.float32)),
        first=tuple(range(3 * count, 0, -3)),
        hand=[hand if k % 3 else DrawnHand(9, k) if k % 2 else None for k in range(count)],
    )
    told: list[int] = []
    found = slices.sample_in_processes(model, request, 2, told.append)
    assert same(found, alone(model, request))
    assert sum(told) == found.evaluations == count


def test_what_judge_a_redraws_does_not_hang_on_the_workers(inkseed, tmp_path):
    asked = ("sample", "--model", "digits-fast", "--count", 13, "--steps", 1, "--guide-w", 0)
    told = [
        inkseed(*asked, "--check", "--json", "--workers", n, "--out", tmp_path / f"{n}.npz").out
        for n in (1, 2)
    ]
    assert told[1].replace("2.npz", "1.npz") == told[0]
    assert '"redrawn": 0' not in told[0]
    assert (tmp_path / "1.npz").read_bytes() == (tmp_path / "2.npz").read_bytes()


def test_screened_slices_say_what_is_doubted_of_the_whole(tiny_model):
    model = load(tiny_model)
    request = Request(range(10), sampling=SamplingOptions(0.0, steps=1), batch_size=4)
    parts = [sample_screened(model, each) for each in slices.slices_of(request, model)]
    found = joined_screened(request, parts)
    assert found.redrawn == sum(each.redrawn for each in parts) > 0
    places = [k + row for k, each in zip((0, 4, 8), parts, strict=True) for row in each.doubted]
    assert found.doubted.tolist() == places
    assert len(found.samples.labels) == 10


@pytest.mark.parametrize("noise", available())
def test_slices_of_any_strategy_are_those_of_the_whole(tiny_model, noise):
    model = load(tiny_model)
    how = SamplingOptions(0.0, "ancestral", 2)
    request = Request([k % 10 for k in range(11)], 2, how, noise=noise, first=3, batch_size=4)
    try:
        request = replace(request, candidates=2)
        model.bind(request)
    except InkseedError:  # it does not search
        request = replace(request, candidates=None)
    whole = alone(model, request)
    parts = slices.slices_of(request, model)
    assert list(map(len, parts)) == [4, 4, 3]
    with one_thread():
        assert same(slices.joined(request, list(map(model.sample_request, parts))), whole)


def test_slices_are_whole_batches_and_depend_on_the_request_alone(tiny_model):
    model = load(tiny_model)
    for count, sizes in ((1, {1}), (64, {64}), (130, {64, 2}), (64 * 200, {192, 128})):
        parts = slices.slices_of(Request(np.zeros(count, int)), model)
        assert set(map(len, parts)) == sizes
        assert [each.begin for each in parts] == [*range(0, count, max(sizes))]
        assert sum(map(len, parts)) == count


@pytest.mark.parametrize(
    ("happens", "says"),
    [
        ("raise InkseedError('no noise for image 100')", "inkseed: no noise for image 100\n"),
        (
            "os.kill(os.getpid(), signal.SIGKILL)",
            "inkseed: a worker was killed by signal 9, perhaps for want of memory: give fewer"
            " --workers, or type the same command again\n",
        ),
        pytest.param(
            "raise MemoryError",
            "inkseed: out of memory: ask for smaller batches, images or networks\n",
            marks=pytest.mark.slow,
        ),
    ],
    ids=("a mistake", "a kill", "no memory"),
)
def test_what_happens_to_a_worker_is_one_line(tiny_model, inkseed, forget, tmp_path, happens, says):
    (tmp_path / "fails.py").write_text(FAILS.format(happens))
    asked = ("sample", "--model", tiny_model, "--count", COUNT, *QUICK)
    out = ("--noise", tmp_path / "fails.py", "--workers", 2, "--out", tmp_path / "x.npz")
    done = inkseed(*asked, *out)
    assert (done.status, done.out, done.err) == (2, "", says)
    assert names_in(tmp_path) == ["fails.py"]


def test_ctrl_c_stops_all_workers_in_one_line(tiny_model, tmp_path):
    waits = "Path('here').touch(); time.sleep(600)"
    (tmp_path / "fails.py").write_text(FAILS.format(waits))
    words = ["sample", "--model", tiny_model, "--count", COUNT, *QUICK, "--noise", "fails.py"]
    asked = [sys.executable, "-m", "inkseed", *map(str, words), "--workers", "2", "--out", "x"]
    group = interrupt(asked, (tmp_path / "here").exists, 60, tmp_path)
    assert names_in(tmp_path) == ["fails.py", "here"]
    assert has_gone(group)


def test_many_images_are_drawn_by_a_worker_per_core(tiny_model, inkseed, tmp_path, monkeypatch):
    asked = ("sample", "--model", tiny_model, "--count", 2, "--steps", 2)
    used: list[int | None] = []
    whole = slices.draw_in_slices

    def spied(model, requests, workers, *more):
        used.append(workers)
        return whole(model, requests, 1, *more)

    def drawn(*more: object) -> list[int | None]:
        used.clear()
        assert inkseed(*asked, "--out", tmp_path / "x.npz", *more).status == 0
        return list(used)

    monkeypatch.setattr(slices, "draw_in_slices", spied)
    monkeypatch.setattr("inkseed.processes.default_workers", lambda device: 3)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    assert drawn() == []
    monkeypatch.setattr(slices, "WORTH_WORKERS", 10)
    assert drawn() == [2]
    assert drawn("--threads", 1) == drawn("--trace", tmp_path / "way.gif") == []


def test_a_network_of_report_is_worth_workers_sooner_than_that_of_digits():
    report, digits = load("report"), load("digits")
    assert not slices.worth_workers(digits, 20_000)
    assert slices.worth_workers(digits, 60_000)
    assert slices.worth_workers(report, 20_000)


@pytest.mark.parametrize(
    ("more", "word"),
    [(("--trace", "way.gif"), "--trace"), (("--threads", 2), "--threads"), (("--compile",), "--c")],
)
def test_options_that_do_not_go_with_workers_are_refused(inkseed, tmp_path, more, word):
    done = inkseed("sample", "--workers", 2, *more, "--out", tmp_path / "x.npz")
    assert (done.status, len(done.err.splitlines())) == (2, 1)
    assert word in done.err
    assert "--workers" in done.err


def test_what_only_one_process_can_draw_is_refused(tiny_model):
    model, many = load(tiny_model), Request(np.zeros(200, int))
    own = load(tiny_model)
    own.denoiser = lambda x, t, condition: x
    unsaved = Model(model.network, model.config, model.device)
    refused = {
        "denoiser of your own": (own, many),
        "save it": (unsaved, many),
        "trace": (model, replace(many, trace=True)),
        "function of your own": (model, replace(many, noise=lambda task: task.gaussian())),
        "guide_w": (model, replace(many, sampling=SamplingOptions(1000.0))),
        "200x1x28x28": (model, replace(many, noise=torch.zeros(201, 1, 28, 28))),
        "workers must be": (model, many, 0),
    }
    for word, (drawing, request, *workers) in refused.items():
        with pytest.raises(InkseedError, match=word):
            slices.sample_in_processes(drawing, request, *(workers or [2]))


def test_streams_are_named_for_the_whole_request(tiny_model):
    model, labels = load(tiny_model), [k % 10 for k in range(11)]
    streams = Streams([(k, 5) for k in range(11)])
    request = Request(labels, sampling=SamplingOptions(steps=2), noise=streams, batch_size=4)
    parts = list(map(model.sample_request, slices.slices_of(request, model)))
    assert slices.joined(request, parts).streams.tolist() == [[k, 5] for k in range(11)]
