"""How digits are best drawn for a network to learn from: python docs/labels.py [--compile]

Draws N digits by every way in ROWS and teaches classifiers with them alone, as `inkseed evaluate
--usefulness` does; they then read the validation digits. The test digits have no part in it: the
way that wins here is measured on them once. Makes the table `labels` of docs/digits.md. A row takes
ten minutes on one core, and is kept in runs/labels.json: a stopped run goes on where it was.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from pages import machine, replace

from inkseed.data import LabelledImages, join, split_mnist
from inkseed.evaluate.intervals import paired_t
from inkseed.evaluate.sets import natural_labels
from inkseed.evaluate.usefulness import SEEDS, accuracy_taught, steps_for
from inkseed.files import write_atomically
from inkseed.model import load
from inkseed.screening import sample_screened

PAGE = Path(__file__).parent / "digits.md"
KEPT = Path(__file__).parents[1] / "runs" / "labels.json"
N, SEED = 20_000, 77
REAL = "real digits"
ROWS: dict[str, tuple[float | None, bool]] = {  # guide_w (None: the default), judge A's check
    "the defaults": (None, False),
    "the defaults, `--check`": (None, True),
    "`--guide-w 0`": (0.0, False),
    "`--guide-w 0.2 --check`": (0.2, True),
    "`--guide-w 0 --check`": (0.0, True),
}


def drawn(guide_w: float | None, check: bool, compiled: bool) -> tuple[LabelledImages, str, str]:
    """(N digits in MNIST's own mix, evaluations an image, how many were drawn again)."""
    model = load("digits")
    if compiled:
        model.compile()
    labels, again = natural_labels(N), 0
    if check:
        screened = sample_screened(model, labels.tolist(), SEED, guide_w)
        samples, again = screened.samples, screened.redrawn
    else:
        samples = model.sample(labels, SEED, guide_w)
    source = LabelledImages(samples.images, samples.labels, model.class_names)
    return source, str(samples.nfe), f"{again:,}" if check else ""


def accuracies(source: LabelledImages) -> list[float]:
    """Of classifiers that learned from `source` alone, on the validation digits."""
    validation = split_mnist().validation
    return [accuracy_taught(source, validation, steps_for(N), seed) for seed in SEEDS]


def main(compiled: bool) -> None:
    kept = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    for name in (REAL, *ROWS):
        if name in kept:
            continue
        if name == REAL:
            real = join([split_mnist().part_a, split_mnist().part_b])
            source = real.subset(np.random.default_rng(SEED).permutation(len(real))[:N])
            cost, again = "", ""
        else:
            source, cost, again = drawn(*ROWS[name], compiled)
        kept[name] = {"cost": cost, "again": again, "accuracy": accuracies(source)}
        print(name, kept[name], flush=True)
        KEPT.parent.mkdir(exist_ok=True)
        write_atomically(KEPT, lambda path: path.write_text(json.dumps(kept, indent=1)))
    lines = ["| learned from | evaluations | drawn again | accuracy | gap to real digits, points |"]
    lines.append("| --- " * 5 + "|")
    for name, row in kept.items():
        gap = paired_t(np.subtract(kept[REAL]["accuracy"], row["accuracy"]).tolist())
        words = f"{100 * gap.value:.2f} ({100 * gap.low:.2f} to {100 * gap.high:.2f})"
        cells = [name, row["cost"], row["again"], f"{np.mean(row['accuracy']):.2%}"]
        lines.append(f"| {' | '.join([*cells, '' if name == REAL else words])} |")
    facts = f"N = {N:,}, seed {SEED}, {len(SEEDS)} classifiers a row; {machine()}."
    replace(PAGE, "labels", [*lines, "", facts])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--compile", action="store_true", help="use torch.compile")
    main(parser.parse_args().compile)
