"""Make the tables of docs/evaluation.md: python scripts/evaluation.py [--compile]

Draws 400 digits from the bundled `report` weights at guide_w 0, 0.5 and 2, which costs 800,000
network evaluations (two hours on two slow cores), then measures them with `inkseed evaluate
--final`, and the judges on the test digits. What was drawn is kept in runs/evaluation by chunks of
50: a stopped run goes on where it was.
"""

import argparse
import json
from pathlib import Path

from pages import DOCS, machine, replace

from inkseed import say
from inkseed.data import join, load_mnist
from inkseed.evaluation import EvaluatedSet, Evaluation, evaluate
from inkseed.evaluation.intervals import wilson
from inkseed.evaluation.metrics import READINGS, shown
from inkseed.evaluation.page import save_page
from inkseed.evaluation.sets import read_sets
from inkseed.export.samples import save_samples
from inkseed.judges import JudgeA, JudgeB
from inkseed.judges.judge import read_digits
from inkseed.model.loading import load

PAGE = DOCS / "evaluation.md"
RUN = Path(__file__).parents[1] / "runs" / "evaluation"
STRENGTHS = (0.0, 0.5, 2.0)
SEEDS = range(8)
LABELS = [digit for digit in range(10) for _ in range(5)]


def draw(compile_network: bool) -> list[EvaluatedSet]:
    """50 digits for each seed and guide_w, drawn now or before."""
    model = load("report")
    if compile_network:
        model.compile()
    sets = []
    for w in STRENGTHS:
        chunks = []
        for seed in SEEDS:
            path = RUN / f"report_guide_w_{w:g}_seed_{seed}.npz"
            if not path.exists():
                drawn = model.sample(LABELS, seed, w, "ancestral")
                save_samples([drawn], model.class_names, 10, path)
                say.out(path)
            chunks += read_sets(path)
        sets.append(EvaluatedSet(join([chunk.source for chunk in chunks]), w))
    return sets


def table(evaluation: Evaluation) -> list[str]:
    """Metrics down, guide_w across, each figure with its interval; the baseline last."""
    first = evaluation.sets[0]
    across = [f"guide_w {each.judged.guide_w:g}" for each in evaluation.sets]
    lines = ["| metric | " + " | ".join([*across, f"real ({evaluation.held_out})"]) + " |"]
    lines.append("| --- |" + " --- |" * (len(across) + 1))
    for name in first.metrics:
        metrics = [each.metrics[name] for each in evaluation.sets]
        cells = [[shown(name, m.value), shown(name, m.low), shown(name, m.high)] for m in metrics]
        real = metrics[0]
        of_real = (real.baseline, real.baseline_low, real.baseline_high)
        cells.append([shown(name, x) for x in of_real])
        words = [f"{value} ({low} to {high})" for value, low, high in cells]
        lines.append(f"| {READINGS[name].title.strip()} | " + " | ".join(words) + " |")
    return lines


def judges() -> list[str]:
    """The judges' accuracy on the test digits: measured for the docs, used for nothing."""
    test = load_mnist(train=False)
    lines = ["| judge | test accuracy | SHA-256 |", "| --- | --- | --- |"]
    for name, judge in (("A", JudgeA()), ("B", JudgeB())):
        right = int((read_digits(judge.network, test.images) == test.labels).sum())
        value, low, high = (f"{share:.2%}" for share in wilson(right, len(test)))
        lines.append(f"| {name} | {value} ({low} to {high}) | `{judge.sha256[:12]}` |")
    return lines


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--compile", action="store_true", help="use torch.compile")
    found = evaluate(draw(parser.parse_args().compile), final=True)
    facts = (
        f"N = {found.sets[0].n} for each guide_w (5 a digit for each of the seeds "
        f"{SEEDS[0]} to {SEEDS[-1]}, shared by the three), 400 ancestral steps, {machine()}."
    )
    replace(PAGE, "report", [*table(found), "", facts])
    replace(PAGE, "judges", judges())
    save_page(found, RUN / "report.html")
    (RUN / "report.json").write_text(json.dumps(found.as_json(), indent=1))
