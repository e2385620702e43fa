"""Choose how `digits-fast` is sampled, on validation images: python scripts/levels.py [--compile]

Draws the same N digits in every way and lets judge A, the selectors' judge, read them, as
scripts/digits.py does: its accuracy, and the Fréchet distance of its log-probabilities from those
of the validation digits. First the levels for each number of steps: where noise is put back, at
guide_w 0.3. Then guide_w for two steps. The least distance wins among the ways whose labels judge A
reads as asked 99.5 % of the time or, where there is none, among all. guide_w is tried at the levels
of the recipe, so put new ones there first. Judge B has no part in it. For `digits-fast` at the
usual count the tables go into docs/digits.md.
"""

import argparse
import dataclasses

from digits import COUNT, LEAST, PAGE, SEED, judged, row
from pages import replace

from inkseed import say
from inkseed.cli import mistakes_in_one_line
from inkseed.data.split import split_mnist
from inkseed.evaluation.sets import natural_labels
from inkseed.judges import JudgeA
from inkseed.model.loading import load
from inkseed.model.model import Model
from inkseed.training.recipes import load_recipe

LEVELS: list[tuple[float, ...]] = [
    (),
    *[(level,) for level in (0.5, 0.8, 1.2, 1.8)],
    *[(2.5, 0.6), (1.8, 0.6), (1.2, 0.4)],
    *[(4.0, 1.2, 0.4), (2.5, 0.8, 0.3)],
]
WEAK = 0.3  # guide_w while levels are chosen
STRENGTHS = (0.0, 0.2, 0.3, 0.4, 0.6, 1.0)
Found = tuple[int, float, float]  # steps, judge A's accuracy, and the distance


class Trial:
    """A model whose levels and guide_w are tried."""

    def __init__(self, model: Model, n: int) -> None:
        self.model, self.labels, self.judge = model, natural_labels(n), JudgeA()
        self.reference = self.judge.probabilities(split_mnist().validation.images)

    def __call__(self, levels: tuple[float, ...], guide_w: float) -> Found:
        steps = len(levels) + 1
        own = {**self.model.config.sampling, "levels": [*ladders(steps - 1), list(levels)]}
        self.model.config = dataclasses.replace(self.model.config, sampling=own)
        drawn = self.model.sample(self.labels, SEED, steps=steps, guide_w=guide_w)
        found = steps, *judged(self.judge, drawn, self.reference)
        say.out((levels, guide_w, found))
        return found


def ladders(count: int) -> list[list[float]]:
    """Any levels for 1 to `count` steps."""
    return [[1.0 / (k + 1) for k in range(steps)] for steps in range(count)]


def best(ways: list[Found]) -> Found:
    """The least distance among ways whose labels are read as asked LEAST of the time, or all."""
    return min([way for way in ways if way[1] >= LEAST] or ways, key=lambda way: way[2])


def levels(trial: Trial) -> list[str]:
    """A row for each of LEVELS, the best one for each number of steps in bold."""
    rows = [(each, trial(each, WEAK)) for each in LEVELS]
    won = [best([found for _, found in rows if found[0] == steps]) for steps in range(1, 5)]
    lines = ["| steps | noise put back at ratios | judge A | distance |", "| --- " * 4 + "|"]
    for each, (steps, accuracy, gap) in rows:
        where = ", ".join(f"{level:g}" for level in each)
        cells = [str(steps), where, f"{accuracy:.2%}", f"{gap:.3f}"]
        lines.append(row(cells, (steps, accuracy, gap) in won))
    return [*lines, "", f"guide_w {WEAK}, N = {len(trial.labels):,}, seed {SEED}."]


def strengths(trial: Trial) -> list[str]:
    """A row for each of STRENGTHS at two steps, the best that is allowed in bold."""
    own = tuple(load_recipe("digits-fast").sampling["levels"][1])
    rows = [(w, trial(own, w)) for w in STRENGTHS]
    won = best([found for _, found in rows])
    lines = ["| guide_w | judge A | distance |", "| --- " * 3 + "|"]
    for w, found in rows:
        lines.append(row([f"{w:g}", f"{found[1]:.2%}", f"{found[2]:.3f}"], found == won))
    return [*lines, "", f"Two steps, N = {len(trial.labels):,}, seed {SEED}."]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="digits-fast")
    parser.add_argument("--count", type=int, default=COUNT, help="images for each row")
    parser.add_argument("--compile", action="store_true", help="use torch.compile")
    parser.add_argument("--device", default="cpu")
    asked = parser.parse_args()
    model = load(asked.model, asked.device)
    if asked.compile:
        model.compile()
    trial = Trial(model, asked.count)
    for name, made in {"levels": levels, "strengths": strengths}.items():
        lines = made(trial)
        if (asked.model, asked.count) == ("digits-fast", COUNT):
            replace(PAGE, name, lines)
        else:
            say.out(*lines)


if __name__ == "__main__":
    with mistakes_in_one_line():
        main()
