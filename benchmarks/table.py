"""Ours, the report's and public ways, one table: python benchmarks/table.py [--compile]

Every way draws the same labels, and `inkseed evaluate --final` measures what came, beside as many
real test digits: the figures are final, nothing is chosen by them. The public diffusion model and
the recipe `quick` are first trained for equal processor time; `digits` had far more. What was
trained and drawn is kept in `--out` by chunks of 100 images: a stopped run goes on where it was,
and `--measure` takes the rows that are whole. The report's own sampler costs an hour or more.
"""

import argparse
import json
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch

from inkseed.cli import mistakes_in_one_line
from inkseed.evaluation import EvaluatedSet, evaluate
from inkseed.evaluation.metrics import shown
from inkseed.evaluation.sets import natural_labels, read_sets
from inkseed.files import sha256, write_atomically
from inkseed.model.loading import load
from inkseed.model.model import Model
from inkseed.model.request import Request
from inkseed.model.sampling import SamplingOptions
from inkseed.model.weights import find_model
from inkseed.nn.device import find_device
from inkseed.writing.screening import sample_screened

CHUNK = 100
FEW, MANY = 1_000, 10_000  # images of a row that costs hours, and of one that does not
SEED = 0
NOISY, PLAIN = "dpm_solver_sde log_snr", "dpm_solver karras"  # sampler and spacing
COLUMNS = ("accuracy", "frechet", "coverage", "memorisation")
Draw = Callable[[np.ndarray, int], tuple[np.ndarray, float]]
"""(labels (N,), index of the first) -> (images uint8 (N, 28, 28), evaluations an image)."""


@dataclass
class Row:
    """A way to make digits: `key` names its folder, `count` is how many are drawn."""

    key: str
    name: str
    how: str
    count: int
    draw: Draw

    def chunk(self, out: Path, k: int) -> Path:
        return out / "drawn" / self.key / f"{k:03d}.npz"


class Ways:
    """All the ways, each built or trained when it is first drawn from."""

    def __init__(self, out: Path, device: torch.device, compiled: bool) -> None:
        self.out, self.device, self.compiled = out, device, compiled
        self.model = cache(self._model)
        self.diffusers = cache(self._diffusers)
        self.density = cache(self._density)

    def rows(self) -> list[Row]:
        ours = [("report", None, w, FEW, None) for w in (2.0, 0.5, 0.0)]
        ours += [(name, None, None, MANY, None) for name in ("quick", "digits", "digits-fast")]
        ours += [("digits", 20, w, MANY, NOISY) for w in (0.0, 0.03, 0.05)]
        ours += [("digits", 14, 0.0, MANY, NOISY)]
        ours += [("digits", 10, w, MANY, PLAIN) for w in (0.0, 0.4, 1.0, 2.0)]
        ours += [("digits-fast", n, w, MANY, None) for n in (1, 2, 3, 4) for w in (0.0, 0.6, 2.0)]
        return [
            Row("sklearn", "scikit-learn, PCA + KDE", "", MANY, self._by_density),
            self._public("ddim", 50, MANY),
            self._public("ddpm", 1000, FEW),
            *[self._own(*row) for row in ours],
            self._own("digits", 20, 0.0, MANY, NOISY, check=True),
            *[self._own("report", 400, w, FEW, "ancestral uniform") for w in (2.0, 0.5)],
        ]

    def _own(
        self,
        name: str,
        steps: int | None,
        w: float | None,
        count: int,
        way: str | None = None,
        check: bool = False,
    ) -> Row:
        def draw(labels: np.ndarray, first: int) -> tuple[np.ndarray, float]:
            sampler, spacing = (way or "").split() or (None, None)
            model, options = self.model(name), SamplingOptions(w, sampler, steps, spacing)
            request = Request(labels, SEED, options, first=first, batch_size=CHUNK)
            if check:
                drawn = sample_screened(model, request).samples
            else:
                drawn = model.sample_request(request)
            return drawn.images, drawn.evaluations / len(labels)

        asked = ["--check"] if check else []
        asked += [] if way is None else [way]
        asked += [] if steps is None else [f"{steps} steps"]
        asked += [] if w is None else [f"guide_w {w:g}"]
        how = ", ".join(asked) or "defaults"
        key = f"{name} {how}".replace(", ", " ")
        if name != "quick":  # bundled weights may be replaced
            key = f"{sha256(find_model(name))[:8]} {key}"
        return Row(key, name, how, count, draw)

    def _public(self, kind: str, steps: int, count: int) -> Row:
        def draw(labels: np.ndarray, first: int) -> tuple[np.ndarray, int]:
            return self.diffusers().sample(labels, first, kind, steps), steps

        key = f"diffusers {kind} {steps}"
        return Row(key, "diffusers UNet2DModel", f"{kind.upper()}, {steps} steps", count, draw)

    def _by_density(self, labels: np.ndarray, first: int) -> tuple[np.ndarray, int]:
        return self.density().sample(labels, first), 0

    def _weights(self, name: str) -> Path:
        return self.quick() if name == "quick" else find_model(name)

    def _model(self, name: str) -> Model:
        model = load(self._weights(name), self.device)
        return model.compile() if self.compiled else model

    def quick(self) -> Path:
        """The recipe `quick` trained from scratch, with the processor seconds that it took."""
        weights = self.out / "quick" / "model.safetensors"
        if not (self.out / "quick.json").exists():
            shutil.rmtree(self.out / "quick", ignore_errors=True)  # time is taken of whole runs
            began = time.perf_counter()
            command = [sys.executable, "-m", "inkseed", "train", "quick"]
            command += ["--out", str(self.out / "quick"), "--device", str(self.device)]
            before = _children_seconds()
            subprocess.run(command, check=True)
            used = {"processor": _children_seconds() - before, "wall": time.perf_counter() - began}
            (self.out / "quick.json").write_text(json.dumps(used))
        return weights

    def _diffusers(self):  # type: ignore[no-untyped-def]
        from public_ways import Diffusers

        public, folder = Diffusers(self.device), self.out / "diffusers"
        if not (self.out / "diffusers.json").exists():  # written when all else is
            self.quick()
            used = json.loads((self.out / "quick.json").read_text())
            clock = "processor" if self.device.type == "cpu" else "wall"
            public.train(used[clock])
            public.save(folder)
            (self.out / "diffusers.json").write_text(json.dumps({"images": public.images}))
        public.restore(folder)
        return public

    def _density(self):  # type: ignore[no-untyped-def]
        from public_ways import Density

        return Density()


