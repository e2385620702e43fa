"""A network trained in a plain loop, as the report trains it, becomes a model like any other."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch

import inkseed as package
from inkseed.data import create_mnist_dataloaders, load_mnist, to_tensor
from inkseed.data.pairs import PAIRS
from inkseed.ddpm import SimpleDiffusion
from inkseed.errors import InkseedError, InkseedWarning
from inkseed.evaluation.sets import draw_sets
from inkseed.model.request import Request
from inkseed.model.sampling import SamplingOptions
from inkseed.nn import ContextUnet

SIZE = (1, 28, 28)
BETAS = (1e-3, 0.3)
NOISE = torch.randn(2, *SIZE, generator=torch.Generator().manual_seed(0))
PAGE = Path(__file__).parents[1] / "docs" / "report.md"


def wrapped(n_feat: int = 8, n_classes: int = 10, n_T: int = 12, **settings) -> SimpleDiffusion:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = ContextUnet(1, n_feat, n_classes)
    return SimpleDiffusion(network, BETAS, n_T, "cpu", **settings)


@pytest.fixture(scope="module")
def trained() -> SimpleDiffusion:
    """A few steps of the report's loop: batch normalisation has seen images."""
    mnist, ddpm = load_mnist(train=True).subset(np.arange(64)), wrapped()
    optimizer = torch.optim.Adam(ddpm.parameters(), 1e-3)
    noise = torch.Generator().manual_seed(0)
    for _ in range(3):
        loss = ddpm(to_tensor(mnist.images), torch.from_numpy(mnist.labels), noise)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return ddpm


def test_loaders_without_arguments_are_the_reports():
    train, test = create_mnist_dataloaders()
    x, c = next(iter(train))
    assert (x.shape, c.shape) == ((256, *SIZE), (256,))
    assert (len(train.dataset), len(test.dataset)) == (60_000, 10_000)
    for wrong in (0, 2.5, "64"):
        with pytest.raises(InkseedError, match="batch_size"):
            create_mnist_dataloaders(wrong)
    with pytest.raises(InkseedError, match="image_size"):
        create_mnist_dataloaders(8, 28.5)


def test_what_is_saved_draws_as_the_loop_does(trained, tmp_path):
    path = tmp_path / "model_19.safetensors"
    trained.save(path)
    model = package.load(path)
    assert model.class_names == tuple("0123456789")
    assert (model.image_size, model.schedule.n_T) == ((28, 28), 12)
    inputs = (NOISE, torch.tensor([3, 7]), torch.tensor([0.2, 0.8]), torch.zeros(2))
    trained.eval()
    with torch.no_grad():
        assert torch.allclose(model.network(*inputs), trained.nn_model(*inputs), atol=1e-4)
    training = model.config.training
    assert training["recipe"] == "a plain loop"
    assert training["settings"]["drop_prob"] == 0.1
    assert list(tmp_path.iterdir()) == [path]


def test_it_is_written_with_sampled_and_trained_on(inkseed, trained, tmp_path):
    path, out, arrays = (tmp_path / name for name in ("mine.safetensors", "n.png", "s.npz"))
    trained.save(path)
    assert inkseed("write", 42, "--model", path, "--out", out).status == 0
    assert out.is_file()
    asked = ("sample", "--model", path, "--labels", "0-9", "--count", 1, "--out", arrays)
    assert inkseed(*asked).status == 0
    assert np.load(arrays)["images"].shape == (10, 28, 28)
    tuned = tmp_path / "tuned"
    options = ("--from", path, "--epochs", 1, "--out", tuned)
    recipe = tmp_path / "short.toml"
    recipe.write_text(
        "epochs = 9\nbatch_size = 64\nlearning_rate = 1e-3\ndrop_prob = 0.1\nimages = 64\n"
        '[network]\n[schedule]\nname = "linear_betas"\n[prediction]\nname = "eps"\n'
    )
    assert inkseed("train", recipe, *options).status == 0
    assert package.load(tuned / "model.safetensors").schedule.n_T == 12


