"""Commands that are stopped at random moments: nothing half-written, nothing hidden, same bytes.

Each trial types a command, sends its process SIGINT, SIGTERM or SIGKILL some time later, and types
it again.
"""

import functools
import json
import random
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from inkseed.checkpoint import load_tensors
from inkseed.leaving import status_of
from tests.small_runs import OURS

ROOT = Path(__file__).parents[1]
STOPPED = "inkseed: stopped; no half-written file is left"
TRIALS = 20
NAMES = ("SIGINT", "SIGTERM", "SIGKILL")
LASTS = {  # what differs between two runs of a command, by the file's name: how long things took
    "loss.csv": re.compile(rb",[^,\n]*$", re.MULTILINE),
    "study.json": re.compile(rb'"seconds": [0-9.]+'),
    "page.html": re.compile(rb"[0-9]+ s(econds)?\b"),
}


@dataclass(frozen=True)
class Command:
    """What is typed, and what is added when it is typed again in a folder that has a run."""

    words: tuple[object, ...]
    again: tuple[str, ...] = ()

    def start(self, folder: Path) -> subprocess.Popen[str]:
        more = self.again if (folder / "run" / "settings.json").exists() else ()
        words = map(str, (sys.executable, "-m", "tests.small_command", *self.words, *more))
        return subprocess.Popen(
            list(words),
            cwd=folder,
            env={**ENVIRONMENT, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, folder: Path) -> None:
        """Run it to its end."""
        process = self.start(folder)
        words = process.communicate()[1]
        assert process.returncode == 0, words


ENVIRONMENT = {"OMP_NUM_THREADS": "1", "PATH": "/usr/bin:/bin"}


@pytest.fixture(scope="session")
def commands(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Command]:
    home = tmp_path_factory.mktemp("inputs")
    (home / "ours.toml").write_text(OURS.format(epochs=3))
    labels = np.arange(60) % 10
    ink = np.random.default_rng(0).integers(0, 256, (60, 28, 28), np.uint8)
    np.savez(home / "set.npz", images=ink, labels=labels)
    model = ("--model", tiny_model)
    study = ("--count", 10, "--seeds", 5, "--candidates", 2, "--steps", 1, "--sampler", "ddim")
    return {
        "train": Command(("train", home / "ours.toml", "--out", "run"), ("--resume",)),
        "sample": Command(("sample", *model, "--count", 6, "--out", "set")),
        "write": Command(("write", 2026, *model, "--count", 3, "--boxes", "--out", "n.png")),
        "evaluate": Command(("evaluate", home / "set.npz", "--out", "page.html")),
        "noise-study": Command(
            ("noise-study", *model, *study, "--noise", "sobol", "--out", "study")
        ),
    }


@pytest.fixture(scope="session")
def whole(commands, tmp_path_factory):
    """What a command leaves in a folder if nobody stops it, and how long that takes."""

    @functools.cache
    def run(name: str) -> tuple[dict[str, bytes], float]:
        folder, began = tmp_path_factory.mktemp(name), time.monotonic()
        commands[name].run(folder)
        return contents(folder), time.monotonic() - began

    return run


def contents(folder: Path) -> dict[str, bytes]:
    """All files of a folder, without what says how long something took."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            lasts = LASTS.get(path.name, re.compile(rb"(?!)"))
            found[str(path.relative_to(folder))] = lasts.sub(b"", path.read_bytes())
    return found


def check_whole(folder: Path) -> None:
    """Check that every file under a final name can be read to its end."""
    for path in folder.rglob("*"):
        if path.is_dir() or any(part.startswith(".inkseed-") for part in path.parts):
            continue
        if path.suffix in (".png", ".gif"):
            with Image.open(path) as picture:
                picture.load()
        elif path.suffix == ".npz":
            with np.load(path) as arrays:
                assert all(len(arrays[name].shape) >= 0 for name in arrays.files)
        elif path.suffix == ".safetensors":
            assert load_tensors(path)[0]
        elif path.suffix == ".json":
            assert json.loads(path.read_text("utf-8"))
        elif path.suffix == ".html":
            assert path.read_text("utf-8").rstrip().endswith("</html>")
        else:  # rows are appended to it while a run goes on
            assert path.name == "loss.csv"


def wait_until_it_listens(process: subprocess.Popen[str]) -> None:
    """Wait until Python has started and inkseed has begun: it then catches SIGTERM.

    Until that Ctrl-C is Python's own. Where there is no /proc, this is half a second.
    """
    status = Path("/proc", str(process.pid), "status")
    if not status.exists():
        time.sleep(0.5)
        return
    while process.poll() is None:
        caught = re.search(r"SigCgt:\s*([0-9a-f]+)", status.read_text())
        if caught and int(caught[1], 16) >> (signal.SIGTERM - 1) & 1:
            return
        time.sleep(0.001)


def stop(command: Command, number: int, folder: Path, after: float) -> int:
    """Type a command and send the signal after some seconds; check what was said and is left.

    Returns the exit status, as subprocess has it.
    """
    process = command.start(folder)
    wait_until_it_listens(process)
    time.sleep(after)
    process.send_signal(number)
    words = process.communicate()[1]
    check_whole(folder)
    assert process.returncode in (0, status_of(number), -number), words
    if number != signal.SIGKILL:
        assert "Traceback" not in words
        assert "Exception ignored" not in words
        assert words.count(STOPPED) == (process.returncode == status_of(number)), words
        assert not list(folder.rglob(".inkseed-*"))
    return process.returncode


def trial(command: Command, whole: dict[str, bytes], number: int, folder: Path, after: float):
    status = stop(command, number, folder, after)
    if contents(folder) != whole:  # else it was done, and a set is not drawn over another
        assert number == signal.SIGKILL or status == status_of(number)  # while Python is alive
        command.run(folder)
    assert not list(folder.rglob(".inkseed-*"))
    assert contents(folder) == whole


@pytest.mark.slow
@pytest.mark.parametrize("k", range(TRIALS))
@pytest.mark.parametrize("name", ["train", "sample", "write", "evaluate", "noise-study"])
def test_stopped_at_a_random_moment(commands, whole, tmp_path, name, k):
    left, seconds = whole(name)
    chance = random.Random(f"{name} {k}")
    after = chance.uniform(0, 1.1 * seconds)
    trial(commands[name], left, getattr(signal, NAMES[k % 3]), tmp_path, after)


def test_killed_and_typed_again(commands, whole, tmp_path):
    left, seconds = whole("sample")
    trial(commands["sample"], left, signal.SIGKILL, tmp_path, 0.8 * seconds)


@pytest.mark.parametrize("sent", ["SIGINT", "SIGTERM"])
@pytest.mark.parametrize("after", [0, 0.1])
def test_stopped_as_it_begins(commands, tmp_path, sent, after):
    number = getattr(signal, sent)
    assert stop(commands["write"], number, tmp_path, after) == status_of(number)
    assert list(tmp_path.iterdir()) == []
