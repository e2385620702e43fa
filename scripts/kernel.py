"""Compile the page's kernel from C to WebAssembly, with ziglang from PyPI: python scripts/kernel.py"""

import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parents[1] / "src" / "inkseed" / "export" / "page"
VARIANTS = {"kernel.wasm": [], "kernel-fma.wasm": ["-mrelaxed-simd"]}
FLAGS = [
    *("-target", "wasm32-freestanding", "-O3", "-msimd128", "-mbulk-memory"),
    *("-nostdlib", "-fno-builtin", "-s", "-Wl,--no-entry", "-Wl,--export=__heap_base"),
]


def build(folder: Path) -> None:
    """Write the kernel's binaries into `folder`."""
    for name, more in VARIANTS.items():
        compiler = [sys.executable, "-m", "ziglang", "cc"]
        subprocess.run([*compiler, *FLAGS, *more, "kernel.c", "-o", folder / name], check=True, cwd=PAGE)


if __name__ == "__main__":
    build(PAGE)
