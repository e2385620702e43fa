"""`inkseed export`: one graph of a model and its sampler, which onnxruntime draws by."""

import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from PIL import Image
from torch import nn

import inkseed as package
from inkseed.checkpoint import save_tensors
from inkseed.errors import InkseedError
from inkseed.export import onnx as exporting
from inkseed.export.onnx import Drawing, export_onnx
from inkseed.model.hand import DrawnHand, tell_hands
from inkseed.model.sampling import SamplingOptions
from inkseed.nn import network_from
from inkseed.registry import NETWORKS
from inkseed.rng import Purpose, normals

STYLES = {"slant": [5.8, 14.8], "thickness": [2.4, 0.6]}
CONFIG = {
    "network": {
        "name": "guided_patch_unet",
        "guide": 3.0,
        "in_channels": 1,
        "n_classes": 10,
        "widths": [16, 64],
        "styles": STYLES,
        "hand": 8,
    },
    "schedule": {"name": "variance_exploding", "sigma_max": 20.0, "sigma_min": 0.02},
    "image_size": [28, 28],
    "class_names": list("0123456789"),
    "prediction": {"name": "consistency", "data_mean": -0.7, "sigma_data": 0.6},
    "sampling": {"sampler": "consistency", "levels": [[], [1.8]], "steps": 2, "guide_w": 0.5},
    "styles": STYLES,
}


@pytest.fixture(scope="module")
def taught(tmp_path_factory):
    """A student of two steps that knows label, style, hand and guidance, untrained, as bundled."""
    network = network_from(CONFIG["network"])
    generator = torch.Generator().manual_seed(0)
    for each in network.parameters():
        each.detach().normal_(0, 0.1, generator=generator)
    path = tmp_path_factory.mktemp("taught") / "taught.safetensors"
    halves = {k: v.half() for k, v in network.state_dict().items()}
    save_tensors(path, halves, CONFIG)
    return path


@pytest.fixture(scope="module")
def exported(taught):
    """The same as a graph, by the command line; exporting takes a quarter of a minute."""
    from inkseed.cli import main

    out = taught.with_suffix(".onnx")
    with pytest.raises(SystemExit) as stopped:
        main(["export", "--model", str(taught), "--out", str(out)])
    assert stopped.value.code == 0
    return out


def drawn_by(path, **given):
    """uint8 (N, H, W): what onnxruntime draws by a graph from these inputs."""
    session = onnxruntime.InferenceSession(path)
    inputs = {each.name: each.type for each in session.get_inputs()}
    assert inputs.keys() == given.keys()
    kinds = {"tensor(float)": np.float32, "tensor(int64)": np.int64}
    (images,) = session.run(["images"], {k: kinds[inputs[k]](v) for k, v in given.items()})
    return images


def noises(seed, count, added, shape=(1, 28, 28)):
    """The noise of images 0 to count - 1 and of their sampler's steps, (count, 1 + added, ...)."""
    keys = [(k,) for k in range(count)]
    drawn = [normals(seed, keys, shape)]
    drawn += [normals(seed, keys, shape, Purpose.SAMPLER, k) for k in range(added)]
    return np.stack(drawn, 1)


def most_different(images, others):
    return int(np.abs(images.astype(int) - others).max())


def test_onnxruntime_draws_what_torch_draws(taught, exported):
    model, labels = package.load(taught), [0, 3, 9, 7, 7]
    slant, thickness = [np.nan, 20.0, np.nan, -10.0, 0.0], [np.nan, np.nan, 3.0, 2.0, 1.5]
    hands = [None, DrawnHand(1), None, DrawnHand(2), DrawnHand(1)]
    asked = {"slant": slant, "thickness": thickness, "hand": hands}
    for w in (0.0, 0.5, 2.0):
        out = model.sample(labels, 4, w, precision="float32", **asked)
        images = drawn_by(
            exported,
            noise=noises(4, 5, 1),
            label=labels,
            guide_w=[w] * 5,
            style=np.stack((slant, thickness), 1),
            hand=tell_hands(model.network, hands).numpy(),
        )
        assert images.dtype == np.uint8
        assert images.std() > 10
        assert most_different(images, out.images) <= 2


