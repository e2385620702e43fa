"""How digits are best drawn for a network to learn from: python scripts/labels.py [--compile]

Draws N digits by every way in DRAWN and teaches classifiers with them alone, as `inkseed evaluate
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
from inkseed.writing.screening import sample_screened

PAGE = DOCS / "digits.md"
KEPT = Path(__file__).parents[1] / "runs" / f"labels_{sha256(find_model('digits'))[:8]}.json"
N, SEED = 20_000, 77
REAL = "real digits"
DRAWN: dict[str, tuple[float | None, bool]] = {  # guide_w (None: the default), judge A's check
    "the defaults": (None, False),
    "`--guide-w 0`": (0.0, False),
    **{f"`--guide-w {w:g} --check`": (w, True) for w in (0.0, 0.1, 0.2, 0.3, 0.6)},
}


def drawn(guide_w: float | None, check: bool, compiled: bool) -> tuple[LabelledImages, str, str]:
    """(N digits in MNIST's own mix, evaluations an image, how many were drawn again)."""
    model = load("digits")
    if compiled:
        model.compile()
    labels, again = natural_labels(N), 0
    if check:
        request = Request(labels, SEED, SamplingOptions(guide_w))
        screened = sample_screened(model, request)
        samples, again = screened.samples, screened.redrawn
    else:
        samples = model.sample(labels, SEED, guide_w)
    source = LabelledImages(samples.images, samples.labels, model.class_names)
    return source, str(samples.nfe), f"{again:,}" if check else ""


def main(compiled: bool) -> None:
    validation, judge = split_mnist().validation, JudgeA()
    reference = judge.probabilities(validation.images)
    kept: dict[str, dict[str, Any]] = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    for name in (REAL, *DRAWN):
        if name in kept:
            continue
        if name == REAL:
            real = join([split_mnist().part_a, split_mnist().part_b])
            source = real.subset(np.random.default_rng(SEED).permutation(len(real))[:N])
            cost = again = ""
        else:
            source, cost, again = drawn(*DRAWN[name], compiled)
        taught = [fit_classifier(PlainNet, source, course_for(N), seed) for seed in SEEDS]
        kept[name] = {
            "cost": cost,
            "again": again,
            "distance": distance(judge.probabilities(source.images), reference),
            "accuracy": [read_right(each, validation) for each in taught],
        }
        say.out(f"{name} {kept[name]}")
        KEPT.parent.mkdir(exist_ok=True)
        write_json(KEPT, kept)
    lines = ["| learned from | evaluations | drawn again | distance | accuracy | gap, points |"]
    lines.append("| --- " * 6 + "|")
    for name in (REAL, *DRAWN):
        row = kept[name]
        gap = paired_t(np.subtract(kept[REAL]["accuracy"], row["accuracy"]).tolist())
        words = f"{100 * gap.value:.2f} ({100 * gap.low:.2f} to {100 * gap.high:.2f})"
        cells = [name, row["cost"], row["again"], f"{row['distance']:.3f}"]
        cells += [f"{np.mean(row['accuracy']):.2%}", "" if name == REAL else words]
        lines.append(f"| {' | '.join(cells)} |")
    facts = f"N = {N:,}, seed {SEED}, {len(SEEDS)} classifiers a row; {machine()}."
    replace(PAGE, "labels", [*lines, "", facts])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--compile", action="store_true", help="use torch.compile")
    main(parser.parse_args().compile)
