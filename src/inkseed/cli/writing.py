"""`inkseed write`."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from inkseed import say
from inkseed.cli.hands import HandPath, SaveHand, check_hand, read_hand
from inkseed.cli.options import (
    Candidates,
    Device,
    GuideInterval,
    Json,
    ModelName,
    Noise,
    NumberSlant,
    NumberThickness,
    SamplerName,
    Seed,
    Spacing,
    Steps,
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
    check_hand(hand, paths.values(), save_hand)
    interval = parse_interval(guide_interval)
    if seed + count > 2**63:
        raise InkseedError("the last variant's seed is too large: lower --seed or --count")
    loaded = load_model(model, device, threads)
    from inkseed.files import write_json
    from inkseed.writing.number import guidance_of, parts_of
    from inkseed.writing.number import write as write_number

    asked = read_hand(hand, loaded)
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
    if asked is not None and save_hand is not None:
        asked.save(save_hand)
    if as_json:
        say.out(json.dumps(told[0] if count == 1 else {"number": number, "variants": told}))
        return
    for each in told:
        say.out(each["out"])
    doubted = sum(len(each["doubted"]) for each in told)
    if check:
        redrawn = sum(each["redrawn"] for each in told)
        say.note(what_the_judge_said(redrawn, doubted, "digit"))
    elif doubted:
        which = "1 digit is missing or lies on its neighbour: add --check to draw it again"
        if doubted > 1:
            which = (
                f"{doubted:,} digits are missing or lie on a neighbour: add --check to draw again"
            )
        say.note(which)
