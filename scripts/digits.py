"""Choose how `digits` is sampled, on validation images: python scripts/digits.py [--compile]

Draws the same N digits by every setting in ROWS and lets judge A, the selectors' judge, read them:
its accuracy, and the Fréchet distance of its log-probabilities from those of the validation
digits. Judge B has no part in it. The lowest distance wins, among settings of at most MOST
evaluations per image whose labels judge A reads as asked LEAST of the time. Prints
the choice and how well asked-for style is found again; for `digits` at the usual count they go into
docs/digits.md.
"""

import argparse

import numpy as np
from pages import DOCS, machine, replace
from torch import Tensor

from inkseed import say
from inkseed.data.least_ink import believed, possible_digits
from inkseed.data.split import split_mnist
from inkseed.data.style import measure_style
from inkseed.evaluation.frechet import fit_gaussian, frechet_distance
from inkseed.evaluation.sets import natural_labels
from inkseed.judges import JudgeA
from inkseed.model.loading import load
from inkseed.model.model import Model
from inkseed.model.samples import Samples
from inkseed.model.sampling import EVERYWHERE

PAGE = DOCS / "digits.md"
MOST = 20  # evaluations per image
LEAST = 0.995  # of the labels
LEAST_PROBABLE = 1e-6  # log-probabilities below this say nothing more
SPACING = "karras"
SEED = 1000
COUNT = 2560
MIDDLE = (0.3, 6.0)
ROWS: list[tuple[str, int, float, tuple[float, float]]] = [
    *[("dpm_solver_sde", 20, w, MIDDLE) for w in (0.0, 0.03, 0.05, 0.08)],
    *[("dpm_solver_sde", 14, w, MIDDLE) for w in (0.0, 0.05)],
    ("dpm_solver_sde", 10, 0.0, MIDDLE),
    *[("dpm_solver", 10, w, MIDDLE) for w in (0.0, 0.1, 0.2, 0.25, 0.3, 0.4)],
]


def logits(probabilities: Tensor) -> Tensor:
    return probabilities.clamp(min=LEAST_PROBABLE).log()


def distance(first: Tensor, second: Tensor) -> float:
    """Fréchet distance of the logarithms of judge A's probabilities (N, 10) of two sets."""
    return frechet_distance(fit_gaussian(logits(first)), fit_gaussian(logits(second)))


def judged(judge: JudgeA, drawn: Samples, reference: Tensor) -> tuple[float, float]:
    """How many labels judge A reads as asked, and the distance from its `reference` readings."""
    read = judge.probabilities(drawn.images)
    digits = believed(read.argmax(1).numpy(), possible_digits(drawn.images))
    return float((digits == drawn.labels).mean()), distance(read, reference)


def row(cells: list[str], best: bool) -> str:
    """A row of a table, in bold if it is the best."""
    return f"| {' | '.join(f'**{cell}**' if best and cell else cell for cell in cells)} |"


def choice(model: Model, n: int) -> list[str]:
    """One row a setting, the best one that is allowed in bold."""
    judge = JudgeA()
    validation = split_mnist().validation
    reference = judge.probabilities(validation.images)
    baseline = float((reference.argmax(1).numpy() == validation.labels).mean())
    labels = natural_labels(n)
    found = []
    for sampler, steps, w, interval in ROWS:
        drawn = model.sample(
            *(labels, SEED, w, sampler, steps), spacing=SPACING, guide_interval=interval
        )
        accuracy, gap = judged(judge, drawn, reference)
        where = "all" if interval == EVERYWHERE or w == 0 else f"{interval[0]:g} to {interval[1]:g}"
        found.append(
            (
                gap,
                drawn.nfe,
                [sampler, steps, SPACING, f"{w:g}", where, drawn.nfe, accuracy],
            )
        )
        say.out(found[-1])
    allowed = [each for each in found if each[1] <= MOST and each[2][-1] >= LEAST]
    best = min(allowed, default=None)
    lines = [
        "| sampler | steps | spacing | guide_w | at ratios | evaluations | judge A | distance |"
    ]
    lines.append("| --- " * 8 + "|")
    for each in found:
        gap, _, cells = each
        shown = [*map(str, cells[:-1]), f"{cells[-1]:.2%}", f"{gap:.3f}"]
        lines.append(row(shown, each is best))
    return [*lines, "", f"Validation digits: judge A reads {baseline:.2%}. N = {n:,}, seed {SEED}."]


def style(model: Model, n: int) -> list[str]:
    """Ask for styles over the data's central 90 % and measure what came."""
    judge = JudgeA()
    validation = split_mnist().validation
    labels = natural_labels(n)
    spread = np.random.RandomState(0)
    lines = ["| asked for | from | to | correlation | error, median | judge A |"]
    lines.append("| --- " * 6 + "|")
    for k, name in enumerate(("slant", "thickness")):
        low, high = np.percentile(measure_style(validation.images)[k], (5, 95))
        wanted = spread.uniform(low, high, n)
        drawn = model.sample(labels, SEED, **{name: wanted})
        got = measure_style(drawn.images)[k]
        right = believed(judge.digits(drawn.images), possible_digits(drawn.images)) == labels
        correlation = np.corrcoef(wanted, got)[0, 1]
        error = np.median(np.abs(wanted - got))
        unit = "degrees" if name == "slant" else "px"
        cells = [name, f"{low:.2g} {unit}", f"{high:.2g} {unit}", f"{correlation:.3f}"]
        lines.append(f"| {' | '.join([*cells, f'{error:.2f} {unit}', f'{right.mean():.2%}'])} |")
    free = model.sample(labels, SEED)
    right = believed(judge.digits(free.images), possible_digits(free.images)) == labels
    return [*lines, "", f"Left free, judge A reads {right.mean():.2%}. N = {n:,} for each row."]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="digits")
    parser.add_argument("--count", type=int, default=COUNT, help="images for each row")
    parser.add_argument("--compile", action="store_true", help="use torch.compile")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--style-only", action="store_true", help="leave the choice as it is")
    asked = parser.parse_args()
    model = load(asked.model, asked.device)
    if asked.compile:
        model.compile()
    here = f"{machine(asked.device)}."
    tables = {"choice": choice, "style": style, "machine": lambda *_: [here]}
    for name, made in tables.items():
        if name == "choice" and asked.style_only:
            continue
        lines = made(model, asked.count)
        if (asked.model, asked.count) == ("digits", COUNT):
            replace(PAGE, name, lines)  # each as soon as it is made
        else:
            say.out(*lines)
