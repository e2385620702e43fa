"""What a classifier learns from drawn digits: python scripts/labels.py [--compile] [--device cuda]

Draws N digits in every way of DRAWN, 5,000 of each, and teaches five classifiers with each set
alone and with as many real digits, as `inkseed evaluate --usefulness --final` does; they then read
the test digits. The figures are final: nothing is chosen by them. Makes the table `labels` of
docs/digits.md. A row takes half an hour on one core, and is kept in runs with the device that it
was made on: a stopped run goes on where it was.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from pages import DOCS, machine, replace

from inkseed import say
from inkseed.data import LabelledImages, join, split_mnist
from inkseed.evaluation.evaluation import held_out_digits
from inkseed.evaluation.intervals import paired_t
from inkseed.evaluation.usefulness import SEEDS, course_for, read_right
from inkseed.files import sha256, write_json
from inkseed.judges.fit import fit_classifier
from inkseed.judges.networks import PlainNet
from inkseed.model.loading import load
from inkseed.model.request import Request
from inkseed.model.sampling import SamplingOptions
from inkseed.model.weights import find_model
from inkseed.nn.device import find_device
from inkseed.writing.screening import sample_screened

PAGE = DOCS / "digits.md"
N, SEED = 50_000, 1
REAL = "real digits"
DRAWN = {  # model, and judge A's check
    "`digits --guide-w 0`": ("digits", False),
    "`digits --guide-w 0 --check`": ("digits", True),
    "`digits-fast --guide-w 0`": ("digits-fast", False),
}


def kept_at(name: str) -> Path:
    """Where a finished row lies: weights may be replaced."""
    weights = "" if name == REAL else "-" + sha256(find_model(DRAWN[name][0]))[:8]
    words = "-".join(name.replace("`", "").replace("--", "").split())
    return Path(__file__).parents[1] / "runs" / f"labels-{N}-{SEED}" / f"{words}{weights}.json"


def drawn(name: str, check: bool, device: str, compiled: bool) -> tuple[LabelledImages, str, str]:
    """(N digits, evaluations an image, how many were drawn again)."""
    model = load(name, device)
    if compiled:
        model.compile()
    labels = np.repeat(np.arange(10), N // 10)
    request = Request(labels, SEED, SamplingOptions(guide_w=0.0))
    if check:
        screened = sample_screened(model, request)
        samples, again = screened.samples, f"{screened.redrawn:,}"
    else:
        samples, again = model.sample_request(request), ""
    source = LabelledImages(samples.images, samples.labels, model.class_names)
    return source, f"{samples.evaluations / N:.3g}", again


def row(name: str, device: str, compiled: bool) -> dict[str, Any]:
    """What five classifiers learn from one set."""
    if name == REAL:
        source = join([split_mnist().part_a, split_mnist().part_b])
        cost = again = ""
    else:
        source, cost, again = drawn(*DRAWN[name], device, compiled)
    test, right = held_out_digits(final=True), []
    for seed in SEEDS:
        chosen = source.subset(np.random.default_rng(seed).permutation(len(source))[:N])
        network = fit_classifier(PlainNet, chosen, course_for(N), seed, device=find_device(device))
        right.append(read_right(network, test))
    return {"cost": cost, "again": again, "accuracy": right, "machine": machine(device)}


def main(device: str, compiled: bool) -> None:
    kept: dict[str, dict[str, Any]] = {}
    for name in (REAL, *DRAWN):
        path = kept_at(name)
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            write_json(path, row(name, device, compiled))
        kept[name] = json.loads(path.read_text())
        say.out(f"{name} {kept[name]}")
    lines = ["| learned from | evaluations | drawn again | accuracy | gap, points | made on |"]
    lines.append("| --- " * 6 + "|")
    for name, found in kept.items():
        gap = paired_t(np.subtract(kept[REAL]["accuracy"], found["accuracy"]).tolist())
        words = f"{100 * gap.value:.2f} ({100 * gap.low:.2f} to {100 * gap.high:.2f})"
        cells = [name, found["cost"], found["again"], f"{np.mean(found['accuracy']):.2%}"]
        cells += ["" if name == REAL else words, found["machine"]]
        lines.append(f"| {' | '.join(cells)} |")
    facts = f"N = {N:,}, seed {SEED}, {len(SEEDS)} classifiers a row, the test digits."
    replace(PAGE, "labels", [*lines, "", facts])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--compile", action="store_true", help="use torch.compile")
    parser.add_argument("--device", default="cpu")
    asked = parser.parse_args()
    main(asked.device, asked.compile)
