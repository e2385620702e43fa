"""The folder of a training run: settings, log, state and pictures.

`settings.json`, `loss.csv` and `loss.png`, `samples/step_000195.png` and so on,
`state/last.safetensors`, and at the end `model.safetensors`.
"""

import dataclasses
import json
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

from pydantic_core import from_json

from inkseed.errors import InkseedError
from inkseed.files import write_text
from inkseed.held import is_free
from inkseed.plain import Real, Table, Whole, check_entries, fits, read_json
from inkseed.training.recipes import recipe_from
from inkseed.training.recipes.renamed import modernised

SETTINGS = "settings.json"
STATE = Path("state", "last.safetensors")
MODEL = "model.safetensors"
COLUMNS = ("step", "images", "loss", "learning_rate", "images_per_second")
LOG = "loss.csv"
Row = tuple[Whole, Whole, Real, Real, Real]  # of the log, by COLUMNS
OF_A_RUN = {
    "recipe": Table,
    "data": str,
    "class_names": tuple[str, ...],
    "image_size": tuple[int, int],
    "images_sha256": str,
    "from": str | None,
}
IMAGES = ("data", "images_sha256")  # settings that say which images a run sees
SMOOTHING = 100  # points to which a curve of any length is averaged


def check_run(out: Path, settings: dict[str, Any], resume: bool) -> None:
    """Check that a run with these settings can start in `out`, or is the run there to resume.

    Raises InkseedError if the folder and the request do not match.
    """
    path = out / SETTINGS
    if resume:
        if not path.is_file():
            raise InkseedError(f"{out} holds no run to resume: leave out --resume to start one")
        _compare(_read(path), json.loads(json.dumps(settings)), out)
    elif path.exists():
        raise InkseedError(f"{out} already holds a run: add --resume, or give another --out")
    elif out.exists() and not is_free(out):
        raise InkseedError(f"{out} exists and is not a run's folder: give another --out")


def open_run(out: Path, settings: dict[str, Any], resume: bool) -> None:
    """Start a run in `out`, which this process holds, or take up the one there, after a check."""
    check_run(out, settings, resume)
    if not resume:
        write_text(out / SETTINGS, json.dumps(settings, indent=2) + "\n", exclusive=True)


def _read(path: Path) -> dict[str, Any]:
    """The settings of a run, those of its recipe that are newer than it by their defaults."""
    settings = read_json(path)
    try:
        check_entries(settings, OF_A_RUN, "settings")
        recipe = recipe_from(modernised(settings.get("recipe", {})), "recipe")
    except InkseedError as error:
        raise InkseedError(f"{path}: {error}: start again in another folder") from error
    return {**settings, "recipe": json.loads(json.dumps(dataclasses.asdict(recipe)))}


def _compare(started: dict[str, Any], asked: dict[str, Any], out: Path) -> None:
    """Raise InkseedError if a run was started with other settings."""
    flat = [{**settings["recipe"], **settings, "recipe": None} for settings in (started, asked)]
    for name in sorted(flat[0].keys() | flat[1].keys()):
        was, now = (settings.get(name) for settings in flat)
        if name == "epochs" and was != now:
            raise InkseedError(
                f"{out} was started with epochs {was}, not {now}: resume with {was}, or train the "
                f"finished model further by --from {out / MODEL} in another folder"
            )
        if was != now:
            way = (
                "start again in another folder"
                if name in IMAGES
                else "resume with the same settings"
            )
            raise InkseedError(f"{out} was started with {name} {was}, not {now}: {way}")


def open_log(out: Path, step: int) -> TextIO:
    """The loss log, open to append from `step`; later rows of an interrupted run are dropped."""
    path = out / LOG
    kept = [",".join(COLUMNS), *(line for line, row in _logged(out) if row[0] < step)]
    write_text(path, "\n".join(kept) + "\n")
    return path.open("a", newline="", encoding="utf-8")


def _logged(out: Path) -> list[tuple[str, Row]]:
    """The rows of the loss log, as written and as numbers; others, such as half a row, are left."""
    path = out / LOG
    lines = path.read_text("utf-8", errors="replace").splitlines() if path.exists() else []
    found = []
    for line in lines[1:]:
        with suppress(ValueError):  # an InkseedError is one too
            found.append((line, fits(from_json(f"[{line}]"), Row, LOG)))
    return found


def draw_loss(out: Path) -> None:
    """Draw `loss.png`: the loss over the images seen, averaged down to a hundred points."""
    from inkseed.plots import INK, line, plot, save_plot

    rows = [(images, loss) for _, (_, images, loss, *_) in _logged(out)]
    width = max(1, len(rows) // SMOOTHING)
    groups = [rows[first : first + width] for first in range(0, len(rows), width)]
    figure, axis = plot(size=(7, 4))
    seen = [group[-1][0] for group in groups]
    line(axis, seen, [sum(loss for _, loss in each) / len(each) for each in groups], colour=INK)
    axis.set(xlabel="images seen", ylabel=f"training loss, mean of {width} batches", yscale="log")
    axis.grid(alpha=0.3, which="both")
    save_plot(figure, out / "loss.png")