def test_what_is_free_is_nan_and_its_value_does_not_matter(taught, exported):
    model = package.load(taught)
    free = {"style": np.full((3, 2), np.nan), "hand": np.full((3, 9), np.nan)}
    one = drawn_by(exported, noise=noises(0, 3, 1), label=[1, 2, 3], guide_w=[0] * 3, **free)
    out = model.sample([1, 2, 3], 0, 0.0, precision="float32")
    assert most_different(one, out.images) <= 2
    partly = {**free, "style": np.array([[np.nan, np.nan], [25, np.nan], [np.nan, np.nan]])}
    other = drawn_by(exported, noise=noises(0, 3, 1), label=[1, 2, 3], guide_w=[0] * 3, **partly)
    changed = (one != other).any((1, 2))
    assert changed.tolist() == [False, True, False]
    unnamed = drawn_by(exported, noise=noises(0, 3, 1), label=[-1, 2, 3], guide_w=[0] * 3, **free)
    assert (one != unnamed).any((1, 2)).tolist() == [True, False, False]


def test_batches_of_any_size(exported):
    def drawn(count):
        return drawn_by(
            exported,
            noise=noises(2, count, 1),
            label=np.arange(count) % 10,
            guide_w=np.full(count, 0.5),
            style=np.full((count, 2), np.nan),
            hand=np.full((count, 9), np.nan),
        )

    many = drawn(17)
    assert many.shape == (17, 28, 28)
    assert most_different(drawn(1), many[:1]) <= 1


def test_the_example_without_torch_writes_the_same_digits(taught, exported, tmp_path):
    script = Path(__file__).parents[1] / "examples" / "without_torch.py"
    text = script.read_text("utf-8")
    assert len(text.splitlines()) < 60
    assert not re.search(r"^\s*(import|from) (inkseed|torch)", text, re.MULTILINE)
    out = tmp_path / "number.png"
    command = [sys.executable, str(script), str(exported), "0297", "7", str(out)]
    subprocess.run(command, check=True, cwd=tmp_path)
    written = package.write("0297", seed=7, model=taught)
    digits = Image.fromarray(255 - np.hstack(written.samples.images))
    expected = digits.resize((4 * digits.width, 4 * digits.height), Image.Resampling.BICUBIC)
    with Image.open(out) as picture:
        assert most_different(np.asarray(picture), np.asarray(expected)) <= 4


def test_the_file_says_what_it_is_and_holds_weights_as_float16(taught, exported):
    graph = onnx.load(exported)
    onnx.checker.check_model(graph)
    told = {each.key: json.loads(each.value) for each in graph.metadata_props}
    facts, model = told["inkseed"], package.load(taught)
    assert facts["model"] == "taught"
    assert facts["weights_sha256"] == model.weights_sha256
    assert (facts["sampler"], facts["steps"]) == ("consistency", 2)
    assert facts["levels"] == pytest.approx([20, 1.8, 0])
    assert facts["class_names"] == list("0123456789")
    assert facts["inkseed"] == package.__version__
    assert facts["opset"] == graph.opset_import[0].version
    assert facts["guide_w_between"] == [0, 3]
    assert list(facts["styles"]) == ["slant", "thickness"]
    assert np.shape(told["inkseed_hands"]["hand_factor"]) == (8, 8)
    kept = Counter()
    for each in graph.graph.initializer:
        kept[each.data_type] += int(np.prod(each.dims))
    encoder = sum(each.numel() for each in model.network.encoder.parameters())
    assert kept[onnx.TensorProto.FLOAT16] > 200_000 > encoder
    assert kept[onnx.TensorProto.FLOAT] < 1_000


@pytest.fixture
def toy(forget, tmp_path):
    """A model of one layer, whatever its sampler: a graph of it takes seconds."""

    @NETWORKS.register("toy")
    class Toy(nn.Module):
        edges = frozenset()

        def __init__(self, in_channels, n_classes, stops=False):
            super().__init__()
            self.in_channels, self.n_classes, self.stops = in_channels, n_classes, stops
            self.label = nn.Embedding(n_classes, 1)
            self.into = nn.Conv2d(in_channels, in_channels, 3, padding=1)

        def forward(self, x, c, t, context_mask):
            if self.stops and x.mean() > 0:
                return x
            known = self.label(c)[:, :, None, None] * (1 - context_mask[:, None, None, None])
            return self.into(x) + known + t[:, None, None, None]

    def made(**settings):
        network = {"name": "toy", "in_channels": 1, "n_classes": 10, **settings}
        with torch.random.fork_rng():
            torch.manual_seed(0)
            weights = network_from(network).state_dict()
        sampling = {"sampler": "dpm_solver_sde", "steps": 3, "guide_interval": [1, 100]}
        config = {
            **{"network": network, "schedule": {"name": "cosine"}, "image_size": [8, 12]},
            **{"class_names": list("0123456789"), "prediction": {"name": "v"}},
            "sampling": sampling,
        }
        path = tmp_path / "toy.safetensors"
        save_tensors(path, weights, config)
        return path

    return made


