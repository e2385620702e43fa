import json
import subprocess
import sys
from functools import partial

import numpy as np
import pytest
import torch
from PIL import Image

import inkseed as package
from inkseed.data import read_folder, to_uint8
from inkseed.errors import InkseedError
from inkseed.model import catalogue
from inkseed.named_files import MODELS
from inkseed.samplers import ancestral


def test_figure_1_has_three_labelled_bands(inkseed, tiny_model, tmp_path):
    figure, trace = tmp_path / "figure1.png", tmp_path / "denoising.gif"
    result = inkseed(
        *("sample", "--labels", "0-9", "--count", 4, "--guide-w", "0,0.5,2"),
        *("--sampler", "ancestral", "--out", figure, "--trace", trace, "--model", tiny_model),
    )
    assert result.status == 0
    with Image.open(figure) as picture:
        pixels = np.asarray(picture.convert("L"))
    blank = (pixels == 255).all(1)
    starts = np.flatnonzero(blank[:-1] & ~blank[1:])
    tall = [y for y in starts if (~blank[y + 1 : y + 1 + 4 * 28 * 2 - 8]).all()]
    assert len(tall) == 3  # three blocks of four rows of digits
    captions = [y for y in starts if y not in tall]
    assert len(captions) == 3  # each under a caption of its own
    assert all(c < t for c, t in zip(captions, tall, strict=True))
    assert pixels.shape[1] == 10 * 28 * 2 + 2 * 8

    with Image.open(trace) as gif:
        assert gif.size == (2 * pixels.shape[1], pixels.shape[0])  # x_t, and the guess of x_0
        frames = []
        for k in range(gif.n_frames):
            gif.seek(k)
            frames.append(np.asarray(gif.convert("L")).astype(int)[:, : pixels.shape[1]])
    assert len(frames) == 13  # the noise and each of this model's 12 steps
    assert abs(frames[-1] - pixels).mean() < 3  # the last frame is the figure, in fewer greys
    assert abs(frames[0] - pixels).mean() > 20


def test_bands_differ_only_by_guidance(inkseed, tiny_model, tmp_path):
    out = tmp_path / "s.npz"
    shared = ("--sampler", "ddim", "--steps", 6, "--out", out, "--model", tiny_model)
    inkseed("sample", "--count", 2, "--guide-w", "0,2", *shared)
    with np.load(out, allow_pickle=False) as saved:
        assert saved["images"].shape == (40, 28, 28)
        assert saved["images"].dtype == np.uint8
        assert saved["labels"].tolist() == [*range(10)] * 4
        assert saved["guide_w"].tolist() == [0.0] * 20 + [2.0] * 20
        assert saved["nfe"].tolist() == [6] * 20 + [12] * 20
        assert np.array_equal(saved["seeds"][:20], saved["seeds"][20:])
        assert not np.array_equal(saved["images"][:20], saved["images"][20:])


def test_a_folder_of_samples_reads_back_as_labelled_images(inkseed, tiny_model, tmp_path):
    arrays, folder = tmp_path / "s.npz", tmp_path / "set"
    for out in (arrays, folder):
        inkseed("sample", "--labels", "3,5-6", "--count", 2, "--out", out, "--model", tiny_model)
    with np.load(arrays) as saved:
        images, labels = saved["images"], saved["labels"]
    found = read_folder(folder, paper="light", form="keep")
    assert found.class_names == ("3", "5", "6")
    assert labels.tolist() == [3, 5, 6, 3, 5, 6]
    by_label = np.argsort(labels, kind="stable")
    assert np.array_equal(found.images, images[by_label])
    again = inkseed("sample", "--out", folder, "--model", tiny_model)
    assert again.status == 2
    assert "not an empty folder" in again.err


def test_json(inkseed, tiny_model, tmp_path):
    out = tmp_path / "s.npz"
    result = inkseed(
        *("sample", "--count", 1, "--guide-w", "0,1", "--out", out),
        *("--model", tiny_model, "--json"),
    )
    facts = json.loads(result.out)
    assert facts == {
        **{"out": str(out), "images": 20, "seed": 0, "nfe": {"0": 20, "1": 40}},
        **{"sampler": "dpm_solver_sde", "steps": 20, "spacing": "log_snr"},
        **{"guide_interval": None, "precision": package.load(tiny_model).settings().precision},
        "hand": None,
    }


def test_batch_size_never_changes_an_images_noise(tiny_model):
    model = package.load(tiny_model)
    labels = [k % 10 for k in range(66)]
    drawn = {
        size: model.sample(labels, 4, sampler="ancestral", batch_size=size) for size in (1, 7, 64)
    }
    for size in (1, 7):
        assert torch.equal(drawn[size].noise, drawn[64].noise)
        difference = drawn[size].images.astype(int) - drawn[64].images
        assert abs(difference).max() <= 8
    again = model.sample(labels, 4, sampler="ancestral", batch_size=7)
    assert np.array_equal(again.images, drawn[7].images)  # to the byte, for the same batch shape


DRAW_APART = """
import sys, numpy, inkseed
first, count, model, out = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4]
drawn = inkseed.load(model).sample(range(first, first + count), 4, first=first, batch_size=count)
numpy.savez(out, noise=drawn.noise.numpy(), images=drawn.images, seeds=drawn.seeds)
"""


