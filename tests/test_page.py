"""The page in a browser: what it is made of, and that it draws what Python draws."""

import importlib.util
import re
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageChops, ImageDraw

from inkseed import write
from inkseed.data import load_mnist
from inkseed.data.form import as_mnist
from inkseed.data.pairs import PAIRS
from inkseed.export.page import LARGEST, SOURCES, joined
from inkseed.model.config import ModelConfig
from inkseed.model.loading import load
from inkseed.model.model import Model
from inkseed.nn import network_from
from inkseed.rng import normals
from inkseed.writing.number import blocks_of, parts_of
from inkseed.writing.typesetting import gaps, typeset
from tests.page_node import drawn, in_form, needs_node, settings_of, text_of

STYLES = {"slant": [5.8, 14.8], "thickness": [2.4, 0.6]}
EXPLODING = {"name": "variance_exploding", "sigma_max": 20.0, "sigma_min": 0.02}
EDM = {"name": "edm", "data_mean": -0.74, "sigma_data": 0.62}
HAND = {"styles": STYLES, "hand": 64}
KINDS = {
    "fast": {
        "network": {"name": "guided_patch_unet", "guide": 3.0, **HAND},
        "prediction": {**EDM, "name": "consistency"},
        "sampling": {"sampler": "consistency", "steps": 2, "guide_w": 0.5, "levels": [[], [1.8]]},
    },
    "solver": {
        "network": {"name": "patch_unet", "blocks": 2, **HAND},
        "prediction": EDM,
        "sampling": {
            "sampler": "dpm_solver",
            "steps": 4,
            "spacing": "karras",
            "guide_w": 0.4,
            "guide_interval": [0.3, 6.0],
        },
    },
    "chain": {
        "network": {"name": "patch_unet", "styles": STYLES},
        "schedule": {"name": "linear_betas", "betas": [1e-3, 0.3], "n_T": 12},
        "prediction": {"name": "eps"},
        "sampling": {"sampler": "ancestral", "steps": 3, "guide_w": 0.0},
    },
    "pairs": {
        "network": {"name": "patch_unet", "n_classes": 100, "places": 2, "waves": 5},
        "schedule": {"name": "cosine"},
        "prediction": {"name": "v"},
        "sampling": {"sampler": "dpm_solver_sde", "steps": 3, "guide_w": 1.0, "one_hand": True},
        "image_size": (28, 56),
        "class_names": PAIRS,
    },
    "heun": {
        "network": {"name": "patch_unet"},
        "schedule": {"name": "flow"},
        "prediction": {"name": "x0"},
        "sampling": {"sampler": "heun", "steps": 3, "guide_w": 0.5},
        "image_size": (32, 24),
    },
}


def tiny(kind: str) -> Model:
    """A small model of random weights that 16 bits hold: it draws clouds, not digits."""
    told = dict(KINDS[kind])
    network = {"in_channels": 1, "n_classes": 10, "widths": (16, 64), **told.pop("network")}
    config = {"schedule": EXPLODING, "image_size": (28, 28), "class_names": tuple("0123456789")}
    given = ModelConfig(network=network, styles=network.get("styles", {}), **{**config, **told})
    with torch.random.fork_rng():
        torch.manual_seed(0)
        built = network_from(network)
        for name, each in built.named_parameters():
            spread = 0.5 / max(1, each[0].numel()) ** 0.5 if each.ndim > 1 else 0.1
            each.data = each.data * (1 if "norm" in name else 0.3) + spread * torch.randn_like(each)
            each.data = each.data.half().float()
    return Model(built, given, torch.device("cpu"))


@needs_node
@pytest.mark.parametrize(
    ("kind", "kernel"),
    [*((kind, "kernel.wasm") for kind in KINDS), ("fast", None), ("pairs", None)],
)
def test_same_seed_same_number(kind, kernel):
    model, text = tiny(kind), "10375" if kernel else "10"
    (found,) = drawn(model, [{"text": text, "seed": "7"}], kernel)
    number = write(text, 7, model=model)

    noise = normals(7, [(0,)], (1, *model.image_size)).ravel()
    assert abs(noise.view(np.int32) - found.noise.view(np.int32)).max() <= 1
    digits = np.concatenate(blocks_of(number.samples.images, parts_of(text, model)))
    assert len(digits) == len(found.digits) == len(text)
    assert digits.std() > 10, "a blank picture would prove nothing"
    assert abs(digits - np.stack(found.digits).astype(int)).max() <= 2

    blocks = [np.stack(found.digits[k : k + 2]) for k in range(0, len(text), 2)]
    if model.class_names != PAIRS:
        blocks = [each[None] for each in found.digits]
    picture, boxes = typeset(blocks, gaps(len(blocks) - 1, 7))
    assert np.array_equal(255 - np.asarray(picture), found.ink)
    assert boxes == found.boxes


