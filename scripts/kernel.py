"""Compile the page's kernel from C to WebAssembly, with PyPI's ziglang: scripts/kernel.py"""

import subprocess
import sys
from pathlib import Path

SOURCE = Path(__file__).parents[1] / "src" / "inkseed" / "export" / "page" / "kernel.c"
FLAGS = [
    *("-target", "wasm32-freestanding", "-O3", "-msimd128", "-mbulk-memory"),
    *("-nostdlib", "-fno-builtin", "-s", "-Wl,--no-entry", "-Wl,--export=__heap_base"),
]


def build(path: Path) -> None:
    """Write the kernel's binary to `path`."""
    zig = [sys.executable, "-m", "ziglang", "cc"]
    subprocess.run([*zig, *FLAGS, SOURCE.name, "-o", path], check=True, cwd=SOURCE.parent)
    path.chmod(0o644)


if __name__ == "__main__":
    build(SOURCE.with_suffix(".wasm"))
