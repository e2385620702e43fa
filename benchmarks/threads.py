"""One thread or all, that spin or sleep while they wait: python benchmarks/threads.py

Each way draws the same digits in a process of its own, by turns, on a quiet machine and beside a
busy process for each core. Prints medians relative to one thread in the same round. The command
line has its threads sleep (OMP_WAIT_POLICY=PASSIVE) unless you set that variable.
"""

import argparse
import os
import subprocess
import sys
from statistics import median

from inkseed import say
from inkseed.cli import mistakes_in_one_line

DRAW = """
import sys, time
import torch
threads, count = int(sys.argv[1]), int(sys.argv[2])
torch.set_num_threads(threads)
from inkseed.model.loading import load
model = load("digits")
for _ in range(2):  # the first warms up
    began = time.perf_counter()
    model.sample([k % 10 for k in range(count)], steps=4)
print(time.perf_counter() - began)
"""
BUSY = "while True: sum(range(100_000))"
CORES = os.cpu_count() or 1
WAYS = {
    "one thread": (1, "ACTIVE"),
    f"{CORES} threads that spin": (CORES, "ACTIVE"),
    f"{CORES} threads that sleep": (CORES, "PASSIVE"),
}


def seconds(threads: int, policy: str, count: int) -> float:
    """How long a process of its own takes."""
    command = [sys.executable, "-c", DRAW, str(threads), str(count)]
    environment = {**os.environ, "OMP_WAIT_POLICY": policy}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return float(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--count", type=int, default=64, help="digits drawn")
    asked = parser.parse_args()
    say.out("| beside | " + " | ".join(WAYS) + " |", "| --- " * (len(WAYS) + 1) + "|")
    for neighbours, beside in ((0, "nothing"), (CORES, f"{CORES} busy processes")):
        busy = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(neighbours)]
        try:
            rounds = [
                {way: seconds(*how, asked.count) for way, how in WAYS.items()}
                for _ in range(asked.rounds)
            ]
        finally:
            for each in busy:
                each.kill()
        ratios = [median(each[way] / each["one thread"] for each in rounds) for way in WAYS]
        say.out(f"| {beside} | " + " | ".join(f"{ratio:.2f}" for ratio in ratios) + " |")


if __name__ == "__main__":
    with mistakes_in_one_line():
        main()
