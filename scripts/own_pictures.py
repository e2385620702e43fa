"""The table of docs/own-pictures.md: python scripts/own_pictures.py (a minute or two)

Pictures of every kind in `tests/kinds.py` and `tests/named_kinds.py` are made of validation digits,
read by `inkseed.data.read_images`, and judged by judge A.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
from pages import replace

from inkseed import say
from inkseed.data import LabelledImages, read_images, split_mnist
from inkseed.judges import JudgeA

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from tests.kinds import KINDS, Maker  # noqa: E402
from tests.named_kinds import NAMED  # noqa: E402


def row(make: Maker, digits: LabelledImages, judge: JudgeA) -> str:
    """What one kind is, how many of its pictures were used, and how many of those read right."""
    with tempfile.TemporaryDirectory() as name:
        for k, (ink, label) in enumerate(zip(digits.images, digits.labels, strict=True)):
            folder = Path(name) / str(label)
            folder.mkdir(exist_ok=True)
            make(folder / f"{k:04d}", ink, k)
        found = read_images(name, (28, 28))
    right = judge.digits(found.images.images) == found.images.labels
    words = (make.__doc__ or "").strip().rstrip(".")
    used = f"{found.account.used} of {found.account.given}"
    return f"| `{make.__name__}` | {words} | {used} | {100 * right.mean():.1f} % |"


def main() -> None:
    """Make the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--each", type=int, default=20, help="pictures of each digit in a set")
    each = parser.parse_args().each
    validation = split_mnist().validation
    of_each = [np.flatnonzero(validation.labels == label)[:each] for label in range(10)]
    digits, judge = validation.subset(np.stack(of_each, 1).ravel()), JudgeA()
    lines = ["| set | what it is | used | judge A reads right |", "| --- | --- | --- | --- |"]
    for make in (*NAMED, *KINDS):
        lines.append(row(make, digits, judge))
        say.out(lines[-1])
    replace(ROOT / "docs" / "own-pictures.md", "kinds", lines)


if __name__ == "__main__":
    main()
