"""`inkseed train`."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from inkseed import say
from inkseed.cli.options import (
    CompileTraining,
    Device,
    FormName,
    PaperName,
    Threads,
    Transposed,
    choose_device,
    how_to_read,
    output_option,
)
from inkseed.errors import InkseedError
from inkseed.leaving import is_main_process


def train(
    recipe: Annotated[
        str,
        typer.Argument(help="{recipes}, or a TOML file."),
    ],
    out: Annotated[Path | None, output_option("The run's folder. [runs/RECIPE]")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue a stopped run.")] = False,
    data: Annotated[
        Path | None,
        typer.Option(
            help="Your images: a folder with a folder per label, an .npz, IDX images, or a .csv."
        ),
    ] = None,
    size: Annotated[
        str | None, typer.Option(help="Resize your images: 28, or HEIGHTxWIDTH such as 28x56.")
    ] = None,
    form: FormName = "auto",
    paper: PaperName = "auto",
    transposed: Transposed = False,
    start: Annotated[
        str | None, typer.Option("--from", help="Start from a bundled model or a model file.")
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(help="Passes over the images. [the recipe's]", min=1)
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(help="Same seed, same weights. [the recipe's]", min=0, max=2**63 - 1),
    ] = None,
    compile_network: CompileTraining = False,
    device: Device = "cpu",
    threads: Threads = None,
) -> None:
    """Train a model by a recipe; --resume continues a stopped run."""
    from inkseed.files import check_apart
    from inkseed.training.recipes import load_recipe

    settings = load_recipe(recipe)
    if epochs is not None:
        settings = replace(settings, epochs=epochs)
    if seed is not None:
        settings = replace(settings, seed=seed)
    name = Path(recipe).stem
    folder = out or Path("runs") / name
    check_apart(folder, data, "--data")
    resized = None if size is None else _parse_size(size)
    how = how_to_read(form, paper, transposed)
    where = choose_device(device, threads)
    from inkseed.training.loop import train as run
    from inkseed.training.run_folder import SETTINGS

    try:
        model = run(
            settings,
            name,
            folder,
            resume=resume,
            device=where,
            compile_network=compile_network,
            data=data,
            size=resized,
            start=start,
            how=how,
        )
        if is_main_process():
            say.out(model)
    except KeyboardInterrupt:
        if is_main_process() and (folder / SETTINGS).is_file():
            say.note(f"to continue, give the same command with --out {folder} --resume")
        raise


def _parse_size(text: str) -> tuple[int, int]:
    sides = text.lower().split("x")
    if len(sides) > 2 or not all(
        side.isascii() and side.isdecimal() and len(side) < 5 for side in sides
    ):
        raise InkseedError(f"--size must be a number or HEIGHTxWIDTH, not {text[:20]!r}")
    height, width = int(sides[0]), int(sides[-1])
    if not all(4 <= side <= 256 and side % 4 == 0 for side in (height, width)):
        raise InkseedError(f"--size must be from 4 to 256 and divisible by 4, not {text}")
    return height, width
