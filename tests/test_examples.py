"""Standalone scripts run as printed."""

import re
import subprocess
import sys
from pathlib import Path

from PIL import Image

EXAMPLES = Path(__file__).parents[1] / "examples"


def test_the_whole_idea_fits_in_one_file_that_runs_by_itself(tmp_path):
    script = EXAMPLES / "minimal.py"
    text = script.read_text("utf-8")
    assert len(text.splitlines()) <= 150
    assert not re.search(r"^\s*(import|from) inkseed", text, re.MULTILINE)
    out = tmp_path / "digits.png"
    command = [sys.executable, str(script), "--steps", "3", "--batch", "8", "--out", str(out)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=tmp_path)
    assert str(out) in done.stdout
    with Image.open(out) as picture:
        assert picture.size == (840, 840)
        assert picture.mode == "L"
