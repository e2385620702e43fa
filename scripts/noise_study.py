"""What starting noises are worth, with headroom and without: python scripts/noise_study.py

Runs `inkseed.study` under each of CONDITIONS, keeps what is drawn in `--out` (a stopped run goes on
there), and makes the tables and pictures of docs/noise-study.md. `--only NAME` takes one of them;
`--compile` uses torch.compile. The whole takes some hours on two cores. `early` is a checkpoint of
`inkseed train quick`.
"""

import argparse
import time
from pathlib import Path
from typing import Any, NamedTuple

from pages import DOCS, machine, replace

from inkseed import say
from inkseed.files import sha256, write_json
from inkseed.model.loading import load
from inkseed.model.weights import find_model
from inkseed.pictures import save_picture
from inkseed.study import StudySettings, run_study
from inkseed.study.quality import quality_figure
from inkseed.study.show import extremes, save_plot, stability_figure
from inkseed.study.table import markdown, score_lines

PAGE, PICTURES = DOCS / "noise-study.md", DOCS / "pictures"
SEEDS = 5


class Condition(NamedTuple):
    """A model and how it is sampled; `count` images for each of five seeds."""

    name: str
    model: str
    how: dict[str, Any]
    count: int
    candidates: int
    strategies: tuple[str, ...] | None = None  # None: all


CHEAP = ("stability", "stability_renoise", "best_of", "early_prune", "antithetic", "sobol")
CONDITIONS = [
    Condition("headroom", "digits", {"guide_w": 0.0, "steps": 5}, 200, 8),
    Condition("defaults", "digits", {}, 200, 8),
    Condition("early", "runs/quick/model.safetensors", {"guide_w": 0.0, "steps": 5}, 100, 8),
    Condition(
        *("report", "report", {"guide_w": 0.0, "sampler": "dpm_solver", "steps": 5}, 40, 8, CHEAP)
    ),
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("runs/noise-study"))
    parser.add_argument("--only", choices=[condition.name for condition in CONDITIONS])
    parser.add_argument("--compile", action="store_true", help="use torch.compile")
    parser.add_argument("--device", default="cpu")
    asked = parser.parse_args()
    for condition in CONDITIONS:
        if asked.only not in (None, condition.name):
            continue
        model = load(condition.model, asked.device)
        if asked.compile:
            model.compile()
        settings = StudySettings(
            condition.model,
            sha256(find_model(condition.model)),
            condition.how,
            condition.count,
            SEEDS,
            condition.candidates,
            condition.strategies,
        )
        began, told = time.monotonic(), [0, 0.0]

        def tell(evaluations: int, began: float = began, told: list[Any] = told) -> None:
            told[0] += evaluations
            if time.monotonic() - told[1] > 60:
                told[1] = time.monotonic()
                say.out(f"{told[0]:,} evaluations, {told[1] - began:.0f} s")

        folder = asked.out / condition.name
        study = run_study(model, settings, folder, tell)
        write_json(folder / "study.json", study.as_json())
        scores = [f"- {line}" for line in score_lines(study)]
        replace(PAGE, condition.name, [*markdown(study), f"- {machine(asked.device)}", "", *scores])
        save_plot(quality_figure(study), PICTURES / f"noise_{condition.name}.png")
        save_plot(stability_figure(study), PICTURES / f"stability_{condition.name}.png")
        if condition.name == "defaults":
            save_picture(extremes(model, 3, condition.how), PICTURES / "extremes.png")


if __name__ == "__main__":
    main()
