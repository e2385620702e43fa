"""Threads or processes to draw with, and how they wait: python benchmarks/threads.py [--rounds 5]

Each way draws the same digits, by processes of its own that are all ready before the clock starts:
one of one thread, one of as many threads as there are cores, and as many of one thread each. The
ways take turns, first on the machine as it is, then beside one process that is never idle. Medians
of the rounds; ratios are those of the rounds, and the time is that of all threads together.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median
from typing import NamedTuple

import numpy as np

from inkseed import say
from inkseed.cli import mistakes_in_one_line
from inkseed.processes import default_workers

BATCH, STEPS = 64, 5
CORES = default_workers("cpu")
DIGITS = BATCH * CORES


class Way(NamedTuple):
    """How many processes of how many threads draw, and how threads wait for each other."""

    processes: int
    threads: int
    policy: str = "PASSIVE"


FIRST = "one thread"
WAYS = {
    FIRST: Way(1, 1),
    "{} threads, waiting in a busy loop": Way(1, CORES, "ACTIVE"),
    "{} threads, asleep while they wait": Way(1, CORES),
    "{} processes of one thread (`--workers`)": Way(CORES, 1),
}


def draw(model: str, count: int) -> None:
    """Draw once to warm up, wait to be told, draw, and print the seconds that the threads took."""
    from inkseed.model.loading import load

    loaded = load(model)
    loaded.sample(np.arange(BATCH) % 10, steps=2)
    say.out("ready")
    sys.stdin.readline()
    taken = time.process_time()
    loaded.sample(np.arange(count) % 10, steps=STEPS)
    say.out(time.process_time() - taken)


def measured(model: str, way: Way) -> tuple[float, float]:
    """(seconds, seconds of all threads) of one way, in processes of its own."""
    environment = {
        **os.environ,
        "OMP_WAIT_POLICY": way.policy,
        "OMP_NUM_THREADS": str(way.threads),
    }
    count = str(DIGITS // way.processes)
    command = [sys.executable, __file__, "--draw", count, "--model", model]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    drawing = [subprocess.Popen(command, env=environment, **pipes) for _ in range(way.processes)]
    for each in drawing:
        if each.stdout.readline() != "ready\n":
            raise SystemExit("a process that draws has failed")
    began = time.perf_counter()
    for each in drawing:
        each.stdin.write("\n")
        each.stdin.flush()
    taken = sum(float(each.communicate()[0]) for each in drawing)
    return time.perf_counter() - began, taken


@contextmanager
def neighbour(busy: bool) -> Iterator[None]:
    """A process that is never idle, for as long as this context lasts."""
    if not busy:
        yield
        return
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        yield
    finally:
        process.kill()
        process.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="digits")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--draw", type=int, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.rounds < 1:
        parser.error("--rounds must be 1 or more")
    if asked.draw:
        draw(asked.model, asked.draw)
        return
    say.out(
        f"| {DIGITS} digits by | beside | seconds | times as fast as one thread | of all threads |",
        "| --- | --- | --- | --- | --- |",
    )
    for busy, beside in ((False, "nothing of ours"), (True, "a busy process")):
        runs: dict[str, list[tuple[float, float]]] = {name: [] for name in WAYS}
        with neighbour(busy):
            for _ in range(asked.rounds):
                for name, way in WAYS.items():
                    runs[name].append(measured(asked.model, way))
        for name, found in runs.items():
            wall, taken = (median(column) for column in zip(*found, strict=True))
            faster = median(one[0] / own[0] for one, own in zip(runs[FIRST], found, strict=True))
            what = name.format(CORES)
            say.out(f"| {what} | {beside} | {wall:.1f} | {faster:.2f} | {taken:.1f} |")


if __name__ == "__main__":
    with mistakes_in_one_line():
        main()
