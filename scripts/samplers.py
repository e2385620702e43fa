"""Make the tables of docs/samplers.md: python scripts/samplers.py [--compile]

Draws the same 500 digits from the bundled `report` weights, from the same starting noise, by every
sampler in ROWS, and measures them with baselines on the test digits. The 400 ancestral steps alone
cost a million evaluations, hours on two slow cores. What was drawn is kept in runs/samplers by
chunks of 50: a stopped run goes on where it was, and `--measure` takes the rows that are whole.
"""

import argparse
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np
from pages import DOCS, machine, replace

from inkseed import say
from inkseed.data import join
from inkseed.data.least_ink import believed, possible_digits
from inkseed.evaluation import EvaluatedSet, evaluate
from inkseed.evaluation.intervals import bootstrap_mean
from inkseed.evaluation.metrics import shown
from inkseed.evaluation.sets import read_sets
from inkseed.export.samples import save_samples
from inkseed.judges import JudgeA
from inkseed.model.loading import load
from inkseed.samplers import SAMPLERS, ancestral, dpm_solver

PAGE = DOCS / "samplers.md"
RUN = Path(__file__).parents[1] / "runs" / "samplers"
STRENGTHS = (2.0, 0.5, 0.0)
SEEDS = range(10)
LABELS = [digit for digit in range(10) for _ in range(5)]
DATA_MEAN = -0.739  # of MNIST's training pixels, in [-1, 1]


def from_the_mean(denoiser, schedule, x_T, label, times, noise):
    """dpm_solver from where training's last step leaves images on average (arXiv 2305.08891)."""
    alpha, sigma = schedule.level(1.0)
    x_T = alpha * DATA_MEAN + sigma * x_T
    yield from dpm_solver(denoiser, schedule, x_T, label, times)


WALKS = {name: named.walk for name, named in SAMPLERS.items()}
WALKS["ancestral, eta 1"] = partial(ancestral, eta=1.0)
WALKS["dpm_solver, x_T by the mean"] = from_the_mean
BASELINE = ("ancestral", 400)
ROWS = [
    ("dpm_solver_sde", 20),
    ("dpm_solver", 20),
    ("dpm_solver, x_T by the mean", 20),
    ("ancestral, eta 1", 20),
    ("ddim", 20),
    ("heun", 10),
    ("ancestral", 20),
    ("dpm_solver_sde", 10),
    ("dpm_solver_sde", 50),
    ("ancestral", 100),
    BASELINE,
]
COLUMNS = ("accuracy", "frechet", "coverage")
HEADINGS = ["sampler", "steps", "spacing", "evaluations", "judge A", "accuracy", "lost, points"]
HEADINGS += ["Fréchet", "coverage"]


def spacing_of(sampler: str) -> str:
    """The spacing of a row: its sampler's own, variants included."""
    return SAMPLERS[sampler.split(",")[0]].spacing


def chunk(sampler: str, steps: int, guide_w: float, seed: int) -> Path:
    name = sampler.replace(", ", "_").replace(" ", "_")
    return RUN / f"{name}_{steps}_guide_w_{guide_w:g}_seed_{seed}.npz"


def draw(device: str, compile_network: bool) -> None:
    """50 digits for each row, guide_w and seed, unless they were drawn before."""
    model = load("report", device)
    if compile_network:
        model.compile()
    for guide_w, (sampler, steps), seed in product(STRENGTHS, ROWS, SEEDS):
        path = chunk(sampler, steps, guide_w, seed)
        if not path.exists():
            spacing = spacing_of(sampler)
            drawn = model.sample(LABELS, seed, guide_w, WALKS[sampler], steps, spacing=spacing)
            save_samples([drawn], model.class_names, 10, path)
            say.out(path)


def table(guide_w: float) -> list[str]:
    """One row a sampler: cost, metrics, and the accuracy it loses against the whole chain."""
    rows = [row for row in ROWS if all(chunk(*row, guide_w, seed).exists() for seed in SEEDS)]
    if BASELINE not in rows:
        return ["(still to be drawn)"]
    sets = []
    for row in rows:
        chunks = [read_sets(chunk(*row, guide_w, seed))[0] for seed in SEEDS]
        sets.append(EvaluatedSet(join([each.source for each in chunks]), guide_w))
    found = evaluate(sets, final=True).sets
    right = [each.measured.read == each.judged.source.labels for each in found]
    judge_a = JudgeA()
    baseline = right[rows.index(BASELINE)]

    lines = [f"| {' | '.join(HEADINGS)} |", "| --- " * len(HEADINGS) + "|"]
    for (sampler, steps), result, own in zip(rows, found, right, strict=True):
        with np.load(chunk(sampler, steps, guide_w, SEEDS[0])) as saved:
            nfe = int(saved["nfe"][0])
        metrics = [result.metrics[name] for name in COLUMNS]
        accuracy, frechet, coverage = (
            f"{shown(name, m.value)} ({shown(name, m.low)} to {shown(name, m.high)})"
            for name, m in zip(COLUMNS, metrics, strict=True)
        )
        lost = "0"
        if own is not baseline:
            fewer = 100.0 * (baseline.astype(float) - own)
            estimate = bootstrap_mean(fewer, result.judged.source.labels, 0, (-100, 100))
            lost = f"{estimate.value:.1f} ({estimate.low:.1f} to {estimate.high:.1f})"
        source = result.judged.source
        read = believed(judge_a.digits(source.images), possible_digits(source.images))
        by_a = (read == source.labels).mean()
        cells = [
            sampler,
            steps,
            spacing_of(sampler),
            nfe,
            f"{by_a:.1%}",
            accuracy,
            lost,
            frechet,
            coverage,
        ]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    baselines = [f"{name} {shown(name, found[0].metrics[name].baseline)}" for name in COLUMNS]
    return [*lines, "", f"Real test digits at the same N: {', '.join(baselines)}."]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--compile", action="store_true", help="use torch.compile")
    parser.add_argument("--measure", action="store_true", help="draw nothing")
    parser.add_argument("--device", default="cpu")
    asked = parser.parse_args()
    if not asked.measure:
        draw(asked.device, asked.compile)
    for guide_w in STRENGTHS:
        replace(PAGE, f"guide_w {guide_w:g}", table(guide_w))
    facts = f"N = {len(LABELS) * len(SEEDS)} for each row: 5 a digit for each of the seeds"
    replace(PAGE, "machine", [f"{facts} {SEEDS[0]} to {SEEDS[-1]}; {machine(asked.device)}."])