def test_it_is_drawn_from_for_evaluation(trained, tmp_path):
    trained.save(tmp_path / "mine.safetensors")
    (drawn,) = draw_sets(package.load(tmp_path / "mine.safetensors"), 20, [None], 0, steps=2)
    assert drawn.source.images.shape == (20, 28, 28)


@pytest.mark.slow
def test_it_is_evaluated(inkseed, trained, tmp_path):
    path = tmp_path / "mine.safetensors"
    trained.save(path)
    result = inkseed("evaluate", "--model", path, "--count", 20, "--steps", 2, "--json")
    assert result.status == 0
    assert "accuracy" in json.dumps(json.loads(result.out))


@pytest.mark.parametrize(
    ("shape", "names", "size", "labels"),
    [
        ({"n_feat": 16, "n_T": 30}, None, None, tuple("0123456789")),
        ({"n_classes": 100}, None, None, PAIRS),
        ({"n_classes": 3}, None, 32, ("0", "1", "2")),
        ({"n_classes": 2}, ["three", "seven"], (32, 16), ("three", "seven")),
    ],
)
def test_other_shapes_sizes_and_labels(inkseed, tmp_path, shape, names, size, labels):
    path = tmp_path / "mine.safetensors"
    wrapped(**shape).save(path, class_names=names, image_size=size)
    model = package.load(path)
    assert model.class_names == labels
    assert model.schedule.n_T == shape.get("n_T", 12)
    sides = (28, 28) if size is None else (32, 32) if size == 32 else size
    assert model.sample([1], steps=2).images.shape == (1, *sides)
    if labels == PAIRS:
        written = package.write("00297", model=model, steps=2)
        assert written.samples.labels.tolist() == [0, 29, 71]


def test_the_size_is_what_the_loop_gave_last(tmp_path):
    ddpm, path = wrapped(), tmp_path / "mine.safetensors"
    ddpm(torch.zeros(2, 1, 32, 16), torch.tensor([0, 1]))
    ddpm.save(path)
    assert package.load(path).image_size == (32, 16)


def test_what_makes_no_model_is_refused_in_one_line(tmp_path, tiny_network):
    class Mine(ContextUnet):
        pass

    broken = wrapped()
    broken.nn_model.out[0].weight.data.fill_(float("nan"))
    eleven = wrapped(n_classes=11)
    cases = [
        (wrapped(), "model_19.pth", {}, "must end in .safetensors"),
        (SimpleDiffusion(Mine(1, 8), BETAS, 12, "cpu"), "m.safetensors", {}, "ContextUnet"),
        (broken, "m.safetensors", {}, "not finite"),
        (eleven, "m.safetensors", {}, "class_names"),
        (eleven, "m.safetensors", {"class_names": list("0123456789")}, "11 different labels"),
        (wrapped(), "m.safetensors", {"class_names": ["a/b", *"123456789"]}, "label"),
        (wrapped(), "m.safetensors", {"class_names": [*"0123456788"]}, "9 are different"),
        (wrapped(), "m.safetensors", {"image_size": 30}, "divisible by 4"),
        (wrapped(), "m.safetensors", {"image_size": (28, 28, 1)}, "image_size"),
    ]
    for ddpm, name, options, word in cases:
        with pytest.raises(InkseedError, match=word) as refused:
            ddpm.save(tmp_path / name, **options)
        assert "\n" not in str(refused.value)
    assert list(tmp_path.iterdir()) == []


def test_a_compiled_network_is_saved_as_itself(tmp_path):
    ddpm = wrapped()
    ddpm.nn_model = torch.compile(ddpm.nn_model)
    ddpm.save(tmp_path / "mine.safetensors")
    assert package.load(tmp_path / "mine.safetensors").class_names[3] == "3"


