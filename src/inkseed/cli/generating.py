"""`inkseed write` and `inkseed sample`."""

import json
from pathlib import Path
from typing import Annotated

import typer

from inkseed.cli.options import (
    Device,
    Json,
    ModelName,
    Noise,
    SamplerName,
    Seed,
    Steps,
    Threads,
    check_guidance,
    load_model,
    progress,
)
from inkseed.errors import InkseedError
from inkseed.weights import DEFAULT_GUIDE_W, DEFAULT_MODEL, DEFAULT_SAMPLER

MAX_TRACED = 200  # images in one GIF: more would be too small to see
MAX_STATES = 200_000  # images times steps that a trace holds: half a gigabyte


def write(
    number: Annotated[str, typer.Argument(help="1 to 64 digits; leading zeros count.")],
    out: Annotated[Path, typer.Option(help="Where the picture goes, a .png.")] = Path("number.png"),
    seed: Seed = 0,
    guide_w: Annotated[float, typer.Option(help="Guidance: 0 is off.")] = DEFAULT_GUIDE_W,
    sampler: SamplerName = DEFAULT_SAMPLER,
    steps: Steps = None,
    noise: Noise = "gaussian",
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
    check_guidance([guide_w])
    loaded = load_model(model, device, threads)
    from inkseed.number import write as write_number

    total = len(number) * loaded.steps_of(sampler, steps)
    with progress(f"writing {number}", total, "steps") as advance:
        written = write_number(number, seed, guide_w, loaded, sampler, steps, noise, advance)
    written.save(out)
    if as_json:
        facts = {"out": str(out), "number": number, "seed": seed, "guide_w": guide_w}
        print(json.dumps({**facts, "boxes": written.boxes, "nfe": written.nfe}))
    else:
        print(out)


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
    sampler: SamplerName = DEFAULT_SAMPLER,
    steps: Steps = None,
    noise: Noise = "gaussian",
    model: ModelName = DEFAULT_MODEL,
    device: Device = "cpu",
    threads: Threads = None,
    as_json: Json = False,
) -> None:
    """Draw labelled digits: arrays, a figure, or a folder of pictures."""
    from inkseed.labels import parse_labels, parse_numbers

    strengths = parse_numbers(guide_w, "--guide-w")
    check_guidance(strengths)
    wanted = parse_labels(labels)
    from inkseed.files import check_writable

    check_writable(out, (".npz", ".png", ""))
    if trace is not None:
        check_writable(trace, (".gif",))
        if len(wanted) * count * len(strengths) > MAX_TRACED:
            raise InkseedError(f"--trace draws at most {MAX_TRACED} images: lower --count")
    loaded = load_model(model, device, threads)
    from inkseed.export import save_samples, save_trace

    classes = loaded.indices(wanted)
    images = len(classes) * count * len(strengths)
    total = images * loaded.steps_of(sampler, steps)
    if trace is not None and total > MAX_STATES:
        raise InkseedError(f"--trace holds at most {MAX_STATES:,} states: lower --steps or --count")
    with progress(f"{images} digits", total, "steps") as advance:
        groups = [
            loaded.sample(
                *(classes * count, seed, w, sampler, steps),
                noise=noise,
                trace=trace is not None,
                on_step=advance,
            )
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
