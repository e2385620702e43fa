"""`inkseed train`."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from inkseed.cli.options import Device, Threads, choose_device


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
    where = choose_device(device, threads)
    from inkseed.train import train as run

    try:
        print(run(settings, name, folder, resume, where, compile_network))
    except KeyboardInterrupt:
        hint = f"inkseed train {recipe} --out {folder} --resume"
        print(f"inkseed: stopped; whole epochs are kept. Go on with: {hint}", file=sys.stderr)
        raise typer.Exit(130) from None
