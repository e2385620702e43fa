"""Run the notebooks of learn/ and keep them with their outputs: python scripts/learn.py

Each learn/N_name.py becomes learn/N_name.ipynb, executed. `--only 3` runs one of them; with
LEARN=small in the environment all take seconds. Needs the extra `learn`.
"""

import argparse
import time
from pathlib import Path

import jupytext
from nbclient import NotebookClient

from inkseed import say

LEARN = Path(__file__).parents[1] / "learn"
CELL_SECONDS = 600


def notebooks() -> list[Path]:
    """The scripts that are notebooks, in order."""
    return sorted(LEARN.glob("[0-9]_*.py"))


def execute(script: Path) -> Path:
    """Run a notebook from its script, in its folder; return the file with the outputs.

    Raises nbclient's CellExecutionError if a cell fails.
    """
    notebook = jupytext.read(script)
    where = {"metadata": {"path": str(script.parent)}}
    NotebookClient(notebook, timeout=CELL_SECONDS, resources=where).execute()
    out = script.with_suffix(".ipynb")
    jupytext.write(notebook, out)
    return out


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", type=int, metavar="N", help="this one alone")
    asked = parser.parse_args()
    for script in notebooks():
        if asked.only in (None, int(script.name[0])):
            start = time.monotonic()
            out = execute(script)
            say.out(f"{out.relative_to(LEARN.parent)}  {time.monotonic() - start:.0f} s")
