"""Bundle a run's weights, as float16: python scripts/bundle.py runs/digits digits

Takes the model of a finished run or, of one that continues, the average as of its last state; the
metadata says how many images it saw. How it is sampled is taken from the recipe of the bundled name
as it stands now, because sampling is chosen after training.
"""

import argparse
from pathlib import Path

from inkseed import say
from inkseed.checkpoint import as_float16, load_tensors, save_tensors
from inkseed.cli import mistakes_in_one_line
from inkseed.named_files import MODELS, RECIPES
from inkseed.training.recipes import Recipe, load_recipe
from inkseed.training.run import weights_of_state
from inkseed.training.run_folder import MODEL, STATE


def bundle(run: Path, recipe: Recipe, target: Path, **facts: str) -> None:
    """Write the weights of a run's folder to `target`, sampled as `recipe` says."""
    finished = run / MODEL
    tensors, config = load_tensors(finished if finished.exists() else run / STATE)
    weights = tensors if finished.exists() else weights_of_state(tensors, config)
    config["training"] |= facts
    settings = config["training"]["settings"]
    config["sampling"] = settings["sampling"] = dict(recipe.sampling)
    settings["teacher"] = Path(settings.get("teacher", "")).stem  # its name, not where it lay
    save_tensors(target, as_float16(weights), config)
    seen = config["training"]["images_seen"]
    say.out(f"{target}: {target.stat().st_size / 1e6:.1f} MB, {seen:,} images seen")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("name", choices=RECIPES.names())
    asked = parser.parse_args()
    bundle(asked.run, load_recipe(asked.name), MODELS.folder / f"{asked.name}.safetensors")


if __name__ == "__main__":
    with mistakes_in_one_line():
        main()
