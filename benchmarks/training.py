"""The report's training and ours for equal processor time: python benchmarks/training.py

Trains the recipes `report` and `quick` from scratch, in turns of half a minute so that a busy
machine is busy for both, until `quick` is done and `report` has had as much processor time. At a
quarter, a half and the whole of it both are sampled and measured by judge B, then the bundled
`report` weights, whose processor time is told from the speed seen here. Draws quality over
processor minutes to `training.png` in `--out`, and prints the table. On a GPU processor time is the
host's alone.
"""

import argparse
import os
import platform
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import torch

from inkseed.checkpoint import as_float16, load_header, load_tensors, save_tensors
from inkseed.cli import mistakes_in_one_line
from inkseed.data.labelled import LabelledImages
from inkseed.evaluation import EvaluatedSet, evaluate
from inkseed.evaluation.sets import natural_labels
from inkseed.model.loading import load
from inkseed.model.weights import find_model
from inkseed.plots import COLOURS, line, name_ends, plot, save_plot, title
from inkseed.training.run import weights_of_state
from inkseed.training.run_folder import STATE

TURN = 30.0  # seconds
OURS, THEIRS = "quick", "report"
TICK = os.sysconf("SC_CLK_TCK")


class Runner:
    """One training run, which moves on only in its turns."""

    def __init__(self, recipe: str, out: Path, device: str) -> None:
        self.recipe, self.out = recipe, out / recipe
        command = [sys.executable, "-m", "inkseed", "train", recipe]
        command += ["--out", str(self.out), "--device", device]
        self.process = subprocess.Popen(
            command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
        self.process.send_signal(signal.SIGSTOP)
        self.seen = 0  # images behind the last state
        self.used = self.used_by_state = 0.0  # processor seconds in all, and at the last state

    def turn(self) -> None:
        self.process.send_signal(signal.SIGCONT)
        end = time.monotonic() + TURN
        while time.monotonic() < end and self.process.poll() is None:
            self.used = max(self.used, self._seconds())
            images = self.images()
            if images > self.seen:
                self.seen, self.used_by_state = images, self.used
            time.sleep(0.2)
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGSTOP)
        elif self.process.returncode:
            sys.exit(f"inkseed train {self.recipe} failed")

    def _seconds(self) -> float:
        """Processor seconds of the process, user and system."""
        try:
            fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            return self.used
        return (int(fields[11]) + int(fields[12])) / TICK

    def images(self) -> int:
        """Images behind the last state."""
        state = self.out / STATE
        return load_header(state).config["training"]["images_seen"] if state.exists() else 0

    def keep(self, path: Path) -> None:
        """The model as of the last state: the average where there is one."""
        tensors, config = load_tensors(self.out / STATE)
        save_tensors(path, as_float16(weights_of_state(tensors, config)), config)


def measure(name: str | Path, n: int, device: str) -> dict[str, float]:
    """Accuracy and Fréchet distance of n images at the model's own settings."""
    model = load(name, device)
    drawn = model.sample(natural_labels(n), seed=0, batch_size=100)
    source = LabelledImages(drawn.images, drawn.labels, model.class_names)
    found = evaluate([EvaluatedSet(source, float(drawn.guide_w[0]))]).as_json()
    return {name: found["metrics"][name]["value"] for name in ("accuracy", "frechet")}


def draw(rows: list[tuple[str, float, int, dict[str, float]]], path: Path) -> None:
    figure, axes = plot(1, 2, (9, 3.6))
    for axis, metric in zip(axes, ("accuracy", "frechet"), strict=True):
        for recipe, colour in ((THEIRS, COLOURS[1]), (OURS, COLOURS[0])):
            points = [(used / 60, told[metric]) for name, used, _, told in rows if name == recipe]
            line(axis, *zip(*points, strict=True), f"recipe {recipe}", colour, marker="o")
        axis.set_xlabel("processor minutes")
        title(axis, metric.replace("frechet", "Fréchet distance"))
        name_ends(axis)
    save_plot(figure, path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("runs/benchmark-training"))
    parser.add_argument("--count", type=int, default=1000, help="images for each measure")
    parser.add_argument("--device", default="cpu")
    asked = parser.parse_args()
    shutil.rmtree(asked.out, ignore_errors=True)
    asked.out.mkdir(parents=True)
    ours, theirs = (Runner(recipe, asked.out, asked.device) for recipe in (OURS, THEIRS))
    kept: list[tuple[str, float, int, Path]] = []
    try:
        while ours.process.poll() is None or theirs.used < ours.used:
            for runner in (ours, theirs):
                if runner.process.poll() is None and (runner is ours or theirs.used < ours.used):
                    runner.turn()
                    if runner.seen:
                        path = asked.out / f"{runner.recipe}-{len(kept):03d}.safetensors"
                        runner.keep(path)
                        kept.append((runner.recipe, runner.used_by_state, runner.seen, path))
    finally:
        for runner in (ours, theirs):
            if runner.process.poll() is None:
                runner.process.kill()
            runner.process.wait()  # its memory counts once it is waited for
    rows = []
    for recipe in (THEIRS, OURS):
        own = [each for each in kept if each[0] == recipe]
        for part in (0.25, 0.5, 1.0):
            name, used, images, path = min(own, key=lambda each: abs(each[1] - part * ours.used))
            rows.append((name, used, images, measure(path, asked.count, asked.device)))
    bundled = load_header(find_model(THEIRS)).config["training"]["images_seen"]
    rate = rows[2][2] / rows[2][1]
    told = measure(THEIRS, asked.count, asked.device)
    last = ("report, bundled", bundled / rate, bundled, told)
    print("| recipe | processor minutes | images seen | accuracy | Fréchet |")
    print("| --- | --- | --- | --- | --- |")
    for name, used, images, told in [*rows, last]:
        line = f"| {name} | {used / 60:.1f} | {images:,} | {told['accuracy']:.1%} |"
        print(f"{line} {told['frechet']:.2f} |")
    print(
        f"\nN = {asked.count} for each row, seed 0; {os.cpu_count()} cores, {platform.machine()}, "
        f"torch {torch.__version__}; peak memory of the larger run "
        f"{resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024:.0f} MiB\n"
        "`quick` ends in this time, its learning rate too; `report` is made for twenty epochs, and "
        "is seen as it begins."
    )
    draw(rows, asked.out / "training.png")


if __name__ == "__main__":
    with mistakes_in_one_line():
        main()