def _children_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def draw(row: Row, out: Path) -> None:
    """Draw what is missing of a row: chunk k holds images 100 k to 100 k + 99, in MNIST's mix."""
    mix = np.resize(natural_labels(FEW), row.count)  # the first FEW have MNIST's mix too
    for k in range(row.count // CHUNK):
        path = row.chunk(out, k)
        if not path.exists():
            labels = mix[k * CHUNK : (k + 1) * CHUNK]
            began = time.process_time()
            images, nfe = row.draw(labels, k * CHUNK)
            kept = {"images": images, "labels": labels, "nfe": nfe}
            kept["seconds"] = time.process_time() - began
            write_atomically(path, lambda opened, kept=kept: np.savez(opened, **kept))
            print(f"{row.name}, {row.how}: {(k + 1) * CHUNK:,} of {row.count:,}", flush=True)


def whole(row: Row, out: Path, count: int) -> bool:
    return all(row.chunk(out, k).exists() for k in range(count // CHUNK))


def table(rows: list[Row], out: Path, count: int) -> list[str]:
    """The rows of which `count` images are drawn, as Markdown, the real baselines last."""
    rows = [row for row in rows if whole(row, out, count)]
    if not rows:
        return ["(still to be drawn)"]
    sets, costs = [], []
    for row in rows:
        paths = [row.chunk(out, k) for k in range(count // CHUNK)]
        sets.append(EvaluatedSet(_join(paths)))
        kept = [np.load(path) for path in paths]
        seconds = float(np.median([each["seconds"] for each in kept])) / CHUNK
        nfe = float(np.mean([each["nfe"] for each in kept]))
        costs.append([f"{nfe:.4g}", f"{1000 * seconds:.3g}"])
    found = evaluate(sets, final=True).sets
    lines = ["| way | how | evaluations | processor ms | accuracy | Fréchet | coverage | memory |"]
    lines.append("| --- " * 8 + "|")
    for row, cost, result in zip(rows, costs, found, strict=True):
        metrics = [result.metrics[name] for name in COLUMNS]
        cells = [
            f"{shown(name, m.value)} ({shown(name, m.low)} to {shown(name, m.high)})"
            for name, m in zip(COLUMNS, metrics, strict=True)
        ]
        lines.append(f"| {' | '.join([row.name, row.how, *cost, *cells])} |")
    baselines = [shown(name, found[0].metrics[name].baseline) for name in COLUMNS]
    return [*lines, f"| real test digits | | | | {' | '.join(baselines)} |"]


def _join(paths: list[Path]):  # type: ignore[no-untyped-def]
    from inkseed.data import join

    return join([read_sets(path)[0].source for path in paths])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("runs/table"))
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--compile", action="store_true", help="use torch.compile for our models")
    parser.add_argument("--measure", action="store_true", help="draw nothing")
    parser.add_argument("--draw", action="store_true", help="measure nothing")
    parser.add_argument("--only", default="", help="draw only the rows whose key has this in it")
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    rows = Ways(asked.out, find_device(asked.device), asked.compile).rows()
    if not asked.measure:
        for row in rows:
            if asked.only in row.key:
                draw(row, asked.out)
    for count in () if asked.draw else (FEW, MANY):
        print(f"\nN = {count:,}\n")
        print("\n".join(table(rows, asked.out, count)))


if __name__ == "__main__":
    with mistakes_in_one_line():
        main()