@needs_node
def test_what_is_asked_for_is_told():
    model = tiny("fast")
    large = 2**62 + 12345  # a seed of more than 32 bits
    first, other = drawn(
        model,
        [
            {"text": "47", "seed": str(large), "style": {"slant": -12.0}, "guideW": 0, "steps": 1},
            {"text": "47", "seed": "3", "style": {"thickness": 3.1}, "guideW": 3, "steps": 5},
        ],
    )
    asked = write("47", large, 0, model, steps=1, slant=-12)
    assert abs(asked.samples.images - np.stack(first.digits).astype(int)).max() <= 2
    asked = write("47", 3, 3, model, steps=5, thickness=3.1)
    assert abs(asked.samples.images - np.stack(other.digits).astype(int)).max() <= 2


@needs_node
def test_of_a_senseless_address_all_is_as_usual():
    senseless = [
        *("#", "#garbage", "#%ff%00=&&==", "#steps=constructor", "#steps=__proto__", "#steps=-1"),
        *("#guide=", "#guide=NaN", "#guide=1e9", "#slant= ", "#thickness=", "#part=", "#part=2"),
        *("#start=toString", "#seed=-1", "#seed=9223372036854775808", "#other=x", "#card=1"),
    ]
    usual, *others = settings_of(tiny("chain"), ["", *senseless])
    assert others == [usual] * len(senseless)
    (asked,) = settings_of(tiny("chain"), ["#n=00x7&seed=007&steps=5&slant=0"])
    assert asked == {**usual, "text": "007", "seed": "7", "steps": 5, "slant": 0}


@needs_node
def test_letters_too(monkeypatch):
    letters = {**KINDS["heun"], "class_names": tuple("abcdefghij")}
    monkeypatch.setitem(KINDS, "letters", letters)
    model = tiny("letters")
    (found,) = drawn(model, [{"text": "cab", "seed": "7", "guideW": 0.5}])
    images = model.sample([2, 0, 1], seed=7, guide_w=0.5).images
    assert abs(images - np.stack(found.digits).astype(int)).max() <= 2


