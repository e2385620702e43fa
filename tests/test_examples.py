"""Standalone scripts run as printed."""

import re
import subprocess
import sys
from pathlib import Path

from PIL import Image

import inkseed as inkseed_package

EXAMPLES = Path(__file__).parents[1] / "examples"
DOCS = EXAMPLES.parent / "docs"


def test_a_strategy_in_a_file_works_first_time(inkseed, tiny_model, tmp_path, forget):
    out, own = tmp_path / "n.png", EXAMPLES / "my_strategy.py"
    command = ("write", "2026", "--model", tiny_model, "--steps", 2, "--out", out)
    assert inkseed(*command, "--noise", own, "--candidates", 3).status == 0
    assert out.is_file()


def test_the_page_on_noise_shows_the_strategy_as_it_is():
    page = (DOCS / "noise.md").read_text("utf-8")
    shown = next(part for part in page.split("```") if "def boldest" in part)
    body = shown.removeprefix("python\n").split('"""The candidate')[0]
    script = (EXAMPLES / "my_strategy.py").read_text("utf-8")
    assert body.strip() in script
    for line in shown.splitlines():
        assert line.strip() in script or line == "python"


def test_the_page_on_samplers_shows_the_sampler_as_it_is():
    page = (DOCS / "samplers.md").read_text("utf-8")
    shown = next(part for part in page.split("```") if "def half_noise" in part)
    script = (EXAMPLES / "my_sampler.py").read_text("utf-8")
    for line in shown.removeprefix("python\n").splitlines():
        assert line.rstrip() in script


def test_a_scheduler_of_diffusers_draws_the_same_digits(monkeypatch):
    monkeypatch.syspath_prepend(str(EXAMPLES))
    try:
        import in_diffusers

        model = inkseed_package.load("digits")
        drawn = in_diffusers.draw(model, [3, 8], 7)
    finally:
        sys.modules.pop("in_diffusers", None)
    own = model.sample([3, 8], 7).images
    assert abs(drawn.astype(int) - own).max() <= 1


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
