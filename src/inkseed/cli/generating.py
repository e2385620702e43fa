"""`inkseed write` and `inkseed sample`."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from inkseed import say
from inkseed.cli.hands import HandPath, SaveHand, check_hand, read_hand
from inkseed.cli.options import (
    Candidates,
    Compile,
    Device,
    GuideInterval,
    Json,
    ModelName,
    Noise,
    NumberSlant,
    NumberThickness,
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
)
from inkseed.errors import InkseedError
from inkseed.model.weights import DEFAULT_MODEL

MAX_TRACED = 200  # images in one GIF: more would be too small to see
MAX_STATES = 100_000  # images times steps in a trace; with guesses, half a gigabyte
MAX_SHOWN = 20_000  # images in a figure: with more, few programs open it


def write(
    number: Annotated[str, typer.Argument(help="1 to 64 digits; leading zeros count.")],
    out: Annotated[
        Path | None,
        output_option("The picture to write: a .png, or a .svg or .pdf of curves. [NUMBER.png]"),
    ] = None,
    seed: Seed = 0,
    guide_w: Annotated[
        float | None,
        typer.Option(
            help="Guidance strength; 0 is off. [the model's own, raised to 1.6 to be legible]",
            show_default=False,
        ),
    ] = None,
    guide_interval: GuideInterval = None,
    hand: HandPath = None,
    save_hand: SaveHand = None,
    slant: NumberSlant = None,
    thickness: NumberThickness = None,
    sampler: SamplerName = None,
    steps: Steps = None,
    spacing: Spacing = None,
    precision: Annotated[
        str,
        typer.Option(help="What the network computes in: float32 or bfloat16."),
    ] = "float32",
    noise: Noise = "gaussian",
    candidates: Candidates = None,
    count: Annotated[
        int,
        typer.Option(
            help="How many variants; the one of seed 7 is NAME_7.png.", min=1, max=100_000
        ),
    ] = 1,
    check: Annotated[bool, check_option("it")] = False,
    boxes: Annotated[
        bool, typer.Option("--boxes", help="Also write each digit's box to a .json beside it.")
    ] = False,
    model: ModelName = DEFAULT_MODEL,
    device: Device = "cpu",
    threads: Threads = None,
    as_json: Json = False,
) -> None:
    """Write a number in generated handwriting: one picture, dark ink on light paper."""
    from inkseed.files import check_writable
    from inkseed.labels import check_number

    check_number(number)
    out = out or Path(f"{number}.png")
    paths = {seed + k: out.parent / f"{out.stem}_{seed + k}{out.suffix}" for k in range(count)}
    paths = paths if count > 1 else {seed: out}
    for path in paths.values():
        check_writable(path, (".png", ".svg", ".pdf"))
        if boxes:
            check_writable(path.with_suffix(".json"), (".json",))
    check_guidance([guide_w])
    check_style(slant, thickness)
    check_hand(hand, save_hand)
    interval = parse_interval(guide_interval)
    if seed + count > 2**63:
        raise InkseedError("the last variant's seed is too large: lower --seed or --count")
    loaded = load_model(model, device, threads)
    from inkseed.files import write_json
    from inkseed.writing.number import guidance_of, parts_of
    from inkseed.writing.number import write as write_number

    asked = read_hand(hand, loaded)
    if asked is not None and save_hand is not None:
        asked.save(save_hand)
    guide_w = guidance_of(loaded, guide_w)
    how: dict[str, Any] = {"spacing": spacing, "guide_interval": interval, "precision": precision}
    each_costs = loaded.cost(guide_w, sampler, steps, noise, candidates, **how)
    total = len(parts_of(number, loaded)) * each_costs
    told = []
    with progress(f"writing {number}", count * total, "evaluations") as advance:
        for variant, path in paths.items():
            written = write_number(
                number,
                variant,
                guide_w,
                loaded,
                sampler=sampler,
                steps=steps,
                noise=noise,
                candidates=candidates,
                on_evaluations=advance,
                slant=slant,
                thickness=thickness,
                check=check,
                hand=asked,
                **how,
            )
            written.save(path)
            if boxes:
                write_json(path.with_suffix(".json"), {"picture": path.name, **written.layout()})
            told.append({"out": str(path), "seed": variant, **written.layout(), **written.facts()})
    if as_json:
        say.out(json.dumps(told[0] if count == 1 else {"number": number, "variants": told}))
        return
    for each in told:
        say.out(each["out"])
    doubted = sum(len(each["doubted"]) for each in told)
    if check:
        redrawn = sum(each["redrawn"] for each in told)
        say.note(_what_the_judge_said(redrawn, doubted, "digit"))
    elif doubted:
        which = "1 digit is missing or lies on its neighbour: add --check to draw it again"
        if doubted > 1:
            which = (
                f"{doubted:,} digits are missing or lie on a neighbour: add --check to draw again"
            )
        say.note(which)


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
    as_json: Json = False,
) -> None:
    """Draw labelled digits: arrays, a figure, or a folder of pictures."""
    from inkseed.labels import parse_labels, parse_numbers

    asked = [None] if guide_w is None else parse_numbers(guide_w, "--guide-w")
    check_guidance(asked)
    check_style(slant, thickness)
    check_hand(hand)
    interval = parse_interval(guide_interval)
    wanted = None if labels is None else parse_labels(labels)
    from inkseed.files import check_writable

    check_writable(out, (".npz", ".png", ""))
    if trace is not None:
        check_writable(trace, (".gif",))
        if check:
            raise InkseedError("--trace shows the images as first drawn: leave out --check")
    loaded = load_model(model, device, threads)
    if compile_network:
        loaded.compile()
    import numpy as np

    from inkseed.export.samples import check_disk, save_samples, save_trace
    from inkseed.model.drawing import check_room
    from inkseed.model.redraw import JUDGED
    from inkseed.model.request import Request
    from inkseed.model.sampling import SamplingOptions
    from inkseed.writing.screening import sample_screened

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
    groups: list[Any] = []
    redrawn, doubted = 0, []
    with progress(f"{images} digits", sum(costs) * images // len(asked), "evaluations") as advance:
        for request in requests:
            if not check:
                groups.append(loaded.sample_request(request, advance))
                continue
            screened = sample_screened(loaded, request, advance)
            redrawn += screened.redrawn
            doubted += [len(groups) * len(classes) * count + row for row in screened.doubted]
            groups.append(screened.samples)
    save_samples(groups, loaded.class_names, len(classes), out)
    if trace is not None:
        save_trace(groups, len(classes), trace)
    if as_json:
        nfe = {f"{group.guide_w[0]:g}": group.nfe for group in groups}
        told = {"out": str(out), "images": images, "seed": seed, "nfe": nfe, **settled.facts()}
        told["hand"] = None if read is None else read.name
        judged = {"redrawn": redrawn, "doubted": list(map(int, doubted))} if check else {}
        say.out(json.dumps({**told, **judged}))
    else:
        say.out(*([out] if trace is None else [out, trace]))
    if check:
        say.note(_what_the_judge_said(redrawn, len(doubted), "image"))


def _what_the_judge_said(redrawn: int, doubted: int, of: str) -> str:
    redraws = "" if not redrawn else "1 redraw; " if redrawn == 1 else f"{redrawn:,} redraws; "
    if not doubted:
        return f"{redraws}judge A is confident of every {of}"
    many = f"1 {of}" if doubted == 1 else f"{doubted:,} {of}s"
    return f"{redraws}judge A still doubts {many}: --json says which"
