"""No default is hidden: where each setting comes from, and that what is drawn says so."""

import json
from functools import partial
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

import inkseed as package
from inkseed.checkpoint import save_tensors
from inkseed.diffusion.schedule import VarianceExploding, times
from inkseed.errors import InkseedError
from inkseed.evaluation.sets import read_sets
from inkseed.export.samples import save_samples
from inkseed.files import sha256
from inkseed.samplers import SAMPLERS, Step, ancestral, ddim_step
from inkseed.writing.number import LEGIBLE
from tests.analytic import GaussianMixture
from tests.conftest import TINY

OWN = {"sampler": "ddim", "steps": 4, "spacing": "karras", "guide_w": 0.5}


@pytest.fixture(scope="module")
def choosy(tiny_network, tmp_path_factory):
    """The tiny model with settings of its own."""
    path = tmp_path_factory.mktemp("choosy") / "choosy.safetensors"
    save_tensors(path, tiny_network.state_dict(), {**TINY, "sampling": OWN})
    return path


def euler(denoiser, schedule, x, label, times, noise):
    """A sampler of one's own without a name: DDIM."""
    for t, s in pairwise(times):
        x_0 = denoiser(x, t, label)
        x = ddim_step(schedule, x, x_0, t, s)
        yield Step(float(s), x, x_0)


def test_a_sampler_that_brings_no_spacing_inherits_the_models(choosy, tiny_model):
    model = package.load(choosy)
    assert model.settings(sampler=euler, steps=5).spacing == "karras"
    own = model.sample([3], sampler=euler, steps=4)
    assert np.array_equal(own.images, model.sample([3]).images)
    assert model.settings(sampler=euler, steps=5, spacing="uniform").spacing == "uniform"
    plain = package.load(tiny_model)  # names none: what its own sampler takes
    assert plain.settings(sampler=euler, steps=5).spacing == plain.settings().spacing == "log_snr"


def npz_of(path):
    with np.load(path, allow_pickle=False) as saved:
        return dict(saved)


def test_spacing_and_guide_interval_are_options(inkseed, choosy, tmp_path):
    out = tmp_path / "s.npz"
    model = package.load(choosy)
    drawn = {}
    for spacing in ("uniform", "karras"):
        inkseed("sample", "--count", 1, "--spacing", spacing, "--model", choosy, "--out", out)
        drawn[spacing] = npz_of(out)["images"]
        assert np.array_equal(drawn[spacing], model.sample(range(10), spacing=spacing).images)
    assert not np.array_equal(drawn["uniform"], drawn["karras"])
    asked = ("--guide-interval", "1e6,inf", "--model", choosy, "--out", out, "--json")
    told = json.loads(inkseed("sample", "--count", 1, *asked).out)
    assert told["nfe"] == {"0.5": 4}
    assert told["guide_interval"] == [1e6, None]
    assert npz_of(out)["guide_interval"].tolist() == [[1e6, np.inf]] * 10


@pytest.mark.parametrize("interval", ["2", "3,1", "a,b", "-1,2", "inf,inf", "1,2,3", "nan,1"])
def test_a_guide_interval_that_is_none_is_told_in_one_line(inkseed, tiny_model, tmp_path, interval):
    for command in (
        ("sample", "--out", tmp_path / "s.npz"),
        ("write", "1", "--out", tmp_path / "n.png"),
        ("evaluate",),
        ("noise-study",),
    ):
        result = inkseed(*command, "--model", tiny_model, f"--guide-interval={interval}")
        assert result.status == 2
        assert "--guide-interval must be LOW,HIGH" in result.err


def test_a_set_says_how_it_was_made(inkseed, choosy, tmp_path):
    out = tmp_path / "s.npz"
    asked = ("--precision", "float32", "--sampler", "heun", "--model", choosy, "--out", out)
    inkseed("sample", "--count", 3, *asked)
    saved = npz_of(out)
    assert set(saved["sampler"]) == {"heun"}
    assert set(saved["steps"]) == {SAMPLERS["heun"].steps}
    assert set(saved["spacing"]) == {SAMPLERS["heun"].spacing}
    assert set(saved["precision"]) == {"float32"}
    assert saved["guide_interval"].tolist() == [[0, np.inf]] * 30
    assert all(len(saved[name]) == 30 for name in ("sampler", "steps", "spacing", "precision"))
    assert str(saved["weights_sha256"]) == sha256(choosy)
    assert str(saved["inkseed"]) == package.__version__
    assert str(saved["torch"]) == torch.__version__
    (found,) = read_sets(out)
    assert np.array_equal(found.source.images, saved["images"])


