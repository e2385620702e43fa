"""How digits are best drawn for a network to learn from: python docs/labels.py [--compile]

Draws N digits by every way in DRAWN and teaches classifiers with them alone, as `inkseed evaluate
--usefulness` does; they then read the validation digits. Classifiers that learned from real digits
read what was drawn: are the labels right? The distance is that of docs/digits.py, by judge A. The
test digits and judge B have no part in it. Of the ways with --check whose labels are read at least
as often as those of real digits, the smallest distance wins (bold): it is what --check does by
default. Makes the table `labels` of docs/digits.md. A row takes ten minutes on one core, and is
kept in runs/labels.json: a stopped run goes on where it was.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from digits import distance_of
from pages import machine, replace

from inkseed.data import LabelledImages, join, split_mnist
from inkseed.evaluate.intervals import paired_t
from inkseed.evaluate.sets import natural_labels
from inkseed.evaluate.usefulness import SEEDS, read_right, steps_for
from inkseed.files import write_atomically
from inkseed.judges.fit import fit_classifier
from inkseed.judges.networks import PlainNet
from inkseed.model import load
from inkseed.screening import sample_screened

PAGE = Path(__file__).parent / "digits.md"
KEPT = Path(__file__).parents[1] / "runs" / "labels.json"
N, SEED = 20_000, 77
REAL = "real digits"
DRAWN: dict[str, tuple[float | None, bool]] = {  # guide_w (None: the default), judge A's check
    "the defaults": (None, False),
    "`--guide-w 0`": (0.0, False),
    **{f"`--guide-w {w:g} --check`": (w, True) for w in (0.0, 0.1, 0.2, 0.3)},
    "`--guide-w 0.6 --check`": (0.6, True),
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


def taught(source: LabelledImages) -> list[PlainNet]:
    """Classifiers that learned from `source` alone, as usefulness has them."""
    return [fit_classifier(PlainNet, source, steps_for(N), seed) for seed in SEEDS]


def main(compiled: bool) -> None:
    validation = split_mnist().validation
    kept: dict[str, dict[str, Any]] = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    real = join([split_mnist().part_a, split_mnist().part_b])
    real = real.subset(np.random.default_rng(SEED).permutation(len(real))[:N])
    readers = taught(real)
    floor = [read_right(each, validation) for each in readers]
    kept[REAL] = {
        **{"cost": "", "again": "", "right": float(np.mean(floor)), "accuracy": floor},
        "distance": distance_of(real.images, validation.images),
    }
    for name, how in DRAWN.items():
        if name in kept:
            continue
        source, cost, again = drawn(*how, compiled)
        kept[name] = {
            "cost": cost,
            "again": again,
            "right": float(np.mean([read_right(each, source) for each in readers])),
            "distance": distance_of(source.images, validation.images),
            "accuracy": [read_right(each, validation) for each in taught(source)],
        }
        print(name, kept[name], flush=True)
        KEPT.parent.mkdir(exist_ok=True)
        write_atomically(KEPT, lambda path: path.write_text(json.dumps(kept, indent=1)))
    replace(PAGE, "labels", table(kept))


def table(kept: dict[str, dict[str, Any]]) -> list[str]:
    """One row a way; the choice in bold."""
    checked = [name for name, (_, check) in DRAWN.items() if check]
    allowed = [name for name in checked if kept[name]["right"] >= kept[REAL]["right"]]
    best = min(allowed, key=lambda name: kept[name]["distance"], default=None)
    heads = ("learned from", "evaluations", "drawn again", "labels read", "distance", "accuracy")
    lines = [f"| {' | '.join(heads)} | gap, points |", "| --- " * 7 + "|"]
    for name in (REAL, *DRAWN):
        row = kept[name]
        gap = paired_t(np.subtract(kept[REAL]["accuracy"], row["accuracy"]).tolist())
        words = f"{100 * gap.value:.2f} ({100 * gap.low:.2f} to {100 * gap.high:.2f})"
        cells = [name, row["cost"], row["again"], f"{row['right']:.2%}", f"{row['distance']:.3f}"]
        cells += [f"{np.mean(row['accuracy']):.2%}", "" if name == REAL else words]
        lines.append(f"| {' | '.join(f'**{c}**' if name == best and c else c for c in cells)} |")
    return [*lines, "", f"N = {N:,}, seed {SEED}, {len(SEEDS)} classifiers a row; {machine()}."]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--compile", action="store_true", help="use torch.compile")
    main(parser.parse_args().compile)