def test_unlearned_guidance_is_off_by_default_and_warned_of_when_asked(inkseed, tmp_path):
    path, out = tmp_path / "mine.safetensors", tmp_path / "n.png"
    wrapped(drop_prob=0.0).save(path)
    model = package.load(path)
    assert model.settings().guide_w == 0
    request = Request([1], sampling=SamplingOptions(1.0))
    for draw in (lambda: model.sample([1], guide_w=1.0), lambda: model.sample_request(request)):
        with pytest.warns(InkseedWarning, match="drop_prob") as warned:
            draw()
        assert warned[0].filename == __file__
    asked = ("write", 42, "--model", path, "--out", out)
    assert "drop_prob" not in inkseed(*asked).err
    told = inkseed(*asked, "--guide-w", 2)
    assert told.status == 0
    lines = [line for line in told.err.splitlines() if line.strip()]
    assert len(lines) == 1
    assert lines[0].startswith("inkseed: guide_w 2 ")


@pytest.mark.parametrize("name", ["model_19.pth", "weights.pt", "renamed.safetensors"])
def test_a_pickle_says_how_it_becomes_a_model(inkseed, trained, tmp_path, name):
    path = tmp_path / name
    torch.save(trained.state_dict(), path)
    for command in (
        ("write", 42, "--model", path, "--out", tmp_path / "n.png"),
        ("evaluate", "--model", path),
        ("train", "smoke", "--from", path, "--out", tmp_path / "run"),
    ):
        result = inkseed(*command)
        assert result.status == 2
        assert len(result.err.strip().splitlines()) == 1
        for part in ("weights_only=True", f"ddpm.save('{path.stem}.safetensors')", "report.md"):
            assert part in result.err
    assert [each.name for each in tmp_path.iterdir()] == [name]
    np.savez(tmp_path / "set.npz", images=np.zeros(3))
    with pytest.raises(InkseedError, match="not a safetensors file"):  # a zip, but no pickle
        package.load(tmp_path / "set.npz")


class _Origins(ContextUnet):
    """The network of the code that the report builds on, by what tells it from ours."""

    def forward(self, x, c, t, context_mask):
        return super().forward(x, c, t, 2 - context_mask)  # labels times -1 * (1 - mask)

    def checkpoint(self) -> dict[str, torch.Tensor]:
        """As its wrapper's state dict has it: embeddings one level deeper, tables of a schedule."""
        weights = {"nn_model." + name: tensor for name, tensor in self.state_dict().items()}
        deeper = {
            re.sub(r"(embed[12])\.", r"\1.model.", name): tensor for name, tensor in weights.items()
        }
        return {**deeper, "sqrtab": torch.ones(401), "oneover_sqrta": torch.ones(401)}


def lines_of_the_page() -> list[str]:
    """The Python blocks of docs/report.md, at a size that a test has time for."""
    blocks = [part.split("```")[0] for part in PAGE.read_text("utf-8").split("```python\n")[1:]]
    changes = {"n_feat=128": "n_feat=8", "range(20)": "range(1)"}
    for long, short in changes.items():
        assert any(long in block for block in blocks)
        blocks = [block.replace(long, short) for block in blocks]
    return blocks


def test_the_pages_lines_make_models(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    few = load_mnist(train=True).subset(np.arange(8))
    batch = (to_tensor(few.images), torch.from_numpy(few.labels))
    monkeypatch.setattr("inkseed.data.create_mnist_dataloaders", lambda: ([batch], [batch]))
    imports, loop, convert, convert_origins = lines_of_the_page()
    exec(imports, {})
    with torch.random.fork_rng():
        torch.manual_seed(0)
        names: dict = {}
        exec(loop, names)
        origins = _Origins(1, 8, 10, is_res=False).eval()
    looped = package.load("model_19.safetensors")
    torch.save(names["ddpm"].state_dict(), "model_19.pth")
    Path("model_19.safetensors").unlink()
    exec(convert, {})
    converted = package.load("model_19.safetensors")
    asked = {"labels": [3, 7], "seed": 1, "steps": 2}
    assert np.array_equal(looped.sample(**asked).images, converted.sample(**asked).images)
    torch.save(origins.checkpoint(), "model_19.pth")
    exec(convert_origins, {})
    network = package.load("model_19.safetensors").network
    for mask in (torch.zeros(2), torch.ones(2)):
        inputs = (NOISE, torch.tensor([3, 7]), torch.tensor([0.2, 0.8]), mask)
        assert torch.allclose(network(*inputs), origins(*inputs), atol=1e-4)
