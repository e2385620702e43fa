"""`inkseed noise-study`."""

import json
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

import typer

from inkseed import say
from inkseed.cli.options import (
    Compile,
    Device,
    GuideInterval,
    GuideW,
    Json,
    ModelName,
    Precision,
    SamplerName,
    Spacing,
    Steps,
    Threads,
    check_guidance,
    load_model,
    output_option,
    parse_interval,
    progress,
)
from inkseed.errors import InkseedError
from inkseed.model.weights import DEFAULT_MODEL

PAGE_WIDTH = 120  # of the table when it goes to a file


def noise_study(
    model: ModelName = DEFAULT_MODEL,
    count: Annotated[
        int, typer.Option(help="Images per seed, in MNIST's own mix.", min=10, max=10_000)
    ] = 40,
    seeds: Annotated[int, typer.Option(help="How many seeds, from 0.", min=1, max=100)] = 5,
    candidates: Annotated[
        int,
        typer.Option(
            help="The largest budget is the cost of best_of with this many.", min=2, max=256
        ),
    ] = 8,
    noise: Annotated[
        str | None,
        typer.Option(help="Strategies to compare, such as best_of,sobol or mine.py. [all]"),
    ] = None,
    guide_w: GuideW = None,
    guide_interval: GuideInterval = None,
    sampler: SamplerName = None,
    steps: Steps = None,
    spacing: Spacing = None,
    precision: Precision = None,
    out: Annotated[
        Path | None, output_option("A folder for the results; a stopped study continues in it.")
    ] = None,
    compile_network: Compile = False,
    device: Device = "cpu",
    threads: Threads = None,
    as_json: Json = False,
) -> None:
    """Compare strategies for the starting noise at equal cost, with controls."""
    check_guidance([guide_w])
    interval = parse_interval(guide_interval)
    if out is not None and out.exists() and not out.is_dir():
        raise InkseedError(f"{out} is not a folder: give another name")
    loaded = load_model(model, device, threads)
    from inkseed.model.taught import names_posterior_means, needs_posterior_mean

    if not names_posterior_means(loaded.denoiser):  # its controls score noises by inversion
        raise needs_posterior_mean("noise-study")
    if compile_network:
        loaded.compile()
    from inkseed.files import sha256, write_json
    from inkseed.held import scratch
    from inkseed.model.weights import find_model
    from inkseed.noise import find_strategy
    from inkseed.samplers import find_sampler
    from inkseed.study import StudySettings, run_study
    from inkseed.study.show import extremes_cost, save_study
    from inkseed.study.study import evaluations_of
    from inkseed.study.table import print_study

    names = None
    if noise is not None:
        names = tuple(dict.fromkeys(find_strategy(each.strip()).name for each in noise.split(",")))
    sampler = None if sampler is None else find_sampler(sampler).name
    asked: dict[str, Any] = {"guide_w": guide_w, "sampler": sampler, "steps": steps}
    asked |= {"spacing": spacing, "guide_interval": interval, "precision": precision}
    settings = StudySettings(
        say.plain(model),
        sha256(find_model(model)),
        asked,
        count,
        seeds,
        candidates,
        strategies=names,
    )
    with ExitStack() as stack:
        aside = scratch(Path(tempfile.gettempdir()), "noise-study")
        folder = out or stack.enter_context(aside) / "study"
        total = evaluations_of(loaded, settings)
        total += 0 if out is None else extremes_cost(loaded, asked)
        pictures = []
        with progress("drawing and reading", total, "evaluations") as advance:
            study = run_study(loaded, settings, folder, advance)
            if out is not None:
                write_json(out / "study.json", study.as_json())
                pictures = save_study(study, loaded, out, advance)
    if as_json:
        say.out(json.dumps(study.as_json()))
        return
    from inkseed.console import Console

    console = Console()
    print_study(study, console if console.is_terminal else Console(width=PAGE_WIDTH))
    say.out(*pictures)
