"""Digits that `pairs` leaves out, counted by their ink: python scripts/missing_digits.py

Makes the tables `missing` and `beside` of docs/numbers.md. Ink is measured, whatever a judge
reads.
"""

import argparse

import numpy as np
from pages import machine, replace
from whole_numbers import CHOICE_SEED, PAGE, hands_of_numbers

from inkseed import say
from inkseed.data.least_ink import LEAST, ink_of
from inkseed.judges import JudgeA
from inkseed.model.loading import load
from inkseed.model.model import Model
from inkseed.pictures import PAPER
from inkseed.writing.number import Number, write
from inkseed.writing.overlap import on_each_other
from inkseed.writing.reading import DIGIT_CONFIDENCE, told_apart
from inkseed.writing.seam import part_pairs
from inkseed.writing.typesetting import SCALE

LONGEST = 8  # digits of a number
NUMBERS_SEED = 1  # not that of the numbers which scripts/whole_numbers.py reads back


def missing(pairs: Model, count: int) -> list[str]:
    """Random numbers, with --check and without: in how many a digit is missing."""
    rng = np.random.default_rng(NUMBERS_SEED)
    lengths = [int(rng.integers(1, LONGEST + 1)) for _ in range(count)]
    numbers = ["".join(map(str, rng.integers(0, 10, length))) for length in lengths]
    lines = [
        "| check | a digit lacks ink | two lie on each other | drawn again | doubted still |",
        "| --- " * 5 + "|",
    ]
    for check in (False, True):
        found = np.zeros(4, int)
        for seed, number in enumerate(numbers):
            written = write(number, seed, model=pairs, check=check)
            lies = on_each_other(np.array(written.boxes)).any()
            found += [lacks_ink(written), lies, written.redrawn, len(written.doubted) > 0]
        cells = [f"{each:,}" for each in found.tolist()]
        lines.append(f"| {'yes' if check else 'no'} | {' | '.join(cells)} |")
        say.out(lines[-1])
    digits = f"{count:,} numbers, {sum(lengths):,} digits"
    return [*lines, "", f"{digits}, seeds 0 and on, {machine(pairs.device)}."]


def lacks_ink(number: Number) -> bool:
    """Whether a box holds less than half the ink of the thinnest one in a hundred real digits."""
    ink = PAPER - np.asarray(number.image)
    return any(
        ink_of(ink[y0:y1, x0:x1], SCALE) < LEAST[int(digit)]
        for digit, (x0, y0, x1, y1) in zip(number.text, number.boxes, strict=True)
    )


def beside(pairs: Model, count: int) -> list[str]:
    """How often a 1 is doubted, by the digit that is drawn to its right."""
    labels = np.repeat(np.arange(10, 20), count)
    images = pairs.sample(labels, CHOICE_SEED, hand=hands_of_numbers(len(labels))).images
    digits = np.stack((labels // 10, labels % 10), 1)
    confident = told_apart(part_pairs(images)).confidence(digits.ravel(), JudgeA()).reshape(-1, 2)
    doubted = (confident[:, 0] < DIGIT_CONFIDENCE).reshape(10, count).sum(1).tolist()
    lines = [f"| beside | {' | '.join(map(str, range(10)))} |", "| --- " * 11 + "|"]
    lines.append(f"| doubted | {' | '.join(map(str, doubted))} |")
    return [*lines, "", f"N = {count:,} of each, seed {CHOICE_SEED}, {machine(pairs.device)}."]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--numbers", type=int, default=1000)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--only", choices=("missing", "beside"))
    parser.add_argument("--device", default="cpu")
    asked = parser.parse_args()
    pairs = load("pairs", asked.device)
    if asked.only != "beside":
        replace(PAGE, "missing", missing(pairs, asked.numbers))
    if asked.only != "missing":
        replace(PAGE, "beside", beside(pairs, asked.count))


if __name__ == "__main__":
    main()
