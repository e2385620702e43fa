"""What would be better at equal cost? python benchmarks/variants.py [--images N] [--device cuda]

Trains variants of the recipe `digits` for the same images in the same order, from scratch or, where
the network is the same, on from `--from`, and prints the loss of their averages on 2,000 validation
digits at several noise levels. Runs are kept in `--out` and go on there. One seed each: read a few
thousandths as no difference. Nothing of it is a final figure: the test digits have no part in it.
"""

import argparse
import dataclasses
import os
import platform
from pathlib import Path
from typing import Any

import torch

from inkseed.checkpoint import load_header
from inkseed.cli import mistakes_in_one_line
from inkseed.data import split_mnist, to_tensor
from inkseed.diffusion.denoiser import Noising
from inkseed.errors import InkseedError
from inkseed.model.loading import load
from inkseed.model.model import Model
from inkseed.nn.device import find_device
from inkseed.nn.footprint import multiplications
from inkseed.training.batches import Examples
from inkseed.training.data import A_PASS
from inkseed.training.loop import train
from inkseed.training.recipes import Recipe, load_recipe
from inkseed.training.run_folder import MODEL, SETTINGS

RATIOS = (0.1, 0.3, 1.0, 3.0, 10.0)  # of noise to signal
SEED = 0
AT_ONCE, ROUNDS = 500, 4  # validation digits
VARIANTS: dict[str, dict[str, Any]] = {  # what differs from the recipe
    "as it is": {},
    "two blocks of 80 and 128 channels": {"network": {"blocks": 2, "widths": [80, 128]}},
    "two blocks of 48 and 192 channels": {"network": {"blocks": 2, "widths": [48, 192]}},
    "one block of 80 and 256 channels": {"network": {"widths": [80, 256]}},
    "noise levels of EDM (mean -1.2, deviation 1.2)": {"p_mean": -1.2, "p_std": 1.2},
    "noise levels spread wider (deviation 1.8)": {"p_std": 1.8},
    "labels hidden twice as often": {"drop_prob": 0.2},
    "hands told apart four times as hard": {"contrast": 0.02},
    "half the learning rate": {"learning_rate": 1.25e-3},
}


def recipe_of(changes: dict[str, Any], images: int) -> Recipe:
    """The recipe `digits` with these changes, over so many images."""
    recipe = load_recipe("digits")
    changed = {**changes, "network": {**recipe.network, **changes.get("network", {})}}
    passes, few = max(1, round(images / A_PASS)), images if images < A_PASS else 0
    return dataclasses.replace(recipe, epochs=passes, images=few, pictures=1, **changed)


@torch.no_grad()
def losses(model: Model) -> list[float]:
    """The loss on validation digits at each of RATIOS, told label and style: the same noise."""
    examples = Examples(split_mnist().validation.subset(range(AT_ONCE * ROUNDS)))
    x = to_tensor(examples.images.images).to(model.device)
    told = examples.condition(True).to(model.device)
    generator = torch.Generator().manual_seed(SEED)
    found = []
    for ratio in RATIOS:
        t = model.schedule.time_of(torch.full((len(x),), ratio, dtype=torch.float64))
        noise = torch.randn(x.shape, generator=generator)
        noising = Noising.at(model.schedule, t, noise).to(model.device)
        parts = [slice(k, k + AT_ONCE) for k in range(0, len(x), AT_ONCE)]
        each = [float(model.denoiser.loss(x[part], noising[part], told[part])) for part in parts]
        found.append(sum(each) / ROUNDS)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=1_000_000)
    parser.add_argument("--out", type=Path, default=Path("runs/variants"))
    parser.add_argument("--from", dest="begin", type=Path, help="for variants of its own network")
    parser.add_argument("--only", default="", help="only variants whose name has this in it")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--compile", action="store_true")
    asked = parser.parse_args()
    device = find_device(asked.device)
    heads = "".join(f" {ratio:g} |" for ratio in RATIOS)
    lines = [f"| variant | multiplications | parameters |{heads} mean |"]
    lines.append("| --- " * (4 + len(RATIOS)) + "|")
    chosen = [name for name in VARIANTS if asked.only in name]
    if not chosen:
        raise InkseedError(f"--only: no variant has {asked.only!r} in its name")
    for name in chosen:
        changes = VARIANTS[name]
        recipe = recipe_of(changes, asked.images)
        begin = None if "network" in changes else asked.begin
        run = asked.out / f"{name} {asked.images}{' on' if begin else ''}"
        if not (run / MODEL).exists():
            resume = (run / SETTINGS).exists()
            train(recipe, "digits", run, resume, device, asked.compile, start=begin)
        model = load(run / MODEL, device)
        found = losses(model)
        cost = multiplications(model.network, model.shape) / 1e6
        size = sum(each.numel() for each in model.network.parameters()) / 1e6
        cells = [name, f"{cost:.0f} M", f"{size:.1f} M"]
        cells += [f"{each:.4f}" for each in (*found, sum(found) / len(found))]
        lines.append(f"| {' | '.join(cells)} |")
        print(lines[-1], flush=True)
        seen = load_header(run / MODEL).config["training"]["images_seen"]
    gpu = f"{torch.cuda.get_device_name(device)}, " if device.type == "cuda" else ""
    where = f"{gpu}{os.cpu_count()} cores, {platform.machine()}, torch {torch.__version__}"
    print("\n".join(["", *lines, "", f"{seen:,} images each, seed 0; {where}."]))


if __name__ == "__main__":
    with mistakes_in_one_line():
        main()
