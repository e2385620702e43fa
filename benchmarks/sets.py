"""Bulk sets against the bare sampler: digits a second, and memory as a set grows.

    python benchmarks/sets.py --count 2048 --formats npz,webdataset,png
    python benchmarks/sets.py --count 100000 --formats npz,webdataset,png --no-network

The bare sampler draws the same number of digits in the same batches, one process of one thread, and
keeps nothing. A set's rate is that of one process too, with all that it does: labels, hands,
typesetting, writing, the manifest. Resident memory is read after each shard and at the end.
With `--no-network` a digit of MNIST for each label stands in for what the network would name, so
that a set takes the time of everything else, and its memory is seen in minutes.
"""

import argparse
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil

from inkseed.data.labelled import to_tensor
from inkseed.data.split import split_mnist
from inkseed.model.hand import DrawnHand
from inkseed.model.loading import load
from inkseed.model.model import Model
from inkseed.model.request import Request
from inkseed.processes import one_thread
from inkseed.sets.folder import SetFolder
from inkseed.sets.making import Maker
from inkseed.sets.plan import Plan
from inkseed.sets.settings import SetSettings

FIRST = 0.1  # of the set: from there on, memory shall not grow


def settings_of(arguments: argparse.Namespace, model: Model, name: str) -> SetSettings:
    return SetSettings(
        template=arguments.template,
        count=arguments.count,
        seed=0,
        format=name,
        model=arguments.model,
        weights_sha256=str(model.weights_sha256),
        precision=arguments.precision or model.settings().precision,
        check=arguments.check,
    )


def without_network(model: Model) -> None:
    """Let a digit of MNIST for each label stand in for what the network would name."""
    digits = split_mnist().part_a
    x_0 = to_tensor(digits.images[np.unique(digits.labels, return_index=True)[1]])
    model.denoiser = lambda x_t, t, condition: x_0[condition.label]


def bare_rate(model: Model, settings: SetSettings, digits: int) -> float:
    """Digits a second of the sampler alone, in batches and hands as a set has them."""
    longest = settings.numbers.longest
    block, spent = settings.block * longest, 0.0
    for first in range(0, digits, block):
        numbers = np.arange(first, first + block)
        hands = (
            [DrawnHand(0, k // longest) for k in numbers.tolist()] if model.knows_hands else None
        )
        request = Request(numbers % 10, 0, settings.sampling, first=first, hand=hands)
        begun = time.perf_counter()
        model.sample_request(request)
        spent += time.perf_counter() - begun
    return -(-digits // block) * block / spent


def set_rate(model: Model, settings: SetSettings, path: Path) -> tuple[float, list[float]]:
    """Digits a second of a whole set, and the resident megabytes after each shard."""
    begun, process = time.perf_counter(), psutil.Process()
    maker = Maker(SetFolder(path, Plan(settings)), model, None)
    maker.folder.begin()
    memory = []
    for shard in maker.folder.missing():
        maker.make(shard)
        memory.append(process.memory_info().rss / 1e6)
    maker.folder.finish()
    memory.append(process.memory_info().rss / 1e6)
    seconds = time.perf_counter() - begun
    return settings.count * settings.numbers.longest / seconds, memory


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=2048, help="numbers in each set")
    parser.add_argument("--bare", type=int, default=20_000, help="digits of the bare sampler")
    parser.add_argument("--template", default="digits:6")
    parser.add_argument("--formats", default="npz,webdataset,png")
    parser.add_argument("--model", default="digits-fast")
    parser.add_argument("--precision", choices=("float32", "bfloat16"))
    parser.add_argument("--no-network", action="store_true", help="time everything else alone")
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    model = load(arguments.model)
    if arguments.no_network:
        without_network(model)
    bare = min(arguments.bare, 10 * arguments.count)
    print("| what | digits a second | share of the bare sampler's | memory, from a tenth on |")
    print("| --- | --- | --- | --- |")
    with one_thread():
        for name in arguments.formats.split(","):
            settings = settings_of(arguments, model, name)
            bare_rate(model, settings, 1)  # warm up
            before = bare_rate(model, settings, bare // 2)
            home = Path(tempfile.mkdtemp())
            try:
                rate, memory = set_rate(model, settings, home / "set")
            finally:
                shutil.rmtree(home)
            alone = (before + bare_rate(model, settings, bare // 2)) / 2
            late = memory[int(FIRST * len(memory)) :]
            grown = f"{late[0]:,.0f} to {max(late):,.0f} MB ({max(late) / late[0] - 1:+.1%})"
            print(f"| bare sampler | {alone:,.0f} | 100 % | |")
            print(f"| {name} | {rate:,.0f} | {rate / alone:.0%} | {grown} |", flush=True)


if __name__ == "__main__":
    main()
