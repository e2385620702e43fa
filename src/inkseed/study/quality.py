"""The plot of a study: figures over evaluations, with a few rows in colour and the rest in grey."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, NullLocator, ScalarFormatter

from inkseed.evaluation.metrics import READINGS
from inkseed.plots import COLOURS, GREY, INK, NAME_SIZE, Plot, name_ends, plot, title
from inkseed.study.result import Result, Study
from inkseed.study.rows import CONTROL, STRATEGY
from inkseed.study.table import SHOWN

BEST = 3  # strategies in colour

Rows = dict[str, list[Result]]  # rows that cost more than one draw, by name, in order of cost


def quality_figure(study: Study) -> Plot:
    """Each row's figures over its network evaluations per image.

    At most six lines are labelled: real digits, Gaussian noise with more steps, the same with more
    guidance, and the best strategies (`highlighted`). Other rows are grey; the table names them.
    The square is a plain draw with its 95 % interval.
    """
    figure, axes = plot(1, len(SHOWN), (14, 4.6))
    rows = _by_name(study)
    colours = dict(zip(highlighted(study), COLOURS, strict=False))
    for axis, metric in zip(axes, SHOWN, strict=True):
        _panel(axis, metric, study, rows, colours)
    return figure


def highlighted(study: Study) -> list[str]:
    """The names in colour: the two controls with plain noise, and the BEST strategies.

    The best are the most accurate at their largest budget and, among equals, those with the smaller
    Fréchet distance.
    """
    rows = _by_name(study)
    plain = [name for name, own in rows.items() if _plain(own[0])]
    searches = [name for name, own in rows.items() if own[0].row.role == STRATEGY]

    def place(name: str) -> tuple[float, float]:
        values = rows[name][-1].measure.values
        return -values["accuracy"], values["frechet"]

    return plain + sorted(searches, key=place)[:BEST]


def _plain(result: Result) -> bool:
    """Whether a row is a control with Gaussian noise and without a search."""
    row = result.row
    return row.role == CONTROL and row.selector is None and row.cost_of is None


def _by_name(study: Study) -> Rows:
    rows: Rows = {}
    for result in sorted(study.results, key=lambda result: result.row.nfe):
        if result.row.budget is not None:
            rows.setdefault(result.row.name, []).append(result)
    return rows


def _panel(axis: Axes, metric: str, study: Study, rows: Rows, colours: dict[str, str]) -> None:
    ends = [("real", study.real.values[metric], INK)]
    axis.axhline(study.real.values[metric], color=INK, linewidth=1, linestyle=":")
    for name in sorted(rows, key=lambda name: name in colours):  # grey below
        costs = [result.row.nfe for result in rows[name]]
        values = [result.measure.values[metric] for result in rows[name]]
        strong = name in colours
        style = "-" if rows[name][0].row.role == STRATEGY else "--"
        axis.plot(
            costs,
            values,
            style if strong else "-",
            color=colours.get(name, GREY),
            marker="o",
            markersize=4 if strong else 3,
            linewidth=1.8 if strong else 1,
        )
        if strong:
            ends.append((name, values[-1], colours[name]))
    plain = study.results[0]
    estimate = plain.measure.estimate(metric)
    error = [[estimate.value - estimate.low], [estimate.high - estimate.value]]
    axis.errorbar([plain.row.nfe], [estimate.value], error, fmt="s", color=INK, capsize=3)
    axis.annotate(
        plain.row.name,
        (plain.row.nfe, estimate.high),
        xytext=(-4, 4),
        textcoords="offset points",
        fontsize=NAME_SIZE,
    )
    axis.set_xscale("log")
    axis.xaxis.set_major_formatter(ScalarFormatter())
    axis.xaxis.set_minor_locator(NullLocator())
    axis.set_xticks(_ticks([result.row.budget or plain.row.nfe for result in study.results]))
    if metric == "accuracy":
        axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:g} %"))
    axis.set_xlabel("network evaluations per image")
    title(axis, f"{READINGS[metric].title} ({READINGS[metric].better} is better)")
    name_ends(axis, ends)


def _ticks(costs: Sequence[int]) -> list[int]:
    """Costs that are far enough apart on a log axis to label."""
    kept: list[int] = []
    for cost in sorted(set(costs)):
        if not kept or cost >= 1.7 * kept[-1]:
            kept.append(cost)
    return kept
