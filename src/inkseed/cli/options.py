"""Options that commands share, and what every command does with them.

`inkseed.cli.naming` fills in the words in braces.
"""

import gc
import math
from collections.abc import Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from inkseed.checks import real_number
from inkseed.errors import InkseedError
from inkseed.interrupt import to_be_left_in_order
from inkseed.labels import number_in
from inkseed.model.weights import find_model

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import torch

    from inkseed.data.how_to_read import HowToRead
    from inkseed.model.model import Model

PATH = "<path>"  # how help names what may be any file or folder
Seed = Annotated[
    int,
    typer.Option(
        help="Same seed, same picture: byte for byte on one machine with the same options, within"
        " rounding on another.",
        min=0,
        max=2**63 - 1,
    ),
]
ModelName = Annotated[str, typer.Option(help="A bundled model, or a model file.")]
SamplerName = Annotated[
    str | None,
    typer.Option(help="{samplers}, or a .py file that registers your own. [the model's own]"),
]
GuideW = Annotated[
    float | None,
    typer.Option(help="Guidance strength; 0 is off. [the model's own]", show_default=False),
]
LEAN, WIDTH = (
    "Degrees to the right, such as -15 or 30.",
    "Stroke width in pixels, such as 1.5 or 4.",
)
Slant = Annotated[float | None, typer.Option(help=f"{LEAN} [varies as in the data]")]
Thickness = Annotated[float | None, typer.Option(help=f"{WIDTH} [varies as in the data]")]
NumberSlant = Annotated[float | None, typer.Option(help=f"{LEAN} [drawn from the seed]")]
NumberThickness = Annotated[float | None, typer.Option(help=f"{WIDTH} [drawn from the seed]")]
SlantRange = Annotated[
    str | None,
    typer.Option(metavar="A-B", help="Degrees to the right, such as -10-20. [the hand's own]"),
]
ThicknessRange = Annotated[
    str | None, typer.Option(metavar="A-B", help="Stroke width in pixels. [the hand's own]")
]
Steps = Annotated[
    int | None,
    typer.Option(
        help="How many steps the sampler takes. [the model's own, or the sampler's]",
        min=1,
        max=100_000,
    ),
]
Spacing = Annotated[
    str | None,
    typer.Option(help="How the steps are spaced: {spacings}. [the model's own, or the sampler's]"),
]
GuideInterval = Annotated[
    str | None,
    typer.Option(
        metavar="LOW,HIGH",
        help="Guide only where there is LOW to HIGH times as much noise as signal, such as 0.3,6;"
        " 0,inf is everywhere. [the model's own]",
    ),
]
Precision = Annotated[
    str | None,
    typer.Option(
        help="What the network computes in: float32, or bfloat16, which changes pixels slightly."
        " [bfloat16 if the device is fast in it]"
    ),
]
Noise = Annotated[
    str,
    typer.Option(
        help="How to choose the starting noise. At no extra cost: {free}; by search:"
        " {searches}{installed}; or a .py file that registers your own."
    ),
]
Candidates = Annotated[
    int | None,
    typer.Option(help="How many noises a search tries for each image. [10]", min=1, max=10_000),
]
FormName = Annotated[
    str,
    typer.Option(
        "--form",
        help="How to place and scale your digits: mnist as in MNIST; keep leaves them and"
        " their grey levels alone; auto as each set needs.",
    ),
]
PaperName = Annotated[
    str, typer.Option("--paper", help="Your pictures' paper: light, dark, or auto to detect it.")
]
Transposed = Annotated[
    bool, typer.Option("--transposed", help="Your arrays have columns first, as EMNIST's do.")
]
Compile = Annotated[
    bool,
    typer.Option(
        "--compile",
        help="Use torch.compile, worth it for many images; needs a C++ compiler. In float32,"
        " pixels change by a grey level or two; in bfloat16 some change visibly.",
    ),
]
CompileTraining = Annotated[
    bool,
    typer.Option(
        "--compile",
        help="Use torch.compile: a slow start, then faster training; needs a C++ compiler.",
    ),
]
Device = Annotated[str, typer.Option(help="cpu, or cuda or mps if there is a GPU.")]
Threads = Annotated[int | None, typer.Option(help="Processor threads to use.", min=1, max=1024)]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]


