"""`inkseed models`."""

import json
from typing import TYPE_CHECKING

from inkseed.cli.options import Json
from inkseed.model.weights import DEFAULT_MODEL
from inkseed.say import out

if TYPE_CHECKING:
    from inkseed.model.catalogue import Bundled

MEASURED = ("accuracy", "frechet", "coverage")
OF_PAIRS = ("both_right", "slant", "thickness")
MOST_NAMED = 20


def models(as_json: Json = False) -> None:
    """List the bundled models, where they come from, and how well they measure."""
    from inkseed.model.catalogue import bundled

    found = bundled()
    if as_json:
        out(json.dumps({"models": [each.as_json() for each in found]}))
        return
    from rich.text import Text

    from inkseed.console import Console

    console = Console()
    for each in found:
        for line, style in zip(_lines(each), ("bold", "", "", "dim"), strict=False):
            console.print(Text(line, style=style), soft_wrap=not console.is_terminal)


def _lines(each: "Bundled") -> list[str]:
    """One model for people: its name, where it comes from, how well it measures."""
    training, size = each.config.training, each.path.stat().st_size / 1e6
    default = ", the default" if each.name == DEFAULT_MODEL else ""
    height, width = each.config.image_size
    names = list(each.config.class_names)
    if len(names) > MOST_NAMED:
        names = [*names[:2], "...", names[-1]]
    lines = [
        f"{each.name} ({size:.1f} MB{default})",
        f"  draws {', '.join(names)}, {height}x{width}",
        f"  trained by recipe {training['recipe']}: {training['data']}; "
        f"{training['images_seen']:,} images seen{_before(training)}, {training['date']}",
    ]
    if each.quality is None:
        return [*lines, "  not measured yet"]
    return [*lines, f"  measured: {_quality(each.quality)}"]


def _before(training: dict) -> str:
    """What the model that this one started from had seen."""
    seen = training.get("from", {}).get("images_seen")
    return f" after {seen:,} in an earlier run" if seen else ""


def _quality(quality: dict) -> str:
    from inkseed.evaluation.metrics import READINGS, shown
    from inkseed.evaluation.pairs import PAIRS_READINGS

    measured = quality["metrics"]
    of_pairs = "both_right" in measured
    readings = PAIRS_READINGS if of_pairs else READINGS
    metrics = []
    for name in (each for each in (OF_PAIRS if of_pairs else MEASURED) if each in measured):
        keys = ("value", "low", "high", "baseline")
        value, low, high, baseline = (shown(name, measured[name][key], readings) for key in keys)
        metrics.append(f"{readings[name].title} {value} ({low} to {high}; real {baseline})")
    drawn = quality["sampling"]
    how = f"{drawn['sampler']}, {drawn['steps']} steps, guide_w {drawn['guide_w']:g}"
    cost = f"{drawn['nfe']} evaluations per image"
    return f"{'; '.join(metrics)}. N = {quality['n']:,}, {how}, {cost}"
