"""Bundle a run's weights, as float16: python scripts/bundle.py runs/digits digits

Takes the model of a finished run or, of one that goes on, the average as of its last state; the
metadata says how many images it saw. How it is sampled is taken from the recipe of the bundled name
as it stands now: sampling is chosen after training.
"""

import argparse
from pathlib import Path

from inkseed.checkpoint import as_float16, load_tensors, save_tensors
from inkseed.cli import mistakes_in_one_line
from inkseed.named_files import MODELS, RECIPES
from inkseed.training.loop import weights_of_state
from inkseed.training.recipes import load_recipe
from inkseed.training.run_folder import STATE


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("name", choices=RECIPES.names())
    asked = parser.parse_args()
    run, name = asked.run, asked.name
    finished = run / "model.safetensors"
    tensors, config = load_tensors(finished if finished.exists() else run / STATE)
    weights = tensors if finished.exists() else weights_of_state(tensors, config)
    recipe = load_recipe(name)
    config["sampling"] = config["training"]["settings"]["sampling"] = recipe.sampling
    target = MODELS.folder / f"{name}.safetensors"
    save_tensors(target, as_float16(weights), config)
    print(f"{target}: {target.stat().st_size / 1e6:.1f} MB, {config['training']}")


if __name__ == "__main__":
    with mistakes_in_one_line():
        main()
