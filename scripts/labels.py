"""How digits are best drawn for a network to learn from: python scripts/labels.py [--compile]

Draws N digits in every way of DRAWN and teaches classifiers with them alone, as `inkseed evaluate
--usefulness` does; they then read the validation digits. The distance is that of
scripts/digits.py, by judge A, who also checked: so compare it among the checked ways alone. The
test digits and judge B have no part in it. Makes the table `labels` of docs/digits.md. A
row takes ten minutes on one core, and is kept in runs: a stopped run goes on where it was.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from digits import distance
from pages import DOCS, machine, replace

from inkseed import say
from inkseed.data import LabelledImages, join, split_mnist
from inkseed.evaluation.intervals import paired_t
from inkseed.evaluation.sets import natural_labels
from inkseed.evaluation.usefulness import SEEDS, course_for, read_right
from inkseed.files import sha256, write_json
from inkseed.judges import JudgeA
from inkseed.judges.fit import fit_classifier
from inkseed.judges.networks import PlainNet
from inkseed.model.loading import load
from inkseed.model.request import Request
from inkseed.model.sampling import SamplingOptions
from inkseed.model.weights import find_model
from inkseed.nn.device import find_device
from inkseed.writing.screening import sample_screened

PAGE = DOCS / "digits.md"
N, SEED = 20_000, 77
REAL = "real digits"
FAST = "digits-fast"
DRAWN: dict[str, tuple[str, dict[str, Any], bool]] = {  # model, options, judge A's check
    "`digits-fast --guide-w 0`": (FAST, {"guide_w": 0.0}, False),
    "`digits-fast --guide-w 0 --check`": (FAST, {"guide_w": 0.0}, True),
    "`digits-fast --guide-w 0.2 --check`": (FAST, {"guide_w": 0.2}, True),
    "`digits-fast`, its defaults": (FAST, {}, False),
}


def kept_at() -> Path:
    """Where finished rows lie: weights may be replaced."""
    weights = "-".join(sha256(find_model(name))[:8] for name in ("digits", "digits-fast"))
    return Path(__file__).parents[1] / "runs" / f"labels-{weights}.json"


def drawn(
    name: str, options: dict[str, Any], check: bool, device: str, compiled: bool
) -> tuple[LabelledImages, str, str]:
    """(N digits in MNIST's own mix, evaluations an image, how many were drawn again)."""
    model = load(name, device)
    if compiled:
        model.compile()
    request, again = Request(natural_labels(N), SEED, SamplingOptions(**options)), 0
    if check:
        screened = sample_screened(model, request)
        samples, again = screened.samples, screened.redrawn
    else:
        samples = model.sample_request(request)
    source = LabelledImages(samples.images, samples.labels, model.class_names)
    return source, f"{samples.evaluations / N:.3g}", f"{again:,}" if check else ""


def main(device: str, compiled: bool) -> None:
    validation, judge = split_mnist().validation, JudgeA()
    reference, keeps = judge.probabilities(validation.images), kept_at()
    kept: dict[str, dict[str, Any]] = json.loads(keeps.read_text()) if keeps.exists() else {}
    for name in (REAL, *DRAWN):
        if name in kept:
            continue
        if name == REAL:
            real = join([split_mnist().part_a, split_mnist().part_b])
            source = real.subset(np.random.default_rng(SEED).permutation(len(real))[:N])
            cost = again = ""
        else:
            source, cost, again = drawn(*DRAWN[name], device, compiled)
        where = find_device(device)
        taught = [
            fit_classifier(PlainNet, source, course_for(N), seed, device=where) for seed in SEEDS
        ]
        kept[name] = {
            "cost": cost,
            "again": again,
            "distance": distance(judge.probabilities(source.images), reference),
            "accuracy": [read_right(each, validation) for each in taught],
        }
        say.out(f"{name} {kept[name]}")
        keeps.parent.mkdir(exist_ok=True)
        write_json(keeps, kept)
    lines = ["| learned from | evaluations | drawn again | distance | accuracy | gap, points |"]
    lines.append("| --- " * 6 + "|")
    for name in (REAL, *DRAWN):
        row = kept[name]
        gap = paired_t(np.subtract(kept[REAL]["accuracy"], row["accuracy"]).tolist())
        words = f"{100 * gap.value:.2f} ({100 * gap.low:.2f} to {100 * gap.high:.2f})"
        cells = [name, row["cost"], row["again"], f"{row['distance']:.3f}"]
        cells += [f"{np.mean(row['accuracy']):.2%}", "" if name == REAL else words]
        lines.append(f"| {' | '.join(cells)} |")
    facts = f"N = {N:,}, seed {SEED}, {len(SEEDS)} classifiers a row; {machine(device)}."
    replace(PAGE, "labels", [*lines, "", facts])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--compile", action="store_true", help="use torch.compile")
    parser.add_argument("--device", default="cpu")
    asked = parser.parse_args()
    main(asked.device, asked.compile)
