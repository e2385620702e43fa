"""`inkseed sample`."""

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from inkseed import say
from inkseed.cli.hands import HandPath, check_hand, read_hand
from inkseed.cli.options import (
    Candidates,
    Compile,
    Device,
    GuideInterval,
    Json,
    ModelName,
    Noise,
    Precision,
    SamplerName,
    Seed,
    Slant,
    Spacing,
    Steps,
    Thickness,
    Threads,
    check_guidance,
    check_option,
    check_style,
    load_model,
    output_option,
    parse_interval,
    progress,
    what_the_judge_said,
)
from inkseed.errors import InkseedError
from inkseed.model.weights import DEFAULT_MODEL

if TYPE_CHECKING:
    from inkseed.model.model import Model

MAX_TRACED = 200  # images in one GIF: more would be too small to see
MAX_STATES = 100_000  # images times steps in a trace; with guesses, half a gigabyte
MAX_SHOWN = 20_000  # images in a figure: with more, few programs open it


def sample(
    out: Annotated[
        Path,
        output_option("An .npz, a .png figure, or a new or empty folder."),
    ],
    labels: Annotated[
        str | None, typer.Option(help="For example 0-9 or 3,5,7. [all that the model has]")
    ] = None,
    count: Annotated[int, typer.Option(help="Images per label.", min=1, max=1_000_000)] = 4,
    seed: Seed = 0,
    guide_w: Annotated[
        str | None,
        typer.Option(
            help="Guidance strength; 0 is off. Several, such as 0,0.5,2, share their noise."
            " [the model's own]"
        ),
    ] = None,
    guide_interval: GuideInterval = None,
    hand: HandPath = None,
    slant: Slant = None,
    thickness: Thickness = None,
    trace: Annotated[
        Path | None, output_option("Also write a .gif of the way from noise to digits.")
    ] = None,
    sampler: SamplerName = None,
    steps: Steps = None,
    spacing: Spacing = None,
    precision: Precision = None,
    noise: Noise = "gaussian",
    candidates: Candidates = None,
    model: ModelName = DEFAULT_MODEL,
    check: Annotated[bool, check_option("every image", "those")] = False,
    compile_network: Compile = False,
    device: Device = "cpu",
    threads: Threads = None,
    workers: Annotated[
        int | None,
        typer.Option(
            help="Processes of one thread each, on the CPU, without --compile or --trace; their"
            " number does not change a byte. [one per core for many images, else one of all"
            " threads]",
            min=1,
            max=1024,
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Draw labelled digits: arrays, a figure, or a folder of pictures."""
    from inkseed.labels import parse_labels, parse_numbers

    asked = [None] if guide_w is None else parse_numbers(guide_w, "--guide-w")
    check_guidance(asked)
    check_style(slant, thickness)
    check_hand(hand, [out])
    interval = parse_interval(guide_interval)
    wanted = None if labels is None else parse_labels(labels)
    from inkseed.files import check_writable

    check_writable(out, (".npz", ".png", ""))
    if trace is not None:
        check_writable(trace, (".gif",))
        if check:
            raise InkseedError("--trace shows the images as first drawn: leave out --check")
    if workers is not None:
        _check_workers(workers, trace is not None, threads, compile_network)
    loaded = load_model(model, device, threads)
    if compile_network:
        loaded.compile()
    import numpy as np

    from inkseed.export.samples import check_disk, save_samples, save_trace
    from inkseed.model.drawing import check_room
    from inkseed.model.model import Model
    from inkseed.model.redraw import JUDGED
    from inkseed.model.request import Request
    from inkseed.model.sampling import SamplingOptions
    from inkseed.model.slices import draw_in_slices, joined
    from inkseed.writing.screening import joined_screened, sample_screened

    classes = loaded.indices(loaded.class_names if wanted is None else wanted)
    images = len(classes) * count * len(asked)
    if trace is not None and images > MAX_TRACED:
        raise InkseedError(f"--trace draws at most {MAX_TRACED} images: lower --count")
    if out.suffix.lower() == ".png" and images > MAX_SHOWN:
        raise InkseedError(f"a .png shows at most {MAX_SHOWN:,} images: give an .npz or a folder")
    settled = loaded.settle(
        SamplingOptions(asked[0], sampler, steps, spacing, interval, None, precision)
    )
    states = images * settled.steps
    if trace is not None and states > MAX_STATES:
        raise InkseedError(f"--trace keeps at most {MAX_STATES:,} states: lower --steps or --count")
    copies = 1 + (len(asked) > 1) + JUDGED * check
    check_room(images, loaded.shape, settled.steps * (trace is not None), copies=copies)
    check_disk(out, images, loaded.shape)
    read = read_hand(hand, loaded)
    requests = [
        Request(
            np.tile(classes, count),
            seed,
            SamplingOptions(w, sampler, steps, spacing, interval, None, precision),
            {"slant": slant, "thickness": thickness},
            noise,
            candidates,
            trace=trace is not None,
            hand=read,
        )
        for w in asked
    ]
    costs = [loaded.cost_of(replace(each, labels=[0], style={})) for each in requests]
    total = sum(costs) * images // len(asked)
    if workers is None and threads is None and trace is None and not compile_network:
        workers = _usual_workers(loaded, total)
    draw: Any = sample_screened if check else Model.sample_request
    with progress(f"{images} digits", total, "evaluations") as advance:
        if workers is None:
            parts = [[draw(loaded, each, advance)] for each in requests]
        else:
            parts = draw_in_slices(loaded, requests, workers, draw, advance)
    join: Any = joined_screened if check else joined
    found = list(map(join, requests, parts))
    groups = [each.samples for each in found] if check else found
    save_samples(groups, loaded.class_names, len(classes), out)
    if trace is not None:
        save_trace(groups, len(classes), trace)
    redrawn = sum(each.redrawn for each in found) if check else 0
    doubted = [
        int(row) + k * len(classes) * count
        for k, each in enumerate(found if check else ())
        for row in each.doubted
    ]
    if as_json:
        nfe = {f"{group.guide_w[0]:g}": group.nfe for group in groups}
        told = {"out": str(out), "images": images, "seed": seed, "nfe": nfe, **settled.facts()}
        told["hand"] = None if read is None else read.name
        judged = {"redrawn": redrawn, "doubted": doubted} if check else {}
        say.out(json.dumps({**told, **judged}))
    else:
        say.out(*([out] if trace is None else [out, trace]))
    if check:
        say.note(what_the_judge_said(redrawn, len(doubted), "image"))


def _check_workers(count: int, traced: bool, threads: int | None, compiled: bool) -> None:
    """Raise InkseedError for options that do not go with --workers."""
    if traced:
        raise InkseedError("--trace is drawn by one process: leave out --workers")
    if threads is not None:
        raise InkseedError("workers have one thread each: leave out --threads or --workers")
    if compiled and count > 1:
        raise InkseedError("--compile is for one process: leave it out, or --workers")


def _usual_workers(model: "Model", evaluations: int) -> int | None:
    """How many workers are worth their start; None is this process, with all its threads."""
    from torch import get_num_threads

    from inkseed.model.slices import worth_workers
    from inkseed.processes import default_workers

    if model.device.type != "cpu" or not worth_workers(model, evaluations):
        return None
    return min(default_workers("cpu"), get_num_threads())  # OMP_NUM_THREADS may set fewer
