"""Does a set say what it shows? python benchmarks/set_labels.py [--count 1000]

`inkseed dataset` draws numbers of 4 to 8 digits, with `--check` and without, and judge B, which
never filters, reads the digit in each box. Numbers set from the validation digits of one writer
each are fitted by the same code and read likewise: what B misreads of them are B's own mistakes.
Sets are kept in `--out`, and a stopped one goes on.
"""

import argparse
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from recogniser import LONGEST, SHORTEST, pasted

from inkseed import say
from inkseed.cli import mistakes_in_one_line
from inkseed.data import split_mnist
from inkseed.data.form import as_mnist
from inkseed.evaluation.intervals import wilson
from inkseed.judges import JudgeB
from inkseed.sets.fit import Fit
from inkseed.sets.formats.registry import find_format
from inkseed.sets.labelled_number import LabelledNumber
from inkseed.sets.look import Look

FORMAT = "webdataset"  # widths may differ, and boxes are kept
HEIGHT, MARGIN = 28, 4  # so that digits keep about the size they were drawn in
LOOK = Look(Fit(HEIGHT, None, (MARGIN, MARGIN)), dark=False)


def ours(out: Path, count: int, options: list[str]) -> Iterable[LabelledNumber]:
    """Numbers that `inkseed dataset` draws."""
    command = [sys.executable, "-m", "inkseed", "dataset", f"digits:{SHORTEST}-{LONGEST}"]
    command += ["--count", str(count), "--out", str(out), "--format", FORMAT, "--paper", "dark"]
    command += ["--height", str(HEIGHT), "--width", "0", "--margin", str(MARGIN)]
    subprocess.run([*command, *options], check=True)
    return find_format(FORMAT).read(out / "train")


def real(count: int) -> Iterable[LabelledNumber]:
    """Numbers of validation digits, each by one writer."""
    return (number for number, _ in pasted(split_mnist().validation, count, 0, True, LOOK))


def right(numbers: Iterable[LabelledNumber], judge: JudgeB) -> np.ndarray:
    """Whether B reads each number as it is labelled; an empty box is read wrong."""
    cuts, labels, owners = [], [], []
    for number in numbers:
        for digit, (x0, y0, x1, y1) in zip(number.label, number.boxes, strict=True):
            empty = x0 >= x1 or y0 >= y1
            cut = number.image[y0:y1, x0:x1]
            cuts.append(np.zeros((28, 28), np.uint8) if empty else as_mnist(cut))
            labels.append(-1 if empty else int(digit))
            owners.append(number.index)
    wrong = judge.digits(np.stack(cuts)) != np.array(labels)
    return np.bincount(owners, wrong) == 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--out", type=Path, default=Path("runs/set_labels"))
    asked = parser.parse_args()
    if asked.count < 1:
        parser.error("--count must be 1 or more")
    asked.out.mkdir(parents=True, exist_ok=True)
    judge = JudgeB()
    rows = {
        "real digits": real(asked.count),
        "ours": ours(asked.out / "plain", asked.count, []),
        "ours, --check": ours(asked.out / "checked", asked.count, ["--check"]),
    }
    say.out("| numbers | read as labelled by judge B |", "| --- | --- |")
    for name, numbers in rows.items():
        found = right(numbers, judge)
        share = wilson(int(found.sum()), len(found))
        say.out(f"| {name} | {share.value:.2%} ({share.low:.2%} to {share.high:.2%}) |")


if __name__ == "__main__":
    with mistakes_in_one_line():
        main()
