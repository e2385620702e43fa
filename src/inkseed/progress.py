"""The bar of a training run: images done, images a second, the recent loss, the time left."""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

RECENT = 50  # steps that the shown loss and speed are averaged over


@contextmanager
def training_bar(
    total: int, done: int, shown: bool = True
) -> Iterator[Callable[[int, float, float], None]]:
    """Yield a function to be told (images, loss, images a second) after every step."""
    columns = (
        TextColumn("images"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[speed]}"),
        TextColumn("{task.fields[loss]}"),
        TimeRemainingColumn(),
    )
    recent: deque[tuple[float, float]] = deque(maxlen=RECENT)
    with Progress(*columns, console=Console(stderr=True), disable=not shown) as bar:
        task = bar.add_task("train", total=total, completed=done, loss="", speed="")

        def tell(images: int, loss: float, speed: float) -> None:
            recent.append((loss, speed))
            losses, speeds = zip(*recent, strict=True)
            bar.update(
                task,
                completed=min(total, int(bar.tasks[task].completed) + images),
                loss=f"loss {sum(losses) / len(losses):.4f}",
                speed=f"{sum(speeds) / len(speeds):.0f}/s",
            )

        yield tell
