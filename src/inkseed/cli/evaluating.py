"""`inkseed evaluate`."""

import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from inkseed import say
from inkseed.cli.options import (
    Compile,
    Device,
    FormName,
    GuideInterval,
    Json,
    PaperName,
    Precision,
    SamplerName,
    Seed,
    Spacing,
    Steps,
    Threads,
    Transposed,
    check_guidance,
    choose_device,
    how_to_read,
    load_model,
    output_option,
    parse_interval,
    progress,
)
from inkseed.errors import InkseedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from inkseed.model.model import Model, Samples

CURVE = (0.0, 0.5, 2.0)  # guide_w of the trade-off curve, beside the model's own


def evaluate(
    samples: Annotated[
        Path | None,
        typer.Argument(help="A folder with a folder per label, an .npz, IDX images, or a .csv."),
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="Instead, draw the set from a bundled model or a model file.")
    ] = None,
    count: Annotated[
        int | None,
        typer.Option(
            help="With --model: images to draw, in MNIST's own mix. [500]", min=20, max=1_000_000
        ),
    ] = None,
    guide_w: Annotated[
        str | None,
        typer.Option(
            help="With --model: guidance strength, or several, such as 0,0.5,2. [the model's own;"
            " with --out also 0, 0.5 and 2]"
        ),
    ] = None,
    guide_interval: GuideInterval = None,
    sampler: SamplerName = None,
    steps: Steps = None,
    spacing: Spacing = None,
    precision: Precision = None,
    check: Annotated[
        bool, typer.Option("--check", help="With --model: draw as `inkseed sample --check`.")
    ] = False,
    seed: Seed = 0,
    form: FormName = "auto",
    paper: PaperName = "auto",
    transposed: Transposed = False,
    usefulness: Annotated[
        bool, typer.Option("--usefulness", help="Also train classifiers on the set; takes minutes.")
    ] = False,
    final: Annotated[
        bool,
        typer.Option("--final", help="Take baselines on MNIST's test digits: final tables only."),
    ] = False,
    out: Annotated[Path | None, output_option("Also write a report, an .html page.")] = None,
    compile_network: Compile = False,
    device: Device = "cpu",
    threads: Threads = None,
    as_json: Json = False,
) -> None:
    """Measure labelled digits against real ones: figures, intervals, baselines."""
    from inkseed.files import check_writable

    if (samples is None) == (model is None):
        raise InkseedError("give a set, as in `inkseed evaluate samples.npz`, or --model NAME")
    options = (count, guide_w, guide_interval, sampler, steps, spacing, precision)
    if model is None and (check or any(option is not None for option in options)):
        raise InkseedError(
            "--count, --guide-w, --guide-interval, --sampler, --steps, --spacing, --precision and"
            " --check are for --model: a set is measured as it is"
        )
    if model is not None and (form != "auto" or paper != "auto" or transposed):
        raise InkseedError("--form, --paper and --transposed are for a set, not for --model")
    if out is not None:
        check_writable(out, (".html",))
    sampling = {}
    if model is None:
        where = choose_device(device, threads)
        from inkseed.evaluation import read_sets

        sets = read_sets(samples or "", how_to_read(form, paper, transposed))
        say.note(sets[0].notes[0])
    else:
        asked = _strengths(guide_w)
        how: dict[str, Any] = {"spacing": spacing, "guide_interval": parse_interval(guide_interval)}
        how["precision"] = precision
        loaded = load_model(model, device, threads)
        where = loaded.device
        if compile_network:
            loaded.compile()
        settled = loaded.settings(None, sampler, steps, **how)
        sampling = {"sampling": {**settled.facts(), "seed": seed}}
        own, curve = settled.guide_w, () if out is None else CURVE
        strengths = asked or [own, *(w for w in curve if w != own)]
        from inkseed.evaluation.sets import draw_sets

        count = 500 if count is None else count
        evaluations = count * sum(loaded.cost(w, sampler, steps, **how) for w in strengths)
        with progress("drawing digits", evaluations, "evaluations") as advance:
            sets = draw_sets(
                loaded,
                count,
                strengths,
                seed,
                sampler=sampler,
                steps=steps,
                on_evaluations=advance,
                draw=partial(_screened if check else _plain, **how),
            )
    from inkseed.evaluation import evaluate as measure
    from inkseed.evaluation.evaluation import add_usefulness, images_to_read

    with progress("reading", images_to_read(sets), "images") as advance:
        found = measure(sets, final, advance)
    if usefulness:
        from inkseed.evaluation.usefulness import steps_in_all

        steps = steps_in_all(sets[0], found.real_digits.training)
        with progress("training classifiers", steps, "steps") as advance:
            add_usefulness(found, advance, where)
    if out is not None:
        from inkseed.evaluation.page import save_page

        save_page(found, out)
    if as_json:
        say.out(json.dumps({**found.as_json(), **sampling}))
    else:
        from inkseed.console import Console
        from inkseed.evaluation.table import print_evaluation

        print_evaluation(found, Console())
        if out is not None:
            say.out(out)


def _strengths(guide_w: str | None) -> list[float]:
    """The values of --guide-w, checked; none stands for the model's own."""
    from inkseed.labels import parse_numbers

    strengths = [] if guide_w is None else parse_numbers(guide_w, "--guide-w")
    check_guidance(strengths)
    return strengths


def _plain(model: "Model", *request: Any, **how: Any) -> "tuple[Samples, list[str]]":
    return model.sample(*request, **how), []


def _screened(
    model: "Model",
    labels: list[int],
    seed: int,
    *asked: Any,
    on_evaluations: "Callable[[int], object] | None",
    **how: Any,
) -> "tuple[Samples, list[str]]":
    from inkseed.model.request import Request
    from inkseed.model.sampling import SamplingOptions
    from inkseed.writing.screening import sample_screened

    request = Request(labels, seed, SamplingOptions(*asked, **how))
    found = sample_screened(model, request, on_evaluations)
    redraws = f"{found.redrawn:,} images drawn again for judge A"
    return found.samples, [f"{redraws}, which still doubts {len(found.doubted):,}"]
