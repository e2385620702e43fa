"""Standalone scripts run as printed."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import torch
from PIL import Image

import inkseed as package
from inkseed.ddpm import SimpleDiffusion
from inkseed.nn import ContextUnet

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

        model = package.load("digits")
        drawn = in_diffusers.draw(model, [3, 8], 7)
    finally:
        sys.modules.pop("in_diffusers", None)
    how = in_diffusers.HOW
    own = model.sample_request(package.Request([3, 8], seed=7, sampling=how)).images
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


def test_the_lab_makes_a_model_that_inkseed_draws_with(inkseed, tmp_path):
    script, out = EXAMPLES / "lab.py", tmp_path / "lab"
    text = script.read_text("utf-8")
    assert len(text.splitlines()) <= 250
    assert not re.search(r"^\s*(import|from) inkseed", text, re.MULTILINE)
    options = ("--minutes", "0", "--n-feat", "8", "--n-T", "4", "--out", str(out))
    subprocess.run([sys.executable, str(script), *options], check=True, cwd=tmp_path)
    sizes = {"loss.png": (600, 200), "figure1.png": (560, 336), "number.png": (448, 56)}
    for name, size in sizes.items():
        with Image.open(out / name) as picture:
            assert picture.size == size
    model = out / "model.safetensors"
    assert package.load(model).settings().guide_w == 2
    done = inkseed("write", "07", "--model", model, "--steps", 2, "--out", tmp_path / "07.png")
    assert done.status == 0


def test_the_lab_is_the_report_as_inkseed_has_it():
    spec = importlib.util.spec_from_file_location("lab", EXAMPLES / "lab.py")
    lab = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(lab)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        ours = lab.NoiseStrategyDiffusion(lab.ContextUnet(8), (1e-3, 0.2), 20, "cpu")
        theirs = SimpleDiffusion(ContextUnet(1, 8), (1e-3, 0.2), 20, "cpu")
        theirs.nn_model.load_state_dict(ours.nn_model.state_dict())
        x, c = torch.randn(2, 1, 28, 28), torch.arange(2)
        torch.manual_seed(1)
        drawn = ours.sample(torch.randn_like(x), c, 2.0)
        torch.manual_seed(1)
        wanted, _ = theirs.sample(2, (1, 28, 28), "cpu", 2.0)
        torch.testing.assert_close(drawn, wanted, atol=1e-4, rtol=1e-4)
        stability = ours.compute_inversion_stability(x, c)
    assert stability.shape == (2,)
    assert (stability > 0.2).all()  # chance is below 0.1
