"""The progress bar of a training run, and a line on how long the run will take."""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from inkseed.console import Console
from inkseed.interrupt import to_be_left_in_order

RECENT = 50  # steps over which the loss and speed shown are averaged
MEASURED_SECONDS = 5.0  # of training, at least, before its duration is forecast


@contextmanager
def training_bar(
    steps: int, done: int, batch_size: int, shown: bool = True
) -> Iterator[Callable[[float, float], None]]:
    """Yield a function to call with (loss, images per second) after each step.

    `done` steps were taken before. Once a few have been timed, a line says how long the rest will
    take.
    """
    columns = (
        TextColumn("images"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[speed]}"),
        TextColumn("{task.fields[loss]}"),
        TimeRemainingColumn(),
    )
    recent: deque[tuple[float, float]] = deque(maxlen=RECENT)
    with (
        to_be_left_in_order(),
        Progress(*columns, console=Console(stderr=True), disable=not shown) as bar,
    ):
        total, completed = steps * batch_size, done * batch_size
        task = bar.add_task("train", total=total, completed=completed, loss="", speed="")
        first, seen, told = 0.0, 0, not shown  # the first step also warms up: it is not measured

        def tell(loss: float, speed: float) -> None:
            nonlocal first, seen, told
            recent.append((loss, speed))
            losses, speeds = zip(*recent, strict=True)
            bar.update(
                task,
                advance=batch_size,
                loss=f"loss {sum(losses) / len(losses):.4f}",
                speed=f"{sum(speeds) / len(speeds):.0f}/s",
            )
            seen += 1
            now = monotonic()
            if seen == 1:
                first = now
            elif not told and now - first >= MEASURED_SECONDS:
                told = True
                left = steps - done
                seconds = (now - first) / (seen - 1) * left
                bar.console.print(_forecast(seconds, left), soft_wrap=True)

        yield tell


def _forecast(seconds: float, steps: int) -> str:
    """How long the remaining steps will take, in plain words."""
    how_long = f"about {in_words(seconds)} on this machine for {steps:,} steps"
    return f"inkseed: {how_long}; Ctrl-C stops the run, --resume continues it"


def in_words(seconds: float) -> str:
    """A duration as people say it: 40 seconds, 25 minutes, 14 hours, 3 days."""
    for unit, size in (("day", 86_400), ("hour", 3600), ("minute", 60)):
        if seconds >= 1.75 * size:
            return f"{seconds / size:.0f} {unit}s"
    return f"{seconds:.0f} seconds" if seconds >= 1.5 else "a second"
