"""How long `inkseed write` takes from a cold start, and warm: python benchmarks/start.py

Cold, each arm is a process of its own, and the arms take turns; medians of the rounds are printed
with their ratios to `import torch`. Warm, a number is written again in one process, and compared
with what the network alone takes for its steps. `--graph digits.onnx`, which `inkseed export`
wrote, adds examples/without_torch.py.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

NUMBER = "00297375"
EXAMPLE = Path(__file__).parents[1] / "examples" / "without_torch.py"


def cold(arms: dict[str, list[str]], rounds: int) -> dict[str, tuple[float, float]]:
    """The median (seconds, seconds of processor) of each arm, a command line of Python."""
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in arms}
    for _ in range(rounds + 1):
        for name, words in arms.items():
            began, used = time.perf_counter(), processor()
            subprocess.run([sys.executable, *words], check=True, capture_output=True)
            found[name].append((time.perf_counter() - began, processor() - used))
    kept = {name: list(zip(*taken[1:], strict=True)) for name, taken in found.items()}
    return {name: (median(whole), median(busy)) for name, (whole, busy) in kept.items()}


def processor() -> float:
    """Seconds of processor that finished child processes have used: steady beside other work."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def warm(name: str, rounds: int) -> tuple[float, float]:
    """(seconds for a number, seconds of the network alone) of a model that is loaded: medians."""
    import torch

    import inkseed

    model = inkseed.load(name)
    spent = 0.0
    forward = model.network.forward

    def timed(*inputs: object, **more: object) -> torch.Tensor:
        nonlocal spent
        began = time.perf_counter()
        output: torch.Tensor = forward(*inputs, **more)
        spent += time.perf_counter() - began
        return output

    model.network.forward = timed  # type: ignore[method-assign]
    whole, alone = [], []
    for seed in range(rounds + 1):
        spent, began = 0.0, time.perf_counter()
        inkseed.write(NUMBER, seed=seed, model=model)
        whole.append(time.perf_counter() - began)
        alone.append(spent)
    return median(whole[1:]), median(alone[1:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="digits-fast")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--graph", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        out = str(Path(folder) / "n.png")
        write = ["-m", "inkseed", "write", NUMBER, "--model", asked.model, "--out", out]
        arms = {"import torch": ["-c", "import torch"], f"inkseed write {NUMBER}": write}
        if asked.graph:
            arms["without_torch.py"] = [str(EXAMPLE), str(asked.graph), NUMBER, "0", out]
        seconds = cold(arms, asked.rounds)
    torch_alone, written = list(seconds.values())[:2]
    print("| from a cold start | seconds | of processor | to import torch | to inkseed write |")
    print("| --- | --- | --- | --- | --- |")
    for name, (took, used) in seconds.items():
        print(
            f"| {name} | {took:.2f} | {used:.2f} | {took / torch_alone[0]:.2f}"
            f" | {took / written[0]:.2f} |"
        )
    whole, alone = warm(asked.model, asked.rounds)
    print(
        f"\nWarm, {NUMBER} takes {whole * 1000:.0f} ms, {whole / alone:.2f} times the"
        f" {alone * 1000:.0f} ms of the network alone; {asked.model}, medians of {asked.rounds}."
    )


if __name__ == "__main__":
    main()