def test_guidance_and_the_samplers_own_noise_are_in_the_graph(toy, tmp_path):
    model, out = package.load(toy()), tmp_path / "toy.onnx"
    told = export_onnx(model, out, "toy")
    assert told["noises"] == 3  # the last step adds none
    assert told["levels"][0] is None  # no signal is left there
    weak, strong = (model.sample([4, 5], 1, w, precision="float32").images for w in (0.0, 2.0))
    noise = noises(1, 2, 2, (1, 8, 12))
    drawn = drawn_by(out, noise=noise, label=[4, 5], guide_w=[2.0, 0.0])
    assert most_different(drawn[0], strong[0]) <= 2
    assert most_different(drawn[1], weak[1]) <= 2
    assert (weak[0] != strong[0]).any()


def test_the_reports_network_and_schedule_can_be_exported(tiny_model, tmp_path):
    """Its levels come out of a table, in which torch's tracing finds no numbers."""
    model, out = package.load(tiny_model), tmp_path / "tiny.onnx"
    asked = SamplingOptions(sampler="ddim", steps=2)
    export_onnx(model, out, "tiny", asked)
    own = model.sample([4, 5], 1, 2.0, "ddim", 2, precision="float32").images
    drawn = drawn_by(out, noise=noises(1, 2, 0), label=[4, 5], guide_w=[2.0] * 2)
    assert most_different(drawn, own) <= 2


def test_a_network_that_cannot_be_traced_is_refused_in_one_line(inkseed, toy, tmp_path):
    out = tmp_path / "toy.onnx"
    result = inkseed("export", "--model", toy(stops=True), "--out", out)
    assert result.status == 2
    assert result.err.startswith("inkseed: Toy with 'dpm_solver_sde' cannot be exported: ")
    assert len(result.err.splitlines()) == 1
    assert not out.exists()


def test_what_cannot_be_written_is_refused_before_work(inkseed, tiny_model, tmp_path, monkeypatch):
    def refused(*options):
        result = inkseed("export", "--model", tiny_model, *options)
        assert result.status == 2
        assert result.out == ""
        (line,) = result.err.splitlines()
        return line

    assert "must end in .onnx" in refused("--out", tmp_path / "m.pt")
    assert "at most 50, not 400" in refused("--out", tmp_path / "m.onnx", "--steps", 400)
    (tmp_path / "file").touch()
    assert "cannot write" in refused("--out", tmp_path / "file" / "m.onnx")
    monkeypatch.setattr(exporting, "find_spec", lambda name: None)
    assert "pip install onnx onnxscript" in refused("--out", tmp_path / "m.onnx")


def test_a_denoiser_of_ones_own_is_no_part_of_a_file(tiny_model):
    model = package.load(tiny_model)
    model.denoiser = lambda x_t, t, condition: x_t
    with pytest.raises(InkseedError, match="its own denoiser"):
        Drawing(model, SamplingOptions())


@pytest.mark.slow
@pytest.mark.parametrize("name", ["digits-fast", "digits"])
def test_200_digits_are_those_of_torch(name, tmp_path):
    model, out, count = package.load(name), tmp_path / f"{name}.onnx", 200
    told = export_onnx(model, out, name)
    labels, hands = np.arange(count) % 10, [DrawnHand(3, k) for k in range(count)]
    differ = []
    for w in (0.0, model.settings().guide_w, 2.0):
        drawn = model.sample(labels, 3, w, precision="float32", hand=hands)
        images = drawn_by(
            out,
            noise=noises(3, count, told["noises"] - 1),
            label=labels,
            guide_w=np.full(count, w),
            style=np.full((count, 2), np.nan),
            hand=tell_hands(model.network, hands).numpy(),
        )
        differ.append(most_different(images, drawn.images))
    print(f"{name}: {Path(out).stat().st_size / 1e6:.1f} MB, differs by at most {differ} of 255")
    assert max(differ) <= 2
