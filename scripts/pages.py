"""What the scripts here share: putting made tables into their pages, and naming the machine."""

import os
import platform
from pathlib import Path

import torch

from inkseed import say

DOCS = Path(__file__).parents[1] / "docs"


def replace(page: Path, name: str, lines: list[str]) -> None:
    """Put `lines` between the markers `<!-- name -->` and `<!-- end -->` of the page."""
    before, rest = page.read_text("utf-8").split(f"<!-- {name} -->", 1)
    _, after = rest.split("<!-- end -->", 1)
    text = "\n".join([f"<!-- {name} -->", "", *lines, "", "<!-- end -->"])
    page.write_text(before + text + after, "utf-8")
    say.out(*lines)


def machine(device: str | torch.device = "cpu") -> str:
    """The machine in words, with the GPU that was used."""
    gpu = "" if torch.device(device).type == "cpu" else f"{torch.cuda.get_device_name(device)}, "
    return f"{gpu}{os.cpu_count()} cores, {platform.machine()}, torch {torch.__version__}"
