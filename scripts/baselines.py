"""What the split by writer changes: python scripts/baselines.py

Measures three sets of real digits as `inkseed evaluate` measures its baselines, and puts the table
`baselines` into docs/evaluation.md: validation of the random split that came before, validation of
the split by writer, and the test digits, which nothing is chosen by. Some minutes on one thread.
"""

import numpy as np
import torch
from pages import DOCS, machine, replace

from inkseed.data import Split, load_mnist, split_mnist
from inkseed.evaluation.evaluation import held_out_digits
from inkseed.evaluation.frechet import fit_gaussian, frechet_distance
from inkseed.evaluation.intervals import Estimate
from inkseed.evaluation.measure import Measured, RealDigits
from inkseed.evaluation.metrics import READINGS, shown
from inkseed.evaluation.mix import choose
from inkseed.evaluation.reference import Reference
from inkseed.judges import JudgeB

PAGE = DOCS / "evaluation.md"
N = 10_000  # or all of a set that holds fewer
OLD_SIZES = (25_000, 25_000, 10_000)
SEED = 0


def random_split() -> Split:
    """The split that came before: one permutation, so that every writer is in every part."""
    mnist, order = load_mnist(train=True), np.random.RandomState(0).permutation(sum(OLD_SIZES))
    return Split(*map(mnist.subset, np.split(order, np.cumsum(OLD_SIZES)[:-1])))


def baseline(real_digits: RealDigits) -> Measured:
    """The held-out digits, measured as a set of N digits in part A's mix has them beside it."""
    labels = real_digits.reference.labels
    return real_digits.baseline(labels[choose(labels, N)], SEED)


def known_hands(real_digits: RealDigits) -> str:
    """How many of those who wrote the held-out digits also wrote training images."""
    own = np.unique(real_digits.held_out.writers)
    return f"{np.isin(own, real_digits.training.writers).sum()} of {len(own)}"


def cell(name: str, found: Estimate) -> str:
    """A figure with its interval."""
    value, low, high = (shown(name, each) for each in found)
    return f"{value} ({low} to {high})"


def table(columns: dict[str, RealDigits]) -> list[str]:
    """Metrics down; across, which digits are held out, and from what."""
    held_out = list(columns.values())
    measured = [baseline(each) for each in held_out]
    near = [f"{each.held_out_pixels.mean():.3f}" for each in held_out]
    rows = {
        "images": [f"{len(each.read):,}" for each in measured],
        "writers among those of the training images": [known_hands(each) for each in held_out],
        "mean distance to the nearest training image": near,
        **{
            reading.title.strip(): [cell(name, each.estimates[name]) for each in measured]
            for name, reading in READINGS.items()
        },
    }
    lines = [f"| | {' | '.join(columns)} |", f"|{' --- |' * (len(columns) + 1)}"]
    return [*lines, *(f"| {title} | {' | '.join(cells)} |" for title, cells in rows.items())]


def times_as_far(test: RealDigits, validation: RealDigits) -> str:
    """How far the test digits lie from a split's part A, in distances of its validation."""
    far, near = (
        frechet_distance(fit_gaussian(each.held_out_judged.features), validation.reference.gaussian)
        for each in (test, validation)
    )
    return f"{far / near:.2f}"


def main() -> None:
    torch.set_num_threads(1)
    judge = JudgeB()
    old, new = Reference(judge, split=random_split()), Reference(judge, split=split_mnist())
    before, now = (RealDigits(each.split.validation, each) for each in (old, new))
    test = RealDigits(held_out_digits(final=True), new)
    lines = table(
        {"validation, random split": before, "validation, by writer": now, "test digits": test}
    )
    facts = (
        f"In Fréchet distance the test digits lie {times_as_far(test, before)} times as far from"
        f" part A as validation does under the random split, and {times_as_far(test, now)} times"
        f" under the split by writer. Judge B `{judge.sha256[:12]}`, {machine()}."
    )
    replace(PAGE, "baselines", [*lines, "", facts])


if __name__ == "__main__":
    main()
