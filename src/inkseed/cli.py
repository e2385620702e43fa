"""The command line, thin: heavy imports stand inside the commands, so that `--help` is quick."""

import json
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from inkseed.errors import InkseedError
from inkseed.weights import DEFAULT_GUIDE_W, DEFAULT_MODEL, find_model

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import torch

    from inkseed.model import Model

CURVE = "0,0.5,2"  # the strengths of the guidance trade-off curve
MAX_TRACED = 200  # images in one GIF: more would be too small to see, and too much to hold

app = typer.Typer(
    name="inkseed",
    help="Turn noise into labelled handwritten digits and numbers.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Seed = Annotated[int, typer.Option(help="Same seed, same picture.", min=0, max=2**63 - 1)]
ModelName = Annotated[str, typer.Option(help="A bundled model's name, or a model file.")]
Device = Annotated[str, typer.Option(help="cpu, or cuda where there is a GPU.")]
Threads = Annotated[int | None, typer.Option(help="Processor threads to use.", min=1, max=1024)]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of words.")]


@app.command()
def write(
    number: Annotated[str, typer.Argument(help="1 to 64 digits; leading zeros count.")],
    out: Annotated[Path, typer.Option(help="Where the picture goes, a .png.")] = Path("number.png"),
    seed: Seed = 0,
    guide_w: Annotated[float, typer.Option(help="Guidance: 0 is off.")] = DEFAULT_GUIDE_W,
    model: ModelName = DEFAULT_MODEL,
    device: Device = "cpu",
    threads: Threads = None,
    as_json: Json = False,
) -> None:
    """Write a number in generated handwriting: one picture, dark ink on light paper."""
    from inkseed.files import check_writable
    from inkseed.labels import check_number

    check_number(number)
    check_writable(out, (".png",))
    _check_guidance([guide_w])
    loaded = _load(model, device, threads)
    from inkseed.number import write as write_number

    with _progress(f"writing {number}", len(number) * loaded.schedule.n_T, "steps") as advance:
        written = write_number(number, seed, guide_w, loaded, on_step=advance)
    written.save(out)
    if as_json:
        facts = {"out": str(out), "number": number, "seed": seed, "guide_w": guide_w}
        print(json.dumps({**facts, "boxes": written.boxes, "nfe": written.nfe}))
    else:
        print(out)


@app.command()
def sample(
    out: Annotated[Path, typer.Option(help="An .npz, a .png figure, or a folder to fill.")],
    labels: Annotated[str, typer.Option(help="Such as 0-9 or 3,5,7.")] = "0-9",
    count: Annotated[int, typer.Option(help="Images for each label.", min=1, max=100_000)] = 4,
    seed: Seed = 0,
    guide_w: Annotated[
        str, typer.Option(help="Guidance, 0 is off; several, as 0,0.5,2, share their noise.")
    ] = f"{DEFAULT_GUIDE_W:g}",
    trace: Annotated[
        Path | None, typer.Option(help="Also draw the way from noise to digits, a .gif.")
    ] = None,
    model: ModelName = DEFAULT_MODEL,
    device: Device = "cpu",
    threads: Threads = None,
    as_json: Json = False,
) -> None:
    """Draw labelled digits: arrays, a figure, or a folder of pictures."""
    from inkseed.labels import parse_labels, parse_numbers

    strengths = parse_numbers(guide_w, "--guide-w")
    _check_guidance(strengths)
    wanted = parse_labels(labels)
    from inkseed.files import check_writable

    check_writable(out, (".npz", ".png", ""))
    if trace is not None:
        check_writable(trace, (".gif",))
        if len(wanted) * count * len(strengths) > MAX_TRACED:
            raise InkseedError(f"--trace draws at most {MAX_TRACED} images: lower --count")
    loaded = _load(model, device, threads)
    from inkseed.export import save_samples, save_trace

    classes = loaded.indices(wanted)
    images = len(classes) * count * len(strengths)
    with _progress(f"{images} digits", images * loaded.schedule.n_T, "steps") as advance:
        groups = [
            loaded.sample(classes * count, seed, w, trace=trace is not None, on_step=advance)
            for w in strengths
        ]
    save_samples(groups, loaded.class_names, len(classes), out)
    if trace is not None:
        save_trace(groups, len(classes), trace)
    if as_json:
        nfe = {f"{w:g}": group.nfe for w, group in zip(strengths, groups, strict=True)}
        print(json.dumps({"out": str(out), "images": images, "seed": seed, "nfe": nfe}))
    else:
        print(*([out] if trace is None else [out, trace]), sep="\n")


@app.command()
def evaluate(
    samples: Annotated[
        Path | None, typer.Argument(help="An .npz with images and labels, or a labelled folder.")
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="Draw the set from a model instead: a name, or a file.")
    ] = None,
    count: Annotated[
        int | None,
        typer.Option(help="With --model: images for each label. [50]", min=2, max=100_000),
    ] = None,
    guide_w: Annotated[
        str | None, typer.Option(help="With --model: one or several, as 0,0.5,2; all with --out.")
    ] = None,
    seed: Seed = 0,
    usefulness: Annotated[
        bool, typer.Option("--usefulness", help="Also teach a classifier with the set: minutes.")
    ] = False,
    final: Annotated[
        bool, typer.Option("--final", help="Floors on MNIST's test digits: for final tables only.")
    ] = False,
    out: Annotated[Path | None, typer.Option(help="Also write a page to read, an .html.")] = None,
    device: Device = "cpu",
    threads: Threads = None,
    as_json: Json = False,
) -> None:
    """Measure labelled digits against real ones: figures, intervals, floors."""
    from inkseed.files import check_writable

    if (samples is None) == (model is None):
        raise InkseedError("give a set, as in: inkseed evaluate samples.npz; or --model NAME")
    if model is None and (count is not None or guide_w is not None):
        raise InkseedError("--count and --guide-w are for --model: a set is measured as it is")
    if out is not None:
        check_writable(out, (".html",))
    if model is None:
        _device(device, threads)
        from inkseed.evaluate import read_sets

        sets = read_sets(samples or "")
    else:
        from inkseed.labels import parse_numbers

        curve = CURVE if out is not None else f"{DEFAULT_GUIDE_W:g}"
        strengths = parse_numbers(curve if guide_w is None else guide_w, "--guide-w")
        _check_guidance(strengths)
        loaded = _load(model, device, threads)
        from inkseed.evaluate.sets import draw_sets

        count = 50 if count is None else count
        total = 10 * count * len(strengths) * loaded.schedule.n_T
        with _progress("drawing digits", total, "steps") as advance:
            sets = draw_sets(loaded, count, strengths, seed, advance)
    from inkseed.evaluate import evaluate as measure
    from inkseed.evaluate.evaluation import add_usefulness, images_to_read

    with _progress("reading", images_to_read(sets), "images") as advance:
        found = measure(sets, final, advance)
    if usefulness:
        from inkseed.evaluate.usefulness import steps_in_all

        steps = steps_in_all(sets[0], found.yardstick.training)
        with _progress("teaching classifiers", steps, "steps") as advance:
            add_usefulness(found, advance)
    if out is not None:
        from inkseed.evaluate.page import save_page

        save_page(found, out)
    if as_json:
        print(json.dumps(found.as_json()))
    else:
        from rich.console import Console

        from inkseed.evaluate.table import print_evaluation

        print_evaluation(found, Console())
        if out is not None:
            print(out)