@needs_node
def test_a_hand_of_given_digits():
    model, digits = tiny("fast"), load_mnist(train=False).images[:3].copy()
    blurred = np.stack([digits[0] // 2 + np.roll(digits[0], 1, 1) // 2, *digits[1:]])
    (found,) = drawn(
        model, [{"text": "5", "seed": "7", "digits": [text_of(each.tobytes()) for each in blurred]}]
    )
    (free,) = drawn(model, [{"text": "5", "seed": "7"}])
    number = write("5", 7, model=model, hand=model.hand_of(blurred))
    assert abs(number.samples.images[0] - found.digits[0].astype(int)).max() <= 2
    assert not np.array_equal(free.digits[0], found.digits[0])


@needs_node
def test_a_drawn_digit_takes_mnists_form():
    fine = np.kron(load_mnist(train=False).images[:4], np.ones((9, 9), np.uint8))
    digits = [*fine, fine[1, :, 60:200].copy(), load_mnist(train=False).images[0, ::2, ::2].copy()]
    for found, digit in zip(in_form(tiny("fast"), digits), digits, strict=True):
        assert abs(as_mnist(digit) - found.astype(int)).max() <= 2


@needs_node
def test_other_starts():
    model = tiny("fast")
    own, mirrored, at_other, best = drawn(
        model,
        [
            {"text": "5", "seed": "7"},
            {"text": "5", "seed": "7", "start": {"kind": "mirrored"}},
            {"text": "5", "seed": "7", "start": {"kind": "between", "other": "8", "part": 1}},
            {"text": "538", "seed": "7", "start": {"kind": "best"}},
        ],
    )
    assert np.array_equal(mirrored.noise, -own.noise)
    other = normals(8, [(0,)], (784,))[0]
    assert np.allclose(at_other.noise, other, atol=1e-5)
    number = write("538", 7, model=model, noise="best_of", candidates=8)
    assert best.candidates == number.samples.streams[:, 1].tolist()
    assert abs(number.samples.images - np.stack(best.digits).astype(int)).max() <= 2


@needs_node
def test_its_svg_has_the_ink():
    (found,) = drawn(load("digits-fast"), [{"text": "828", "seed": "3"}])
    eight = re.findall(r' d="([^"]*)"', found.svg)[0]
    assert eight.count("M") == eight.count("Z") == 3, "an 8 is an outline and two holes"
    ink, curves = found.ink >= 128, rastered(found.svg, found.ink.shape)
    assert (ink & curves).sum() / (ink | curves).sum() > 0.92


def rastered(svg: str, shape: tuple[int, int], finer: int = 4) -> np.ndarray:
    """Whether each pixel lies inside the paths of the page's SVG, for the most part."""
    size = (shape[1] * finer, shape[0] * finer)
    page = np.zeros(size[::-1], bool)
    for left, top, path in re.findall(r'translate\((\S+) (\S+)\)" d="([^"]*)"', svg):
        inside = Image.new("1", size)
        for loop in filter(None, path.split("Z")):
            points = np.array(re.findall(r"-?[\d.]+", loop), float).reshape(-1, 2)
            bends, ends = points[1::2], points[2::2]
            begins = np.concatenate((points[:1], ends[:-1]))
            line = np.stack([begins, (begins + 2 * bends + ends) / 4], 1).reshape(-1, 2)
            line = finer * np.add(line, (float(left), float(top)))
            one = Image.new("1", size)
            ImageDraw.Draw(one).polygon([tuple(each) for each in line.tolist()], fill=1)
            inside = ImageChops.logical_xor(inside, one)
        page |= np.asarray(inside)
    return page.reshape(shape[0], finer, shape[1], finer).mean((1, 3)) >= 0.5


def test_the_page_stands_alone(inkseed, tmp_path):
    out = tmp_path / "page.html"
    told = inkseed("page", "--out", out)
    assert told.status == 0
    assert told.out == f"{out}\n"
    text = out.read_text("utf-8")
    assert len(text.encode()) <= LARGEST == 10_000_000
    assert "default-src 'none'" in text, "whatever it tries to load is refused"
    assert not re.findall(r"\b(?:src|srcset|poster|action|data)=[\"']?(?!data:)\w", text)
    assert re.findall(r"<link[^>]*>", text) == ['<link rel="icon" href="data:,">']
    assert not re.findall(r"\burl\(|@import|\bfetch\(|\bimport\(|XMLHttpRequest|WebSocket", text)
    assert "{{" not in re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL)


def test_every_module_is_inlined():
    for name in ("main.mjs", "worker.mjs"):
        script = joined(name)
        assert "import {" not in script
        assert "\nexport " not in script
    both = joined("main.mjs") + joined("worker.mjs")
    for path in SOURCES.glob("*.mjs"):
        lines = path.read_text("utf-8").splitlines()
        assert lines[0].startswith("// "), path
        assert len(lines) < 300, path
        assert lines[-1] in both, path


def test_a_users_own_model(inkseed, tmp_path):
    tiny("chain").save(tmp_path / "mine.safetensors")
    out = tmp_path / "mine.html"
    assert inkseed("page", "--out", out, "--model", tmp_path / "mine.safetensors").status == 0
    assert '"name": "mine"' in out.read_text("utf-8")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"class_names": tuple(f"sort {k}" for k in range(10))}, "labels"),
        ({"network": {"name": "patch_unet", "in_channels": 3}}, "3 channels"),
        ({"network": {"name": "patch_unet", "widths": (128, 384), "blocks": 2}}, "MB"),
    ],
)
def test_what_it_cannot_run_is_refused_in_a_line(inkseed, tmp_path, monkeypatch, change, says):
    monkeypatch.setitem(
        KINDS, "odd", {"prediction": {"name": "v"}, "network": {"name": "patch_unet"}, **change}
    )
    tiny("odd").save(tmp_path / "odd.safetensors")
    told = inkseed("page", "--out", tmp_path / "a.html", "--model", tmp_path / "odd.safetensors")
    assert told.status == 2
    assert says in told.err
    assert told.err.count("\n") == 1
    assert not (tmp_path / "a.html").exists()


def test_other_networks_and_names_are_refused(inkseed, tmp_path, tiny_model):
    told = inkseed("page", "--out", tmp_path / "a.html", "--model", tiny_model)
    assert (told.status, told.err.count("\n")) == (2, 1)
    assert "PatchUnet" in told.err
    assert inkseed("page", "--out", tmp_path / "a.png").status == 2


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("ziglang") is None, reason="ziglang is not installed")
def test_the_binary_is_the_sources(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "scripts"))
    import kernel

    kernel.build(tmp_path / "kernel.wasm")
    sys.modules.pop("kernel")
    assert (tmp_path / "kernel.wasm").read_bytes() == (SOURCES / "kernel.wasm").read_bytes()


@pytest.mark.slow
@needs_node
def test_200_digits_of_the_bundled_model():
    model, texts = load("digits-fast"), [f"{37 * k % 10**8:08d}" for k in range(25)]
    asked = [{"text": text, "seed": str(k)} for k, text in enumerate(texts)]
    worst = 0
    for k, (text, found) in enumerate(zip(texts, drawn(model, asked), strict=True)):
        number = write(text, k, model=model)
        worst = max(worst, abs(number.samples.images - np.stack(found.digits).astype(int)).max())
        assert (255 - np.asarray(number.image)).shape == found.ink.shape
        assert abs(255 - np.asarray(number.image) - found.ink.astype(int)).max() <= 2
        assert number.boxes == found.boxes
    print(f"200 digits: ink differs by {worst} of 255 at most")
    assert worst <= 2
