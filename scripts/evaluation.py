"""Make the table of judges in docs/evaluation.md: python scripts/evaluation.py

Their accuracy on the test digits, measured for the docs and used for nothing.
"""

from pages import DOCS, replace

from inkseed.evaluation.evaluation import held_out_digits
from inkseed.evaluation.intervals import wilson
from inkseed.judges import JudgeA, JudgeB
from inkseed.judges.judge import read_digits


def judges() -> list[str]:
    """A row a judge."""
    test = held_out_digits(final=True)
    lines = ["| judge | test accuracy | SHA-256 |", "| --- | --- | --- |"]
    for name, judge in (("A", JudgeA()), ("B", JudgeB())):
        right = int((read_digits(judge.network, test.images) == test.labels).sum())
        value, low, high = (f"{share:.2%}" for share in wilson(right, len(test)))
        lines.append(f"| {name} | {value} ({low} to {high}) | `{judge.sha256[:12]}` |")
    return lines


if __name__ == "__main__":
    replace(DOCS / "evaluation.md", "judges", judges())
