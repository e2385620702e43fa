"""The table of a study, for the terminal and in Markdown, with its legend."""

from rich.box import SIMPLE_HEAD
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from inkseed.console import Console
from inkseed.evaluation.metrics import shown
from inkseed.study.result import Result, Study
from inkseed.study.rows import STRATEGY
from inkseed.study.ruler import Measure

SHOWN = ("accuracy", "frechet", "coverage")
COLUMNS = (
    *("noise", "NFE", "accuracy", "accuracy difference", "Fréchet distance"),
    *("distance difference", "coverage", "coverage difference"),
)
REAL, COMPARED_WITH, SAME = "real (validation)", "—", "same"


def print_study(study: Study, console: Console) -> None:
    """Print one line per row, what the marks mean, and how good each score is."""
    console.print(study_table(study))
    for line in (*legend(study), "", *score_lines(study)):
        console.print(Padding(Text(line, style="dim"), (0, 0, 0, 2), expand=False))


def study_table(study: Study) -> Table:
    """Real digits, strategies and controls, with differences at equal cost."""
    how = ", ".join(
        f"{key} {value}" for key, value in study.settings.how.items() if value is not None
    )
    title = f"{study.settings.model}, {how or 'defaults'}: N = {study.n:,} images a row, judge B"
    table = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD)
    for column in COLUMNS:
        words = column.replace(" ", "\n")
        table.add_column(words, justify="left" if column == COLUMNS[0] else "right")
    table.add_row(*real_cells(study.real, study.n), style="dim")
    table.add_section()
    budget = None
    for result in study.results:
        if result.row.budget != budget:
            table.add_section()
            budget = result.row.budget
        table.add_row(*cells(result), style="" if result.row.role == STRATEGY else "dim")
    return table


def markdown(study: Study) -> list[str]:
    """The same table and its legend as lines of Markdown."""
    rows = [real_cells(study.real, study.n), *map(cells, study.results)]
    lines = [f"| {' | '.join(row)} |" for row in (COLUMNS, ["---"] * len(COLUMNS), *rows)]
    return [*lines, "", *(f"- {line}" for line in legend(study))]


def legend(study: Study) -> list[str]:
    """What the marks in the table mean."""
    settings = study.settings
    return [
        f"N = {study.n:,} images in every row, {settings.count} for each of {settings.seeds} seeds,"
        " with labels in MNIST's own mix. NFE: network evaluations per image.",
        f"{REAL}: held-out real digits with the same labels, measured in the same way. Images as"
        " good as real would look like this in a sample of this size.",
        f"A difference is from the nearest row above that has {COMPARED_WITH}: Gaussian noise at"
        " the same number of evaluations, a plain draw in the first block and more steps in all"
        " others. ± is half its 95 % interval; accuracy differences are in points.",
        f"{SAME}: nothing differs; for accuracy, on no image.",
        "*: a difference that chance alone would give less than once in 1,000, by McNemar's exact"
        " test for accuracy and a 99.9 % interval for the others.",
    ]


def cells(result: Result) -> list[str]:
    """The cells of a row."""
    texts = [result.row.name, str(result.row.nfe)]
    for metric in SHOWN:
        texts += [shown(metric, result.measure.values[metric]), difference(result, metric)]
    return texts


def real_cells(real: Measure, n: int) -> list[str]:
    """The cells of the real digits' row, which says how many there are if not `n`."""
    count = len(real.right)
    texts = [REAL if count == n else f"{REAL[:-1]}, N = {count:,})", ""]
    for metric in SHOWN:
        texts += [shown(metric, real.values[metric]), ""]
    return texts


def difference(result: Result, metric: str) -> str:
    """The difference from Gaussian noise at equal cost, and half its 95 % interval.

    An asterisk marks what chance would give less than once in a thousand. In a table of more than a
    hundred comparisons, 95 % intervals alone would find five effects where there are none.
    """
    if result.measure is result.equal:
        return COMPARED_WITH
    if result.same(metric):
        return SAME
    value, reach = result.difference(metric)
    scale, digits = (100, 2) if metric == "accuracy" else (1, 3)
    star = "*" if result.certain(metric) else ""
    if max(abs(value), reach) * scale < 0.5 * 10**-digits:  # it would read 0 ± 0, but is not 0
        return f"< {10**-digits:g}{star}"
    return f"{scale * value:+.{digits}f} ± {scale * reach:.{digits}f}{star}"


def score_lines(study: Study) -> list[str]:
    """What the selectors' scores say about B's readings."""
    lines = ["correlation of a score with B reading the label, within class; partial on ink mass:"]
    for name, kinds in study.correlations.items():
        both = [f"{e.value:+.3f} ({e.low:+.3f} to {e.high:+.3f})" for e in kinds.values()]
        lines.append(f"{name}: {'; '.join(both)}")
    agreed = ", ".join(f"{value:.2f} at {steps}" for steps, value in study.rank_agreement.items())
    lines.append(f"rank agreement of stability at 10 steps with that at more: {agreed}")
    lines.append("variance of a mean of 8 images of a digit, over that of independent images:")
    for name, kinds in study.variance.items():
        figures = [f"{what} {e.value:.2f} ± {e.high - e.value:.2f}" for what, e in kinds.items()]
        lines.append(f"{name}: {', '.join(figures)}")
    return lines
