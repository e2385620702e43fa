"""`inkseed dataset`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from inkseed import say
from inkseed.cli.options import (
    PATH,
    Candidates,
    Device,
    GuideInterval,
    GuideW,
    Json,
    Noise,
    Precision,
    SamplerName,
    Seed,
    SlantRange,
    Spacing,
    Steps,
    ThicknessRange,
    check_guidance,
    check_option,
    load_model,
    output_option,
    parse_interval,
    progress,
)
from inkseed.errors import InkseedError
from inkseed.labels import parse_parts, parse_range
from inkseed.leaving import is_main_process

if TYPE_CHECKING:
    from inkseed.model.model import Model
    from inkseed.sets.settings import SetSettings

FAST_MODEL = "digits-fast"  # in two evaluations as legible as the default in twenty
ENGINES = ("processes", "ray")
MODEL_HELP = "A bundled model, or a model file. digits-fast is as legible as digits, and faster."


def dataset(
    template: Annotated[
        str,
        typer.Argument(
            help="digits:6, digits:4-8, a regular expression of digits such as [0-9]{{5}},"
            " date:YYYYMMDD, luhn:16, zip, score:0-100, or file:numbers.txt (one a line)."
        ),
    ],
    count: Annotated[int, typer.Option(help="How many numbers to draw.", min=1, max=10**9)],
    out: Annotated[Path, output_option("The set's folder, new or unfinished.")],
    format: Annotated[str, typer.Option(help="The files' format: {formats}.")] = "png",
    seed: Seed = 0,
    split: Annotated[
        str | None,
        typer.Option(
            metavar="80/10/10",
            help="Shares of train, validation and test. No hand is in two of them, and no label"
            " if the template has enough. [all in train]",
        ),
    ] = None,
    height: Annotated[int, typer.Option(help="Image height in pixels.", min=8, max=1024)] = 32,
    width: Annotated[
        int, typer.Option(help="Image width in pixels; 0 fits each number.", min=0, max=1024)
    ] = 128,
    margin: Annotated[
        str,
        typer.Option(
            metavar="A-B", help="Smallest margin, in pixels; of a range, each side draws its own."
        ),
    ] = "2",
    gap: Annotated[
        str,
        typer.Option(metavar="A-B", help="Extra pixels between digits. Ranges as above."),
    ] = "0",
    align: Annotated[
        str, typer.Option(help="Where the number stands: left, centre, right, or anywhere.")
    ] = "centre",
    paper: Annotated[
        str, typer.Option(help="light, with dark ink; or dark, with light ink, as in MNIST.")
    ] = "light",
    degrade: Annotated[
        str | None, typer.Option(help="Make images look scanned or worn: mild or strong. [clean]")
    ] = None,
    scene: Annotated[
        str | None, typer.Option(help="A printed form: comb, a box for each digit; or line. [none]")
    ] = None,
    repeats: Annotated[
        float | None,
        typer.Option(help="How often a digit equals the one before. [0.1, chance]", min=0, max=1),
    ] = None,
    hands: Annotated[
        Path | None,
        typer.Option(
            metavar=PATH,
            help="Draw in the hands in this folder: each is a folder of pictures, a sheet of"
            " digits, or a .safetensors hand. [a new hand for each number]",
        ),
    ] = None,
    slant: SlantRange = None,
    thickness: ThicknessRange = None,
    guide_w: GuideW = None,
    guide_interval: GuideInterval = None,
    sampler: SamplerName = None,
    steps: Steps = None,
    spacing: Spacing = None,
    precision: Precision = None,
    noise: Noise = "gaussian",
    candidates: Candidates = None,
    check: Annotated[bool, check_option("each digit")] = False,
    keep_rejected: Annotated[
        bool, typer.Option("--keep-rejected", help="Keep what judge A rejected, in rejected/.")
    ] = False,
    model: Annotated[str, typer.Option(help=MODEL_HELP)] = FAST_MODEL,
    device: Device = "cpu",
    workers: Annotated[
        int | None,
        typer.Option(help="Processes. [one per core; 1 under torchrun or SLURM]", min=1),
    ] = None,
    shard_size: Annotated[
        int, typer.Option(help="Numbers per shard, which is saved as a whole.", min=1, max=10**6)
    ] = 1024,
    engine: Annotated[
        str, typer.Option(help="What runs the work: processes here, or ray on a cluster.")
    ] = "processes",
    as_json: Json = False,
) -> None:
    """Draw a labelled set of numbers to train on; the same command continues a stopped one."""
    from inkseed.files import check_apart
    from inkseed.sets.formats.registry import find_format
    from inkseed.sets.templates import template as parse
    from inkseed.sets.templates import template_sha256

    if engine not in ENGINES:
        raise InkseedError(f"no engine {engine!a}: give one of {', '.join(ENGINES)}")
    parse(template, repeats)
    find_format(format)
    check_guidance([guide_w])
    if paper not in ("light", "dark"):
        raise InkseedError(f"--paper is light or dark, not {paper!a}")
    fit: dict[str, Any] = {
        "height": height,
        "width": width or None,
        "margin": parse_range(margin, "--margin"),
        "gap": parse_range(gap, "--gap"),
        "align": align,
    }
    told: dict[str, Any] = {
        **{"template": template, "count": count, "seed": seed},
        **{"format": format, "model": model},
        "guide_interval": parse_interval(guide_interval),
        **{"sampler": sampler, "steps": steps, "spacing": spacing},
        **{"noise": noise, "candidates": candidates},
        "slant": None if slant is None else parse_range(slant, "--slant"),
        "thickness": None if thickness is None else parse_range(thickness, "--thickness"),
        "repeats": repeats,
        "hands_from": None if hands is None else str(hands),
        **{"check": check, "keep_rejected": keep_rejected},
        "split": parse_parts(split, "--split"),
        "shard_size": shard_size,
        "look": {"fit": fit, "dark": paper == "light", "degrade": degrade, "scene": scene},
        "template_sha256": template_sha256(template),
    }
    check_apart(out, hands, "--hands")
    loaded = load_model(model, device, None)
    settings = _settled(loaded, told, guide_w, precision)
    try:
        summary = _make(out, settings, loaded, workers, engine)
    except InkseedError as error:
        if not is_main_process():  # its shards are its own, and so is what happened to it
            say.note(error)
        raise
    if not is_main_process():
        return
    if as_json:
        say.out(json.dumps({"out": str(out), "finished": summary is not None, **(summary or {})}))
        return
    say.out(out)
    if summary is None:
        say.note("this process's shards are done; the last process to finish completes the set")
    elif check:
        rejected, doubted = summary["rejected"], summary["doubted"]
        say.note(
            f"judge A rejected {rejected:,} of {count:,} numbers as first drawn, and still doubts"
            f" {doubted:,}: the manifest says which"
        )


def _settled(
    loaded: "Model", told: dict[str, Any], guide_w: float | None, precision: str | None
) -> "SetSettings":
    """The set's settings, with what the model decides."""
    from inkseed.model.request import TIMES_ON_DEVICE
    from inkseed.model.sampling import SamplingOptions
    from inkseed.sets.hands import read_hands
    from inkseed.sets.settings import BLOCK, SetSettings

    hands: tuple[str, ...] = ()
    if told["hands_from"] is not None:
        read = read_hands(Path(told["hands_from"]), loaded)
        hands = read.names
        if is_main_process():
            say.note(read.line())
    at_once = BLOCK * (1 if loaded.device.type == "cpu" else TIMES_ON_DEVICE)
    return SetSettings(
        **told,
        hands=hands,
        weights_sha256=str(loaded.weights_sha256),
        guide_w=guide_w,
        precision=loaded.settle(SamplingOptions(precision=precision)).precision,
        device=loaded.device.type,
        block=at_once,
    )


def _make(
    out: Path, settings: "SetSettings", loaded: "Model", workers: int | None, engine: str
) -> dict[str, Any] | None:
    """Draw this process's share of what is missing, and finish the set if all is there."""
    from inkseed.processes import default_workers
    from inkseed.sets.extra import needed
    from inkseed.sets.making import Maker, share_from
    from inkseed.sets.workers import draw_here, run_workers

    if engine == "ray":
        needed("ray")
    share = share_from()
    maker = Maker.of(out, settings, loaded)
    maker.folder.begin()
    shards = share.shards(maker.folder.missing())
    images = sum(map(len, shards)) * maker.mean_images
    if shards:
        if workers is None:
            workers = 1 if share.of > 1 else default_workers(settings.device)
        with progress(f"{settings.count:,} numbers", round(images * maker.artist.cost), "") as tell:
            if engine == "ray":
                from inkseed.sets.ray_engine import run_on_ray

                run_on_ray(out, settings, shards, tell)
            elif min(workers, len(shards)) == 1:
                draw_here(maker, shards, tell)
            else:
                run_workers(out, settings, shards, workers, tell)
    return maker.folder.finish()
