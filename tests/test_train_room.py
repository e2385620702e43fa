"""What a recipe may ask for has an end, and what a run takes is found out before it is taken."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from inkseed import memory
from inkseed.ddpm import SimpleDiffusion
from inkseed.errors import InkseedError
from inkseed.nn import ContextUnet
from inkseed.training import run as running
from inkseed.training.data import model_config, training_data
from inkseed.training.recipes import load_recipe
from inkseed.training.room import check_batch, check_composites, check_weights, kept_bytes
from inkseed.training.run import Run

from .small_runs import OURS, REPORTS

CPU = torch.device("cpu")


@pytest.fixture
def recipe_of(tmp_path):
    def write(text: str, old: str = "", new: str = "") -> Path:
        path = tmp_path / "mine.toml"
        whole = text.format(epochs=1)
        assert old in whole
        path.write_text(whole.replace(old, new))
        return path

    return write


@pytest.fixture
def little(monkeypatch):
    """Sets how many bytes can be had."""

    def have(count: int) -> None:
        monkeypatch.setattr(memory, "comfortable", lambda: count)

    return have


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("ema = [0.5, 0.9]", f"ema = {[k / 3001 for k in range(1, 3001)]}", "at most 20 items"),
        ("batch_size = 32", "batch_size = 10_000_000", "batch_size must be at most 65536"),
        ("epochs = 1", "epochs = 1000000001", "epochs must be at most 100000"),
        ("images = 200", "images = 100_000_000", "images must be at most 1000000"),
        ("[16, 64]", "[16, 64]\nblocks = 100_000_000", "blocks must be from 1 to 32"),
        ("[16, 64]", "[1_600_000, 6_400_000]", "widths must be from 1 to 4096"),
        ("styles = true", "styles = true #" + "a" * 2**20, "it has more than 1,048,576 bytes"),
    ],
)
def test_what_no_run_needs_is_refused_in_one_line(recipe_of, tmp_path, inkseed, old, new, words):
    path, out = recipe_of(OURS, old, new), tmp_path / "out"
    refused = inkseed("train", path, "--out", out)
    assert refused.status == 2
    assert words in refused.err
    assert len(refused.err.splitlines()) == 1
    assert not out.exists()


def test_a_network_that_does_not_fit_is_never_built(recipe_of, little, tmp_path, monkeypatch):
    path = recipe_of(REPORTS, "n_feat = 8", "n_feat = 1024")
    recipe = replace(load_recipe(path), ema=(0.5, 0.9))
    config = model_config(recipe, "mine", training_data(recipe, None, None), False)
    monkeypatch.setattr(running, "network_from", None)
    little(2 * 10**9)
    with pytest.raises(InkseedError) as refused:
        Run.fresh(recipe, config, CPU, None)
    assert str(refused.value) == (
        "a network of 420.6 million weights with its optimiser and 2 averages would take 20 GB of"
        " memory, where 2.0 GB can be had: take a smaller network or fewer averages"
    )


def test_what_is_kept_of_the_weights_is_counted(recipe_of, little):
    """The estimate is that of all tensors of a run that has taken a step, and of a copy."""
    recipe = load_recipe(recipe_of(OURS))
    config = model_config(recipe, "mine", training_data(recipe, None, None), True)
    run = Run.fresh(recipe, config, CPU, None)
    for parameter in run.network.parameters():
        parameter.grad = torch.ones_like(parameter)
    run.optimizer.at(1e-3)
    run.optimizer.step()
    kept = [*run.network.state_dict().values(), *(p.grad for p in run.network.parameters())]
    kept += [*run.averages.tensors().values(), *run.optimizer.tensors().values()]
    truth = sum(each.nbytes for each in kept)
    assert truth <= 1.01 * kept_bytes(run.network, recipe) < 1.3 * truth
    little(int(1.99 * kept_bytes(run.network, recipe)))
    with pytest.raises(InkseedError, match="would take"):
        check_weights(config.network, recipe)


def test_a_batch_says_what_would_fit(recipe_of, little, monkeypatch):
    recipe = replace(load_recipe(recipe_of(REPORTS)), batch_size=65_536)
    network, shape = ContextUnet(1, 8), (1, 28, 28)
    little(10**9)
    with pytest.raises(InkseedError) as refused:
        check_batch(network, shape, recipe)
    line = str(refused.value)
    assert line.startswith("a batch of 65,536 images would take ")
    assert " GB of memory, where 1.0 GB can be had: at most " in line
    most = int(line.split("at most ")[1].split(" fit")[0].replace(",", ""))
    check_batch(network, shape, replace(recipe, batch_size=most))
    with pytest.raises(InkseedError):
        check_batch(network, shape, replace(recipe, batch_size=2 * most))
    monkeypatch.setenv("WORLD_SIZE", "2")
    check_batch(network, shape, replace(recipe, batch_size=2 * most))


def test_a_batch_holds_what_is_estimated_and_not_much_less():
    """What autograd keeps of a batch is one to two fifths less than what is asked for."""
    network, rows, saved = ContextUnet(1, 8), 4, {}
    x, none = torch.zeros(rows, 1, 28, 28), torch.zeros(rows)

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        saved[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        network(x, none.long(), none, none)
    from inkseed.nn.footprint import LEARNING, layer_bytes

    weights = sum(each.nbytes for each in network.parameters())
    truth = (sum(saved.values()) - weights) / rows
    assert truth < LEARNING * layer_bytes(network, (1, 28, 28)) < 3 * truth


def test_composites_that_do_not_fit_are_refused_before_they_are_made(recipe_of, little):
    little(10**9)
    check_composites(50_000, (28, 56))
    large = REPORTS.replace("images = 200", 'images = 1_000_000\ndata = "pairs"\nsize = [256, 256]')
    recipe = load_recipe(recipe_of(large))
    with pytest.raises(InkseedError, match="1,000,000 images of 256x256 would take 933 GB"):
        training_data(recipe, None, None)


def test_the_reports_sample_is_drawn_at_once_and_has_an_end(little):
    ddpm = SimpleDiffusion(ContextUnet(1, 8), (1e-3, 0.3), 12, "cpu")
    little(10**8)
    assert len(ddpm.sample(2, (1, 28, 28), "cpu")[0]) == 2
    with pytest.raises(InkseedError, match="drawing 1,000,000 images of 28x28 at once would take"):
        ddpm.sample(1_000_000, (1, 28, 28), "cpu")