def how_to_read(form: str, paper: str, transposed: bool) -> "HowToRead":
    """How to read the user's own images. Raises InkseedError for an unknown word."""
    from inkseed.data.how_to_read import HowToRead

    return HowToRead(paper, form, transposed)  # type: ignore[arg-type]


def check_option(what: str, doubted: str = "what") -> Any:
    """The option `--check`, which has judge A read `what` and redraw what it doubts of that."""
    return typer.Option(
        "--check", help=f"Have judge A read {what}, and redraw {doubted} it doubts."
    )


def output_option(text: str, *names: str) -> Any:
    """An option that names a file or folder to write; `text` is its help."""
    return typer.Option(*names, help=text, parser=_output, metavar=PATH)


def _output(text: str) -> Path:
    """An output path as typed. Raises typer.BadParameter for an empty one."""
    if not text:
        raise typer.BadParameter("it is empty: give a name")
    return Path(text)


def check_style(slant: float | None, thickness: float | None) -> None:
    """Raise InkseedError for a style that is NaN; None leaves it free."""
    for name, value in (("--slant", slant), ("--thickness", thickness)):
        if value is not None:
            real_number(value, name)


def check_guidance(strengths: Sequence[float | None]) -> None:
    """Raise InkseedError for guidance out of range; None is the model's own."""
    for w in strengths:
        if w is not None and not -1 <= w <= 100:
            raise InkseedError(f"--guide-w must be from -1 to 100, not {w:g}")


def parse_interval(text: str | None) -> tuple[float, float | None] | None:
    """`0.3,6` -> the interval; an upper end of `inf` becomes None, which JSON has too.

    Raises InkseedError for anything but two numbers from 0 up, the lower one first.
    """
    if text is None:
        return None
    numbers = [number_in(part) for part in text.split(",")]
    low, high = numbers if len(numbers) == 2 else (None, None)
    if low is None or high is None:
        low, high = -1.0, 0.0
    if low > high >= 0:
        raise InkseedError(
            f"--guide-interval must be LOW,HIGH, the lower first: write {high:g},{low:g}"
        )
    if not 0 <= low <= high or math.isinf(low):
        raise InkseedError(
            f"--guide-interval must be LOW,HIGH, two numbers from 0 up, as in 0.3,6: not"
            f" {text[:40]!a}"
        )
    return low, None if math.isinf(high) else high


def load_model(name: str, device: str, threads: int | None) -> "Model":
    """Load a model onto its device; a wrong name is refused before torch is imported."""
    find_model(name)
    where = choose_device(device, threads)
    from inkseed.model.loading import load

    return load(name, where)


def choose_device(name: str, threads: int | None) -> "torch.device":
    """The device called `name`; also set how many threads torch uses.

    From here on garbage is collected: all work needs a device.
    """
    import torch

    from inkseed.nn.device import find_device

    gc.freeze()  # what imports have left stays anyway: no collection need look at it
    gc.enable()
    if threads is not None:
        torch.set_num_threads(threads)
    return find_device(name)


@contextmanager
def progress(what: str, total: int, unit: str) -> "Iterator[Callable[[int], Any]]":
    """A progress bar on standard error that disappears when the work is done."""
    from rich.progress import (
        BarColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )

    from inkseed.console import Console

    columns = (TextColumn(what), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    hidden = not console.is_interactive  # where rich would leave an empty line
    with (
        to_be_left_in_order(),
        Progress(*columns, console=console, transient=True, disable=hidden) as bar,
    ):
        task = bar.add_task(unit, total=total)

        def advance(count: int) -> None:
            bar.advance(task, count)
            if bar.tasks[task].completed > total:  # images are being redrawn, nobody knows how many
                bar.update(task, total=None)

        yield advance


def what_the_judge_said(redrawn: int, doubted: int, of: str) -> str:
    """One line on a check of things called `of`, such as digits."""
    redraws = "" if not redrawn else "1 redraw; " if redrawn == 1 else f"{redrawn:,} redraws; "
    if not doubted:
        return f"{redraws}judge A is confident of every {of}"
    many = f"1 {of}" if doubted == 1 else f"{doubted:,} {of}s"
    return f"{redraws}judge A still doubts {many}: --json says which"
