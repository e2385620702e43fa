"""Two-digit labels never seen: python benchmarks/held_out.py [--images 150000] [--compile]

Trains the network of `pairs` from `digits` without 10 of the 100 labels, each of the digits once as
tens and once as units, with factorised labels (each column told of its own digit) and with one of a
hundred labels (one-hot). Then draws the 10 labels and the 90 others, and judge B reads both digits.
Runs are kept in `--out` and go on there.
"""

import argparse
import dataclasses
from pathlib import Path

import numpy as np

from inkseed.cli import mistakes_in_one_line
from inkseed.data.pairs import PAIRS
from inkseed.evaluation.intervals import Estimate
from inkseed.evaluation.pairs import measure_pairs
from inkseed.model.loading import load
from inkseed.model.model import Model
from inkseed.nn.device import find_device
from inkseed.training.loop import train
from inkseed.training.recipes import Recipe, load_recipe
from inkseed.training.run_folder import SETTINGS

HELD_OUT = tuple(f"{tens}{(7 * tens + 3) % 10}" for tens in range(10))  # 03, 10, 27 to 96
PASS = 50_000


def recipe_of(conditioning: str, images: int) -> Recipe:
    recipe = load_recipe("pairs")
    network = {k: v for k, v in recipe.network.items() if k != "places"}
    if conditioning == "factorised":
        network = recipe.network
    passes = max(1, round(images / PASS))
    return dataclasses.replace(
        recipe,
        network=network,
        epochs=passes,
        images=images // passes,
        held_out_labels=HELD_OUT,
        ema=(0.998,),
        pictures=2,
    )


def measured(model: Model, names: list[str], count: int) -> Estimate:
    labels = np.resize(model.indices(names), count)
    own = load_recipe("pairs").sampling  # whatever it was when the run began
    model.config = dataclasses.replace(model.config, sampling=own)
    return measure_pairs(model.sample(labels, 0).images, labels).both_right


def cell(found: Estimate) -> str:
    return f"{100 * found.value:.2f}% ({100 * found.low:.2f}% to {100 * found.high:.2f}%)"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=150_000)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--out", type=Path, default=Path("runs/held_out"))
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--device", default="cpu")
    asked = parser.parse_args()
    if asked.images < 1 or asked.count < 1:
        parser.error("--images and --count must be 1 or more")
    print("| conditioning | labels held out | labels seen |\n| --- | --- | --- |")
    for conditioning in ("factorised", "one-hot"):
        folder = asked.out / conditioning
        weights = folder / "model.safetensors"
        if not weights.exists():
            train(
                recipe_of(conditioning, asked.images),
                f"pairs, {conditioning}",
                folder,
                resume=(folder / SETTINGS).exists(),
                device=find_device(asked.device),
                compile_network=asked.compile,
            )
        model = load(weights, asked.device)
        seen = [name for name in PAIRS if name not in HELD_OUT]
        cells = [cell(measured(model, names, asked.count)) for names in ([*HELD_OUT], seen)]
        print(f"| {conditioning} | {' | '.join(cells)} |", flush=True)
    print(f"\n{asked.images:,} images each, N = {asked.count:,} a cell, seed 0, judge B")


if __name__ == "__main__":
    with mistakes_in_one_line():
        main()
