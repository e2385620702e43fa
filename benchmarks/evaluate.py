"""Time and memory of `inkseed evaluate` for 10,000 images: python benchmarks/evaluate.py

The set is part B's digits, so it also shows what a replayed set looks like.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from inkseed.data import split_mnist

N = 10_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cpu")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path, part = Path(folder) / "set.npz", split_mnist().part_b
        np.savez(path, images=part.images[:N], labels=part.labels[:N])
        began = time.perf_counter()
        command = [sys.executable, "-m", "inkseed", "evaluate", str(path)]
        command += ["--json", "--device", asked.device]
        result = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
        seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e6
    print(f"{N:,} images: {seconds:.1f} s in all, {peak:.2f} GB at most; {result['notes']}")


if __name__ == "__main__":
    main()
