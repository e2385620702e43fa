"""Where sampling's time goes: python benchmarks/sampling.py [--model report] [--steps 5]

Draws one batch by every sampler and prints what share of the wall time is spent inside the network,
what a step costs outside it, and the digits a second. Medians of three runs.
"""

import argparse
import os
import platform
import time
from statistics import median

import torch

from inkseed.cli import mistakes_in_one_line
from inkseed.model.loading import load
from inkseed.model.model import Model
from inkseed.samplers import SAMPLERS

RUNS = 3


class Stopwatch:
    """The network, timed: seconds spent inside it."""

    def __init__(self, network: torch.nn.Module) -> None:
        self.network, self.seconds = network, 0.0

    def __call__(self, *inputs: torch.Tensor) -> torch.Tensor:
        began = time.perf_counter()
        output = self.network(*inputs)
        if output.is_cuda:
            torch.cuda.synchronize()
        self.seconds += time.perf_counter() - began
        return output


def measure(model: Model, sampler: str, steps: int, batch: int, guide_w: float) -> tuple:
    """(share inside the network, milliseconds outside it a step, digits a second)."""
    shares, outside, speeds = [], [], []
    for run in range(RUNS):
        watch = Stopwatch(model.network)
        model.denoiser.network = watch
        began = time.perf_counter()
        model.sample([0] * batch, run, guide_w, sampler, steps, batch_size=batch)
        total = time.perf_counter() - began
        shares.append(watch.seconds / total)
        outside.append(1000 * (total - watch.seconds) / steps)
        speeds.append(batch / total)
    return median(shares), median(outside), median(speeds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="report")
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--guide-w", type=float, default=2.0)
    parser.add_argument("--device", default="cpu")
    asked = parser.parse_args()
    model = load(asked.model, asked.device)
    model.sample([0] * 64, steps=1)  # warm up
    print("| sampler | batch | inside the network | outside, ms a step | digits a second |")
    print("| --- | --- | --- | --- | --- |")
    for batch in (64, 128):
        for name in SAMPLERS:
            share, outside, speed = measure(model, name, asked.steps, batch, asked.guide_w)
            print(f"| {name} | {batch} | {share:.1%} | {outside:.1f} | {speed:.2f} |", flush=True)
    print(
        f"\n{asked.model}, {asked.steps} steps, guide_w {asked.guide_w:g}; medians of {RUNS}; "
        f"{torch.get_num_threads()} threads of {os.cpu_count()} cores, {platform.machine()}, "
        f"torch {torch.__version__}"
    )


if __name__ == "__main__":
    with mistakes_in_one_line():
        main()
