"""How many threads to draw with, and how they wait: python benchmarks/threads.py [--rounds 5]

Each arm is a process of its own that draws the same digits; the arms take turns, first on the
machine as it is, then beside one process that is never idle. Medians of the rounds, and the time of
all threads together.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median

import numpy as np

from inkseed import say
from inkseed.cli import mistakes_in_one_line

DIGITS, STEPS = 64, 5
ARMS = {
    "one thread": (1, "PASSIVE"),
    "all, waiting in a busy loop": (None, "ACTIVE"),
    "all, asleep while they wait (the default)": (None, "PASSIVE"),
}


def draw(model: str) -> None:
    """Draw once to warm up, then print the seconds that pass and those that the threads take."""
    from inkseed.model.loading import load

    loaded, labels = load(model), np.arange(DIGITS) % 10
    loaded.sample(labels, steps=2)
    began, taken = time.perf_counter(), time.process_time()
    loaded.sample(labels, steps=STEPS)
    say.out(f"{time.perf_counter() - began} {time.process_time() - taken}")


def measured(model: str, threads: int | None, policy: str) -> tuple[float, float]:
    """(seconds, seconds of all threads) of one arm, in a process of its own."""
    environment = {**os.environ, "OMP_WAIT_POLICY": policy}
    environment.pop("OMP_NUM_THREADS", None)
    if threads is not None:
        environment["OMP_NUM_THREADS"] = str(threads)
    command = [sys.executable, __file__, "--draw", model]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    wall, taken = map(float, done.stdout.split())
    return wall, taken


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
    parser.add_argument("--draw", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.rounds < 1:
        parser.error("--rounds must be 1 or more")
    if asked.draw:
        draw(asked.draw)
        return
    say.out("| threads | beside | seconds | of all threads |", "| --- | --- | --- | --- |")
    for busy, beside in ((False, "nothing of ours"), (True, "a busy process")):
        runs: dict[str, list[tuple[float, float]]] = {name: [] for name in ARMS}
        with neighbour(busy):
            for _ in range(asked.rounds):
                for name, arm in ARMS.items():
                    runs[name].append(measured(asked.model, *arm))
        for name, found in runs.items():
            wall, taken = (median(column) for column in zip(*found, strict=True))
            say.out(f"| {name} | {beside} | {wall:.1f} | {taken:.1f} |")


if __name__ == "__main__":
    with mistakes_in_one_line():
        main()
