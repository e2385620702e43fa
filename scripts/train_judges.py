"""Train the two judges into src/inkseed/judges/files: python scripts/train_judges.py

Judge A learns on part A of the split, judge B on part B, by the same recipe. The accuracy that is
printed and kept in the file is on validation; the test digits are not touched.
"""

import argparse
import time
from collections.abc import Callable

from torch import nn

from inkseed.checkpoint import save_tensors
from inkseed.data import LabelledImages, split_mnist
from inkseed.judges.fit import fit_classifier
from inkseed.judges.judge import read_digits
from inkseed.judges.loading import FOLDER
from inkseed.judges.networks import PlainNet, ResidualNet

STEPS = 6_000  # of 128 images: about 30 passes over 25,000
SEED = 0


def train_judge(name: str, build: Callable[[], nn.Module], part: LabelledImages) -> None:
    began = time.perf_counter()

    def tell(_: int, done: list[int] = [0]) -> None:  # noqa: B006
        done[0] += 1
        if done[0] % 500 == 0:
            print(f"judge {name}: step {done[0]}, {time.perf_counter() - began:.0f} s", flush=True)

    network = fit_classifier(build, part, STEPS, SEED, augment=True, on_step=tell)
    validation = split_mnist().validation
    right = float((read_digits(network, validation.images) == validation.labels).mean())
    path = FOLDER / f"{name.lower()}.safetensors"
    config = {
        "judge": name.lower(),
        "role": {"A": "selection", "B": "evaluation"}[name],
        "network": type(network).__name__,
        "data": f"part {name} of the split of MNIST's training digits, 25,000 images",
        "training": {"steps": STEPS, "seed": SEED, "validation_accuracy": right},
    }
    save_tensors(path, network.state_dict(), config)
    print(f"judge {name}: {100 * right:.2f} % on validation, {path.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    split = split_mnist()
    jobs = {"A": (PlainNet, split.part_a), "B": (ResidualNet, split.part_b)}
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=jobs)
    only = parser.parse_args().only
    for judge in [only] if only else jobs:
        train_judge(judge, *jobs[judge])
