"""Options that commands share, and what every command does with them.

Words in braces, in help, stand for names from the registries: see `inkseed.cli.naming`.
"""

import math
import os
from collections.abc import Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from inkseed.errors import InkseedError
from inkseed.labels import check_not_nan
from inkseed.model.weights import find_model

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import torch

    from inkseed.data.how_to_read import HowToRead
    from inkseed.model.model import Model

Seed = Annotated[
    int,
    typer.Option(
        help="Same seed, same picture: to the byte on one machine with the same options, within"
        " rounding elsewhere.",
        min=0,
        max=2**63 - 1,
    ),
]
ModelName = Annotated[str, typer.Option(help="A bundled model's name, or a model file.")]
SamplerName = Annotated[
    str | None,
    typer.Option(help="{samplers}; or a .py file that registers yours. [the model's own]"),
]
GuideW = Annotated[
    float | None, typer.Option(help="Guidance: 0 is off. [the model's own]", show_default=False)
]
Slant = Annotated[
    float | None,
    typer.Option(
        help="Lean to the right, in degrees, as -15 or 30. [the hand's, or free; where the model"
        " knows no hand, in a number the seed's]"
    ),
]
Thickness = Annotated[
    float | None,
    typer.Option(help="Width of the strokes in pixels, as 1.5 or 4. [as for --slant]"),
]
Steps = Annotated[
    int | None,
    typer.Option(
        help="Steps from noise to digit. [the model's own, or the sampler's]", min=1, max=100_000
    ),
]
Spacing = Annotated[
    str | None,
    typer.Option(help="Where the steps lie: {spacings}. [the model's own, or the sampler's]"),
]
GuideInterval = Annotated[
    str | None,
    typer.Option(
        metavar="LOW,HIGH",
        help="Guide only where noise is LOW to HIGH times the signal, as 0.3,6; 0,inf: everywhere."
        " [the model's own]",
    ),
]
Precision = Annotated[
    str | None,
    typer.Option(
        help="What the network computes in: float32, or bfloat16, which moves pixels a little."
        " [bfloat16 where the processor is fast in it]"
    ),
]
Noise = Annotated[
    str,
    typer.Option(
        help="Strategy for the starting noise: {free}; those that search:"
        " {searches}{installed}; or a .py file that registers yours."
    ),
]
Candidates = Annotated[
    int | None,
    typer.Option(
        help="Noises that a strategy that searches tries for each digit. [10]", min=1, max=10_000
    ),
]
FormName = Annotated[
    str,
    typer.Option(
        "--form",
        help="Your digits' place and size: mnist puts all in MNIST's form, keep leaves them and"
        " their grey levels as they are, auto does what each set needs.",
    ),
]
PaperName = Annotated[
    str, typer.Option("--paper", help="Your pictures' paper: light, dark, or auto to look.")
]
Transposed = Annotated[
    bool, typer.Option("--transposed", help="Your arrays have columns first, as EMNIST's files.")
]
Compile = Annotated[
    bool,
    typer.Option(
        "--compile",
        help="Use torch.compile: for many images, needs a C++ compiler. Pixels stay within a grey"
        " level or two in float32; in bfloat16 some move visibly.",
    ),
]
Device = Annotated[str, typer.Option(help="cpu; cuda or mps where there is a GPU.")]
Threads = Annotated[int | None, typer.Option(help="Processor threads to use.", min=1, max=1024)]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of words.")]


def how_to_read(form: str, paper: str, transposed: bool) -> "HowToRead":
    """What was asked of the reading of one's own images; a wrong word is told here."""
    from inkseed.data.how_to_read import HowToRead

    return HowToRead(paper, form, transposed)  # type: ignore[arg-type]


def is_main_process() -> bool:
    """Whether this process speaks for all that `torchrun` started."""
    return os.environ.get("RANK", "0") == "0"


def check_style(slant: float | None, thickness: float | None) -> None:
    """Refuse a style that is no number; None leaves it free."""
    for name, value in (("--slant", slant), ("--thickness", thickness)):
        check_not_nan(value, name)


def check_guidance(strengths: Sequence[float | None]) -> None:
    """Refuse guidance that no model is made for; None is the model's own."""
    for w in strengths:
        if w is not None and not -1 <= w <= 100:
            raise InkseedError(f"--guide-w must be from -1 to 100, not {w:g}")


def parse_interval(text: str | None) -> tuple[float, float | None] | None:
    """`0.3,6` -> the interval; `inf` as its upper end is None, which JSON has too.

    Raises InkseedError for anything but two numbers that rise from 0 or more.
    """
    if text is None:
        return None
    try:
        low, high = map(float, text.split(","))
    except ValueError:
        low, high = 1.0, 0.0
    if not 0 <= low <= high or math.isinf(low):
        raise InkseedError(f"--guide-interval must be LOW,HIGH, as in 0.3,6: not {text[:40]!a}")
    return low, None if math.isinf(high) else high


def load_model(name: str, device: str, threads: int | None) -> "Model":
    """The model, on its device; a wrong name is told before torch is imported."""
    find_model(name)
    where = choose_device(device, threads)
    from inkseed.model.loading import load

    return load(name, where)


def choose_device(name: str, threads: int | None) -> "torch.device":
    """The device of that name, with torch held to so many threads."""
    import torch

    from inkseed.nn.device import find_device

    if threads is not None:
        torch.set_num_threads(threads)
    return find_device(name)


@contextmanager
def progress(what: str, total: int, unit: str) -> "Iterator[Callable[[int], Any]]":
    """A bar on standard error that goes away when the work is done."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (TextColumn(what), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(unit, total=total)

        def advance(count: int) -> None:
            bar.advance(task, count)
            if bar.tasks[task].completed > total:  # what is drawn again: nobody knows how much
                bar.update(task, total=None)

        yield advance
