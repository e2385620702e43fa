"""The evaluation as a table in the terminal."""

from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.table import Table
from rich.text import Text

from inkseed.console import Console
from inkseed.evaluation.evaluation import Evaluation, SetResult
from inkseed.evaluation.metrics import READINGS, shown
from inkseed.evaluation.registry import readings

ABOVE = "  above real"
Row = tuple[str, str, str, str, str]  # metric, figure, interval, baseline, which way is better


def print_evaluation(evaluation: Evaluation, console: Console) -> None:
    """Print each set's table and notes, then usefulness, then what the figures are based on."""
    for each in evaluation.sets:
        console.print(set_table(each))
        for note in each.notes:
            console.print(Text(f"  {note}", style="red" if note.startswith("REPLAY") else "dim"))
    if evaluation.usefulness is not None:
        console.print(usefulness_lines(evaluation.usefulness, evaluation.held_out))
    real = f"real: the same number of held-out digits ({evaluation.held_out})"
    sha = evaluation.real_digits.reference.judge.sha256[:12]
    console.print(Text(f"{real}; judge B {sha}; {evaluation.seconds:.0f} s", style="dim"))
    console.print(Text(f"Fréchet distance: {READINGS['frechet'].meaning}", style="dim"))


def set_table(result: SetResult) -> Table:
    """Metric, figure, interval, baseline, and which way is better."""
    guided = "" if result.judged.guide_w is None else f", guide_w {result.judged.guide_w:g}"
    table = Table(
        title=f"{result.n:,} images{guided}",
        title_justify="left",
        title_style="bold",
        box=SIMPLE_HEAD,
    )
    table.add_column("metric", no_wrap=True)
    table.add_column("figure", justify="right")
    table.add_column("95 % interval", justify="right", no_wrap=True)
    table.add_column("real", justify="right")
    table.add_column("better", no_wrap=True)
    for row in rows(result):
        table.add_row(*row)
    return table


def rows(result: SetResult) -> list[Row]:
    """The rows of the table as text, with an asterisk where classes are weighted."""
    found, known = [], readings()
    for name, metric in result.metrics.items():
        title = known[name].title + (" *" if result.is_weighed(name) else "")
        figure, low, high, baseline = (
            shown(name, value, known)
            for value in (metric.value, metric.low, metric.high, metric.baseline)
        )
        found.append((title, figure, f"{low} to {high}", baseline, known[name].better))
        if name == "frechet":
            value, low, high = (f"{each:+.3f}" for each in metric.excess)
            found.append((ABOVE, value, f"{low} to {high}", "", "= 0"))
    return found


def usefulness_lines(found: dict, held_out: str) -> Group:
    """What classifiers learned from the set, from real images, and from both."""
    lines = [
        f"usefulness: classifiers trained on {found['n']:,} images, tested on real ({held_out})"
    ]
    for arm, scores in found["accuracy"].items():
        lines.append(f"  {arm:10s} {sum(scores) / len(scores):.2%}")
    for name, words in (("gap", "real minus synthetic"), ("gain", "both minus real")):
        gap = found[name]
        points = (100 * gap[key] for key in ("value", "low", "high"))
        lines.append("  {}: {:.2f} points ({:.2f} to {:.2f})".format(words, *points))
    return Group(*(Text(line) for line in lines))
