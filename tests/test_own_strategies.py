"""Noise strategies of a user's own: functions, classes, files, installed packages."""

import math

import pytest
import torch

from inkseed.errors import InkseedError
from inkseed.model.model import Model
from inkseed.noise import (
    CHANGED,
    Start,
    available,
    find_strategy,
    register,
    strategies,
)
from inkseed.noise.same import KAntithetic
from tests.noise_tasks import counting, small


@pytest.fixture(scope="module")
def model(tiny_model) -> Model:
    return small(tiny_model)


def test_a_function_or_a_class_of_ones_own_works_by_name_and_by_hand(model, forget):
    @register("still", CHANGED)
    def still(task):
        """No noise at all."""
        return torch.zeros(len(task), *task.shape)

    @register("halved", CHANGED)
    class Halved:
        """Half the noise."""

        def __call__(self, task):
            return task.gaussian() / 2

    assert model.sample([1], noise="still", steps=2).noise.abs().sum() == 0
    plain = model.sample([1], steps=2).noise
    assert torch.equal(model.sample([1], noise="halved", steps=2).noise, plain / 2)
    assert torch.equal(model.sample([1], noise=Halved(), steps=2).noise, plain / 2)
    assert find_strategy("still").summary == "No noise at all."
    with pytest.raises(InkseedError, match="take another name"):
        register("gaussian")(still)
    with pytest.raises(InkseedError, match="kind is one of"):
        register("other", "better")
    with pytest.raises(InkseedError, match="a-z"):
        register("gaussian, more steps")


def test_a_strategy_is_stopped_before_the_network_runs_past_its_budget(tiny_model):
    model = small(tiny_model)
    counted = counting(model)

    def greedy(task):
        for _ in range(1000):
            task.sampler.images(task.gaussian(), task.keys)
        return task.gaussian()

    with pytest.raises(InkseedError, match="budget"):
        model.sample([1, 2], 0, 0.0, "ddim", 4, noise=greedy, budget=30)
    assert counted[0] <= 2 * 30


@pytest.mark.parametrize(
    ("gives", "words"),
    [
        (lambda task: None, "must return"),
        (lambda task: torch.zeros(1), "must return"),
        (lambda task: "noise", "must return"),
        (lambda task: task.gaussian() * math.nan, "must return"),
        (lambda task: task.gaussian() + 0j, "must return"),
        (lambda task: Start(task.gaussian(), x=torch.zeros(2)), "must return"),
        (lambda task: Start(task.gaussian(), [(0,)]), "keys"),
        (lambda task: Start(task.gaussian(), [0, 1]), "keys"),
        (lambda task: Start(task.gaussian(), [(0,), (-1,)]), "keys"),
        (lambda task: 1 / 0, "failed: ZeroDivisionError"),
        (lambda task: task.tries().best([1.0]), "give one score for each"),
        (lambda task: task.sampler.guesses(task.gaussian(), task.keys, 0), "step"),
        (KAntithetic(3), None),
        (KAntithetic, None),
    ],
)
def test_a_strategy_that_gives_no_noise_is_told_so(model, gives, words):
    if words is None:
        assert model.sample([1, 2], noise=gives, steps=2).nfe > 0
        return
    with pytest.raises(InkseedError, match=words):
        model.sample([1, 2], noise=gives, steps=2)


def test_a_file_of_ones_own_works_as_typed(inkseed, tiny_model, tmp_path, forget):
    own = tmp_path / "mine.py"
    own.write_text(
        "from inkseed.noise import register\n\n\n@register('mine', 'changed distribution, no extra"
        " cost')\ndef mine(task):\n    return task.gaussian() * 0.5\n"
    )
    out = tmp_path / "n.png"
    command = ("write", "07", "--model", tiny_model, "--out", out)
    assert inkseed(*command, "--noise", own).status == 0
    assert inkseed(*command, "--noise", own).status == 0  # again, in the same process
    assert inkseed(*command, "--noise", "mine").status == 0
    own.write_text("raise SystemExit")
    assert "SystemExit" in inkseed(*command, "--noise", own).err
    own.write_text("1 / 0")
    failed = inkseed(*command, "--noise", own)
    assert failed.status == 2
    assert "ZeroDivisionError" in failed.err
    own.write_text("pass")
    assert "registers no noise strategy" in inkseed(*command, "--noise", own).err
    assert "no such file" in inkseed(*command, "--noise", tmp_path / "other.py").err


def test_an_installed_packages_strategy_is_found(model, monkeypatch, forget):
    class Entry:
        def __init__(self, name, load):
            self.name, self.load = name, load

    def registers_itself():
        return register("honest", CHANGED)(lambda task: Start(task.gaussian()))

    def broken():
        raise ImportError("no such module")

    entries = [
        Entry("plain", lambda: lambda task: task.gaussian()),
        Entry("honest", registers_itself),
        Entry("broken", broken),
    ]
    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: entries)
    assert {"plain", "honest", "broken"} <= set(available())
    assert model.sample([1], noise="honest", steps=2).nfe > 0
    assert find_strategy("honest").kind == CHANGED
    with pytest.raises(InkseedError, match=r"'plain' does not register itself.*noise.register"):
        find_strategy("plain")
    for ask in (lambda: find_strategy("broken"), lambda: strategies()["broken"]):
        with pytest.raises(InkseedError, match="installed"):
            ask()