@app.command()
def train(
    recipe: Annotated[str, typer.Argument(help="report, smoke, or a TOML file.")],
    out: Annotated[Path | None, typer.Option(help="The run's folder. [runs/RECIPE]")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on after the last epoch.")] = False,
    compile_network: Annotated[
        bool, typer.Option("--compile", help="Use torch.compile: needs a C++ compiler.")
    ] = False,
    device: Device = "cpu",
    threads: Threads = None,
) -> None:
    """Train a model by a recipe; a run that was stopped goes on with --resume."""
    from inkseed.recipes import load_recipe

    settings = load_recipe(recipe)
    name = Path(recipe).stem
    folder = out or Path("runs") / name
    where = _device(device, threads)
    from inkseed.train import train as run

    try:
        print(run(settings, name, folder, resume, where, compile_network))
    except KeyboardInterrupt:
        hint = f"inkseed train {recipe} --out {folder} --resume"
        print(f"inkseed: stopped; whole epochs are kept. Go on with: {hint}", file=sys.stderr)
        raise typer.Exit(130) from None


def main(arguments: list[str] | None = None) -> None:
    """Run the command line: exit 0, or 2 and one line on standard error for a user's mistake."""
    arguments = sys.argv[1:] if arguments is None else arguments
    command = typer.main.get_command(app)
    try:
        status = command.main(arguments or ["--help"], "inkseed", standalone_mode=False)
    except InkseedError as error:
        _fail(str(error))
    except typer.TyperException as error:  # what typer itself finds wrong with the arguments
        context = getattr(error, "ctx", None)
        explain = getattr(error, "format_message", error.__str__)
        _fail(f"{explain()} See: {context.command_path if context else 'inkseed'} --help")
    except (KeyboardInterrupt, typer.Abort):
        print("inkseed: stopped; no unfinished file is left", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:  # the reader of our output has gone: not our mistake, nor the user's
        sys.stderr.close()
        sys.exit(1)
    except OSError as error:  # a name too long, a folder that may not be searched
        _fail(f"{error.filename or 'cannot go on'}: {error.strerror or error}")
    sys.exit(status or 0)


def _fail(message: str) -> None:
    print("inkseed:", " ".join(message.split()), file=sys.stderr)
    sys.exit(2)


def _check_guidance(strengths: list[float]) -> None:
    for w in strengths:
        if not -1 <= w <= 100:
            raise InkseedError(f"--guide-w must be from -1 to 100, not {w:g}")


def _load(name: str, device: str, threads: int | None) -> "Model":
    find_model(name)  # before the second that importing torch takes
    where = _device(device, threads)
    from inkseed.model import load

    return load(name, where)


def _device(name: str, threads: int | None) -> "torch.device":
    import torch

    from inkseed.model import find_device

    if threads is not None:
        torch.set_num_threads(threads)
    return find_device(name)


@contextmanager
def _progress(what: str, total: int, unit: str) -> "Iterator[Callable[[int], Any]]":
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
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(unit, total=total)
        yield lambda count: progress.advance(task, count)
