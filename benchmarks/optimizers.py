"""AdamW against Muon on the fast network, for equal images: python benchmarks/optimizers.py

Trains the recipe `quick` for one pass over `--images` digits by each optimiser and learning rate,
from the same weights, data order and noise, and prints the loss of its average on validation digits
with the processor time, all included. One seed each: read a few thousandths as no difference.
"""

import argparse
import dataclasses
import os
import platform
import tempfile
import time
from pathlib import Path

import torch

from inkseed.checkpoint import load_header
from inkseed.cli import mistakes_in_one_line
from inkseed.nn.device import find_device
from inkseed.training.loop import train
from inkseed.training.recipes import load_recipe

MOST = 50_000  # images of a pass
ROWS = [(name, rate) for name in ("adamw", "muon") for rate in (3e-3, 1e-2, 3e-2)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=MOST)
    parser.add_argument("--device", default="cpu")
    asked = parser.parse_args()
    if not 1 <= asked.images <= MOST:
        parser.error(f"--images must be from 1 to {MOST}")
    where = find_device(asked.device)
    quick = load_recipe("quick")
    print("| optimiser | learning rate | validation loss | processor minutes |")
    print("| --- | --- | --- | --- |")
    for optimizer, rate in ROWS:
        recipe = dataclasses.replace(
            quick,
            optimizer=optimizer,
            learning_rate=rate,
            epochs=1,
            images=asked.images,
            pictures=1,
        )
        with tempfile.TemporaryDirectory() as folder:
            began = time.process_time()
            model = train(recipe, "quick", Path(folder) / "run", device=where)
            used = (time.process_time() - began) / 60
            (loss,) = load_header(model).config["training"]["validation_loss"].values()
        print(f"| {optimizer} | {rate:g} | {loss:.4f} | {used:.1f} |", flush=True)
    print(
        f"\n{asked.images:,} images each, seed 0; {os.cpu_count()} cores, {platform.machine()}, "
        f"torch {torch.__version__}"
    )


if __name__ == "__main__":
    with mistakes_in_one_line():
        main()