def test_two_processes_share_a_request_and_change_nothing(tiny_model, tmp_path):
    whole = package.load(tiny_model).sample(range(10), 4, batch_size=5)
    parts = []
    for first in (0, 5):
        out = tmp_path / f"{first}.npz"
        command = [sys.executable, "-c", DRAW_APART, str(first), "5", str(tiny_model), str(out)]
        subprocess.run(command, check=True)
        with np.load(out) as saved:
            parts.append({name: saved[name] for name in saved.files})
    joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    assert np.array_equal(joined["noise"], whole.noise.numpy())
    assert np.array_equal(joined["seeds"], whole.seeds)
    assert abs(joined["images"].astype(int) - whole.images).max() <= 8


def test_a_trace_holds_every_state(tiny_model):
    drawn = package.load(tiny_model).sample([3, 4], steps=5, trace=True)
    assert len(drawn.steps) == 5
    assert drawn.steps[-1].shape == (2, 1, 28, 28)
    assert np.array_equal(to_uint8(drawn.steps[-1]), drawn.images)


@pytest.mark.parametrize("sampler", ["dpm_solver", "dpm_solver_sde", "ancestral"])
def test_noise_of_ones_own_is_used_and_the_models_own_can_be_given_back(tiny_model, sampler):
    model = package.load(tiny_model)
    drawn = model.sample([3, 4], seed=1, sampler=sampler, steps=5)
    back = model.sample([3, 4], seed=1, sampler=sampler, steps=5, noise=drawn.noise)
    assert np.array_equal(back.images, drawn.images)
    turned = model.sample([3, 4], seed=1, sampler=sampler, steps=5, noise=-drawn.noise)
    assert not np.array_equal(turned.images, drawn.images)
    assert torch.equal(turned.noise, -drawn.noise)


def test_a_sampler_of_ones_own(tiny_model):
    model = package.load(tiny_model)
    own = model.sample([3], 2, sampler=partial(ancestral, eta=0.0), steps=6)
    named = model.sample([3], 2, sampler="ddim", steps=6, spacing=model.settings().spacing)
    assert abs(own.images.astype(int) - named.images).max() <= 1
    with pytest.raises(InkseedError, match="how many steps"):
        model.sample([3], sampler=ancestral)


def test_nfe_counts_guidance_its_interval_and_heuns_second_look(tiny_model):
    model = package.load(tiny_model)
    assert model.sample([1] * 3, guide_w=0, sampler="heun", steps=4).nfe == 7
    assert model.sample([1] * 3, guide_w=1, sampler="ddim", steps=4).nfe == 8
    nothing = model.sample([1], guide_w=1, sampler="ddim", steps=4, guide_interval=(1e6, 1e7))
    assert nothing.nfe == 4
    unguided = model.sample([1], guide_w=0, sampler="ddim", steps=4)
    assert np.array_equal(nothing.images, unguided.images)


@pytest.mark.parametrize(
    ("request_", "complaint"),
    [
        ({"labels": []}, "no labels"),
        ({"labels": [10]}, "0 to 9"),
        ({"labels": [-1]}, "0 to 9"),
        ({"labels": [1], "seed": -1}, "seed"),
        ({"labels": [1], "guide_w": float("nan")}, "guide_w"),
        ({"labels": [1], "sampler": "euler"}, "no sampler 'euler'"),
        ({"labels": [1], "steps": 0}, "steps"),
        ({"labels": [1], "spacing": "odd"}, "no spacing"),
        ({"labels": [1], "guide_w": 1, "guide_interval": (2, 1)}, "interval"),
        ({"labels": [1], "noise": "pink"}, "no noise strategy 'pink'"),
        ({"labels": [1], "noise": torch.zeros(2, 1, 28, 28)}, "1x1x28x28"),
        ({"labels": [1], "noise": torch.full((1, 1, 28, 28), torch.nan)}, "finite"),
        ({"labels": [1], "first": -1}, "first"),
        ({"labels": [1], "batch_size": 0}, "batch_size"),
    ],
)
def test_impossible_requests_from_python(tiny_model, request_, complaint):
    with pytest.raises(InkseedError, match=complaint):
        package.load(tiny_model).sample(**request_)


def test_a_saved_model_is_the_same_model(tiny_model, tmp_path):
    model = package.load(tiny_model)
    model.save(tmp_path / "copy.safetensors")
    copy = package.load(tmp_path / "copy.safetensors")
    assert np.array_equal(model.sample([1, 2]).images, copy.sample([1, 2]).images)
    assert copy.config == model.config


def test_models_are_listed_with_what_they_are(inkseed):
    listed = inkseed("models")
    assert listed.status == 0
    assert "report" in listed.out
    told = inkseed("models", "--json").out
    assert "Infinity" not in told  # which JSON does not have
    facts = json.loads(told)["models"]
    (report,) = (each for each in facts if each["name"] == "report")
    assert report["training"]["images_seen"] > 0
    if report["quality"] is not None:
        assert 0 < report["quality"]["metrics"]["accuracy"]["value"] <= 1


def test_a_measurement_of_other_weights_is_not_shown(tiny_model, tmp_path, monkeypatch):
    weights = tmp_path / "weights"
    weights.mkdir()
    (weights / "tiny.safetensors").write_bytes(tiny_model.read_bytes())
    monkeypatch.setattr(MODELS, "folder", weights)
    figure = {"value": 0.5, "low": 0.4, "high": 0.6, "baseline": 0.9, "weighed": False}
    drawn = {"sampler": "ddim", "steps": 2, "guide_w": 0, "nfe": 2}
    measured = {"n": 20, "metrics": {"accuracy": figure}, "sampling": drawn}
    catalogue.record_quality("tiny", measured)
    assert [each.quality for each in catalogue.bundled()] == [measured]
    model = package.load(weights / "tiny.safetensors")
    model.config = model.config.trained({"epochs_done": 1})
    model.save(weights / "tiny.safetensors")
    assert [each.quality for each in catalogue.bundled()] == [None]