def test_groups_drawn_in_different_ways_keep_their_own(choosy, tmp_path):
    model, out = package.load(choosy), tmp_path / "s.npz"
    sampler = partial(ancestral, eta=0.5)
    groups = [model.sample([1]), model.sample([1, 2], sampler=sampler, steps=2)]
    save_samples(groups, model.class_names, 2, out)
    saved = npz_of(out)
    assert saved["sampler"].tolist() == ["ddim", *["ancestral(eta=0.5)"] * 2]
    assert saved["steps"].tolist() == [4, 2, 2]


def strictly(text):
    def refuse(name):
        raise AssertionError(f"{name} is no JSON")

    return json.loads(text, parse_constant=refuse)


def test_write_says_how_it_draws(inkseed, choosy, tmp_path):
    out = tmp_path / "n.png"
    asked = ("write", "12", "--model", choosy, "--out", out, "--json")
    told = strictly(inkseed(*asked).out)
    wanted = {"sampler": "ddim", "steps": 4, "spacing": "karras", "guide_interval": None}
    assert {name: told[name] for name in wanted} == wanted
    assert told["precision"] == "float32"
    assert told["guide_w"] == LEGIBLE  # the model's own is less, and --help says so
    with Image.open(out) as picture:
        plain = np.asarray(picture)
    told = strictly(inkseed(*asked, "--spacing", "uniform", "--guide-interval", "0,1").out)
    assert told["spacing"] == "uniform"
    assert told["guide_interval"] == [0, 1]
    with Image.open(out) as picture:
        assert picture.size != plain.shape[::-1] or (np.asarray(picture) != plain).any()


def test_the_help_of_write_tells_its_own_defaults(inkseed, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    told = " ".join(inkseed("write", "--help").out.split())
    assert f"raised to {LEGIBLE}" in told
    assert "float32" in told


def test_a_page_with_a_curve_measures_the_models_own_settings_first(
    inkseed, choosy, tmp_path, monkeypatch
):
    def measured(sets, final, advance):
        return SimpleNamespace(as_json=lambda: {"drawn": [each.guide_w for each in sets]})

    monkeypatch.setattr("inkseed.evaluation.evaluate", measured)
    monkeypatch.setattr("inkseed.evaluation.page.save_page", lambda found, out: None)
    asked = ("evaluate", "--model", choosy, "--count", 20, "--steps", 1, "--json")
    told = strictly(inkseed(*asked).out)
    assert told["drawn"] == [0.5]
    assert told["sampling"]["steps"] == 1
    assert told["sampling"]["spacing"] == "karras"
    told = strictly(inkseed(*asked, "--out", tmp_path / "page.html").out)
    assert told["drawn"] == [0.5, 0, 2]  # the first is the one that a page speaks of


def test_settings_for_a_model_are_refused_for_a_set(inkseed, tmp_path):
    for option in (
        ("--spacing", "karras"),
        ("--guide-interval", "1,2"),
        ("--precision", "float32"),
    ):
        result = inkseed("evaluate", tmp_path / "s.npz", *option)
        assert result.status == 2
        assert "are for --model" in result.err


# --- ancestral steps where alpha does not fall -------------------------------------------------


def spread(walk, steps, spacing):
    """How far off the mixture's deviations are: 1 is right; the worst of its components."""
    schedule, mixture = VarianceExploding(20.0, sigma_min=0.02), GaussianMixture.example()
    label = torch.arange(3).repeat_interleave(200)
    generator = torch.Generator().manual_seed(0)

    def noise():
        return torch.randn(600, 1, 4, 4, generator=generator, dtype=torch.float64)

    x_T = mixture.draw(label, 1) + schedule.start_scale * noise()
    grid = times(schedule, steps, spacing)
    *_, last = walk(mixture.denoiser(schedule), schedule, x_T, label, grid, noise)
    errors = (last.x - mixture.means[label]).flatten(1).square().mean(1).view(3, -1).mean(1).sqrt()
    return float((errors / mixture.deviations).max())


@pytest.mark.parametrize("spacing", ["uniform", "karras"])
@pytest.mark.parametrize("steps", [10, 20, 50])
def test_few_ancestral_steps_leave_no_noise_where_the_variance_explodes(steps, spacing):
    """DDPM's larger variance, which the report's chain has, leaves up to twice the deviation."""
    assert spread(ancestral, steps, spacing) < 1
    assert spread(partial(ancestral, eta=1.0), steps, spacing) == spread(ancestral, steps, spacing)


def test_ancestral_takes_the_reports_chain_only_where_there_is_one(tiny_model):
    model = package.load(tiny_model)
    assert model.settings(sampler="ancestral").steps == TINY["schedule"]["n_T"]
    assert package.load("digits").settings(sampler="ancestral").steps == 50


def test_bad_settings_are_told_in_one_line(tiny_model):
    model = package.load(tiny_model)
    for asked in ({"guide_interval": (None, 1)}, {"guide_interval": 3}, {"guidance": 3}):
        with pytest.raises(InkseedError):
            model.sample([1], **asked)
