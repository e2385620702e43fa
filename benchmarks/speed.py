"""The report's way and ours, side by side in one run: python benchmarks/speed.py

Every arm is a process of its own, so that each has its own memory; the arms take turns, and medians
of the rounds are printed with their ratios to the report's way in float32.

The report's way is `SimpleDiffusion.sample`: 400 steps, 800 evaluations an image. All its steps
cost the same, so `--chain 20` walks 20 of them and counts 20 times the time; `--chain 400` walks
them all. Its speed does not depend on what the weights have learned. bfloat16 is left out where the
device has no units for it, and would be slower.
"""

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path
from statistics import median

import torch

from inkseed import say
from inkseed.cli import mistakes_in_one_line
from inkseed.model.loading import load
from inkseed.model.request import BATCH_SIZE
from inkseed.nn.device import find_device
from inkseed.nn.precision import BFLOAT16, fast_precision

CHAIN = 400
REPORT_BATCH, BULK = 16, 256  # images that an arm draws
ARMS = {
    "report float32": "the report's way, float32",
    "report bfloat16": "the report's way, bfloat16",
    "ours one": "ours, one image",
    "ours": "ours",
    "ours compiled": "ours, torch.compile",
}


def report_way(bfloat16: bool, batch: int, chain: int, device: torch.device) -> tuple[float, int]:
    """(seconds for `batch` images by the whole chain, evaluations an image)."""
    from inkseed.ddpm import SimpleDiffusion
    from inkseed.nn import ContextUnet

    network = ContextUnet(1, n_feat=128)
    ddpm = SimpleDiffusion(network, (1e-4, 0.02), chain, device).eval()
    context = torch.autocast(device.type, torch.bfloat16) if bfloat16 else nullcontext()
    with torch.no_grad(), context:
        SimpleDiffusion(network, (1e-4, 0.02), 2, device).eval().sample(batch, (1, 28, 28), device)
        began = time.perf_counter()
        ddpm.sample(batch, (1, 28, 28), device, guide_w=2.0)[0].cpu()  # a GPU is waited for
        return (time.perf_counter() - began) * CHAIN / chain, 2 * CHAIN


def our_way(name: str, images: int, bulk: bool, device: torch.device) -> tuple[float, int]:
    """(seconds for `images` images at the default settings, evaluations an image)."""
    model = load(name, device)
    if bulk:
        model.compile()
    labels = [k % 10 for k in range(images)]
    model.sample(labels[:BATCH_SIZE], seed=1)  # what is done once: compiling, first touches
    began = time.perf_counter()
    drawn = model.sample(labels, seed=2)
    return time.perf_counter() - began, drawn.nfe


def run_arm(arm: str, model: str, chain: int, name: str) -> None:
    """Measure one arm in this process and print JSON."""
    device = find_device(name)
    if arm.startswith("report"):
        images = REPORT_BATCH
        seconds, nfe = report_way(arm.endswith("bfloat16"), images, chain, device)
    else:
        images = 1 if arm == "ours one" else BULK
        seconds, nfe = our_way(model, images, arm == "ours compiled", device)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # KiB on Linux
    if device.type == "cuda":
        peak = torch.cuda.max_memory_allocated(device) / 2**20
    print(json.dumps({"speed": images / seconds, "nfe": nfe, "peak": peak}))


def cold_start(model: str, device: str) -> float:
    """Seconds from typing `inkseed write 00297375` to the picture."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "inkseed", "write", "00297375", "--model", model]
        began = time.perf_counter()
        subprocess.run(
            [*command, "--device", device, "--out", str(Path(folder) / "n.png")],
            check=True,
            capture_output=True,
        )
        return time.perf_counter() - began


def matrix_rate(device: torch.device, precision: str) -> float:
    """The machine's product of square matrices, in TFLOP/s."""
    side = 8192 if device.type == "cuda" else 2048  # enough to fill it
    a = torch.randn(side, side, device=device).to(getattr(torch, precision))
    seconds = []
    for _ in range(8):
        began = time.perf_counter()
        (a @ a)[0, 0].item()
        seconds.append(time.perf_counter() - began)
    return 2 * side**3 / median(seconds) / 1e12


def flops_of_an_evaluation(name: str) -> float:
    """Floating-point operations of one image through a model's network, as torch counts them."""
    from torch.utils.flop_counter import FlopCounterMode

    model = load(name)
    x = torch.zeros(1, 1, *model.image_size)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model.network(x, torch.zeros(1, dtype=torch.int64), torch.zeros(1), torch.zeros(1))
    return float(counter.get_total_flops())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="digits")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--chain", type=int, default=20)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--arm", choices=ARMS, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.rounds < 1 or not 2 <= asked.chain <= CHAIN:
        parser.error(f"--rounds must be 1 or more, --chain from 2 to {CHAIN}")
    if asked.arm:
        run_arm(asked.arm, asked.model, asked.chain, asked.device)
        return
    device = find_device(asked.device)
    precision = fast_precision(device)
    arms = [arm for arm in ARMS if precision == BFLOAT16 or arm != "report bfloat16"]
    found: dict[str, list[dict]] = {arm: [] for arm in arms}
    starts, rates = [], []
    for _ in range(asked.rounds):
        for arm, measured in found.items():
            command = [sys.executable, __file__, "--arm", arm, "--model", asked.model]
            command += ["--chain", str(asked.chain), "--device", asked.device]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
            if done.returncode:  # it has said why
                sys.exit(done.returncode)
            measured.append(json.loads(done.stdout.splitlines()[-1]))
            say.note(f"{ARMS[arm]}: {measured[-1]['speed']:.3g} images a second")
        starts.append(cold_start(asked.model, asked.device))
        rates.append(matrix_rate(device, precision))
    speeds = {arm: median(each["speed"] for each in runs) for arm, runs in found.items()}
    base = speeds["report float32"]
    print("| way | images a second | ratio | evaluations an image | peak memory, MiB |")
    print("| --- | --- | --- | --- | --- |")
    for arm, runs in found.items():
        peak = median(each["peak"] for each in runs)
        print(
            f"| {ARMS[arm]} | {speeds[arm]:.3g} | {speeds[arm] / base:,.0f} | {runs[0]['nfe']} | "
            f"{peak:.0f} |"
        )
    flops, nfe = flops_of_an_evaluation(asked.model), found["ours compiled"][0]["nfe"]
    rate, used = median(rates), speeds["ours compiled"] * nfe * flops / 1e12
    print(f"\n`inkseed write 00297375` from a cold start: {median(starts):.2f} s.")
    print(
        f"In bulk the network computes {used:.2f} TFLOP/s ({flops / 1e9:.2f} GFLOP an evaluation), "
        f"{used / rate:.0%} of the machine's {precision} matrix product, {rate:.2f} TFLOP/s."
    )
    print(
        f"\n{asked.model}; medians of {asked.rounds} rounds; {asked.chain} of {CHAIN} steps of the "
        f"report's chain walked; {REPORT_BATCH} images its way, {BULK} ours "
        f"in batches of {BATCH_SIZE}; {torch.get_num_threads()} threads of {os.cpu_count()} cores, "
        f"{platform.machine()}, torch {torch.__version__}, {asked.device}"
    )


if __name__ == "__main__":
    with mistakes_in_one_line():
        main()
