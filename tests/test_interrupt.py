"""Ctrl-C, SIGTERM and SIGHUP: never swallowed, never a traceback, at any moment."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from inkseed.interrupt import Stopped, deferred, raised, to_be_left_in_order
from inkseed.leaving import SIGNALS, status_of

LINE = "inkseed: stopped; no half-written file is left"
# What a library may do with an exception that comes while it is imported.
GREEDY = """
import signal
try:
    signal.raise_signal(signal.{name})
    import json.tool
except BaseException:
    pass
"""
IMPORTING = """
from inkseed.leaving import leave_at_once
leave_at_once()
import inkseed.cli as cli
cli.typer.main.get_group = lambda app: __import__("greedy")
cli.main(["models"])
print("went on")
"""
EARLY = """
from inkseed.leaving import leave_at_once
leave_at_once()
import greedy
print("went on")
"""


@pytest.fixture(params=[each.name for each in map(signal.Signals, SIGNALS)])
def name(request) -> str:
    return request.param


def caught(number: int) -> bool:
    return signal.getsignal(number) not in (signal.SIG_DFL, signal.SIG_IGN)


def wait() -> None:
    """As long as a signal that was sent again may take, and longer."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        time.sleep(0.01)


def test_a_signal_raises(name):
    number = signal.Signals[name]
    before = signal.getsignal(number)
    with pytest.raises(Stopped) as stopped, raised() as came:
        signal.raise_signal(number)
    assert stopped.value.number == came() == number
    assert signal.getsignal(number) is before


def test_what_is_ignored_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as under nohup
    try:
        with raised() as came, deferred() as waiting:
            signal.raise_signal(signal.SIGHUP)
        assert came() is None
        assert not waiting()
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_deferred_signal_comes_at_the_end(name):
    number, reached = signal.Signals[name], []

    def work(came):
        signal.raise_signal(number)
        signal.raise_signal(number)
        reached.append(came())

    with pytest.raises(Stopped), raised(), deferred() as came:
        work(came)
    assert reached == [True]


def test_a_second_signal_may_insist():
    reached = []

    def work():
        signal.raise_signal(signal.SIGTERM)
        reached.append(1)
        signal.raise_signal(signal.SIGINT)
        reached.append(2)

    with pytest.raises(Stopped) as stopped, raised(), deferred(insisting=True):
        work()
    assert reached == [1]
    assert stopped.value.number == signal.SIGINT


def test_one_that_is_lost_in_a_destructor_comes_again():
    class Careless:
        def __del__(self):
            signal.raise_signal(signal.SIGTERM)

    def work():
        careless = Careless()
        del careless
        wait()

    with pytest.raises(Stopped), raised():
        work()


def test_one_that_comes_in_an_import_waits_for_its_end(tmp_path, monkeypatch):
    (tmp_path / "greedy_here.py").write_text(GREEDY.format(name="SIGTERM"))
    monkeypatch.syspath_prepend(str(tmp_path))
    imported = []

    def work():
        import greedy_here

        imported.append(greedy_here)
        wait()

    with pytest.raises(Stopped), raised(), to_be_left_in_order():
        work()
    assert imported
    assert "json.tool" in sys.modules


@pytest.mark.parametrize("program", [EARLY, IMPORTING])
def test_in_an_import_with_nothing_open_it_ends_the_process(tmp_path, name, program):
    (tmp_path / "greedy.py").write_text(GREEDY.format(name=name))
    source = Path(__file__).parents[1] / "src"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": f"{source}{os.pathsep}{tmp_path}"},
        capture_output=True,
        text=True,
    )
    number = signal.Signals[name]
    assert (done.returncode, done.stdout, done.stderr) == (status_of(number), "", f"{LINE}\n")


def test_a_signal_ends_a_command_in_one_line(inkseed, tiny_model, tmp_path, monkeypatch, name):
    number = signal.Signals[name]
    saved = []

    def save(*_arguments, **_options):
        saved.append(1)
        if len(saved) == 5:  # in the middle of a set
            signal.raise_signal(number)

    monkeypatch.setattr("PIL.Image.Image.save", save)
    asked = ("sample", "--count", 1, "--model", tiny_model, "--out", tmp_path / "set")
    stopped = inkseed(*asked)
    assert (stopped.status, stopped.out, stopped.err.strip()) == (status_of(number), "", LINE)
    assert list(tmp_path.iterdir()) == []
    assert not caught(signal.SIGTERM)


def test_whatever_fails_after_a_signal_is_its_doing(inkseed, tiny_model, tmp_path, monkeypatch):
    """As where the other processes of a run have left, or the terminal has gone."""

    def fail(*_):
        try:
            signal.raise_signal(signal.SIGTERM)
        except Stopped:
            raise RuntimeError("connection closed by peer") from None

    monkeypatch.setattr("inkseed.model.drawing.to_uint8", fail)
    stopped = inkseed("sample", "--model", tiny_model, "--out", tmp_path / "n.png")
    assert (stopped.status, stopped.err.strip()) == (143, LINE)


def test_the_launchers_begin_with_what_takes_no_time():
    """Until the first handler is there, Ctrl-C is Python's own: so little may come before it."""
    probe = (
        "import sys; before = set(sys.modules); import inkseed.__main__\n"
        "print(*sorted(set(sys.modules) - before))"
    )
    told = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True)
    assert told.stdout.split() == ["inkseed", "inkseed.__main__", "inkseed.leaving"]
