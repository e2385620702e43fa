"""`python tests/at_once.py FOLDER PAIRS COMMAND ...`: two processes type the same, at one moment.

Each pair works in its own FOLDER/0, FOLDER/1 and so on. Prints [status, standard error] of each
process as JSON. Modules are imported before, since their imports last longer than what is tested.
"""

import json
import multiprocessing
import os
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import torch

import inkseed.training.loop  # noqa: F401
from inkseed.cli import main

CONTEXT = multiprocessing.get_context("fork")


def type_it(folder: Path, words: list[str], number: int, start) -> None:
    """Type the words in the folder once everybody is ready; standard error goes to a file."""
    torch.set_num_threads(1)
    os.chdir(folder)
    told = Path(f"stderr{number}")
    with told.open("w", encoding="utf-8") as file, redirect_stdout(file), redirect_stderr(file):
        start.wait()
        main(words)


def pair(folder: Path, words: list[str]) -> list[tuple[int | None, str]]:
    """The status and the standard error of two processes that type the words at one moment."""
    folder.mkdir(exist_ok=True)
    start = CONTEXT.Barrier(2)
    both = [CONTEXT.Process(target=type_it, args=(folder, words, k, start)) for k in range(2)]
    for each in both:
        each.start()
    for each in both:
        each.join()
    return [
        (each.exitcode, (folder / f"stderr{k}").read_text("utf-8")) for k, each in enumerate(both)
    ]


if __name__ == "__main__":
    home, pairs = Path(sys.argv[1]), int(sys.argv[2])
    print(json.dumps([pair(home / str(k), sys.argv[3:]) for k in range(pairs)]))
