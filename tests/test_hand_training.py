"""Training that knows writers: whose digits come with an image, how images are bent, Muon."""

import dataclasses

import numpy as np
import pytest
import torch
from torch import nn

from inkseed.checkpoint import load_tensors
from inkseed.data import LabelledImages, split_mnist
from inkseed.diffusion.condition import Condition
from inkseed.diffusion.denoiser import Noising
from inkseed.errors import InkseedError
from inkseed.model.loading import load
from inkseed.nn import PatchUnet
from inkseed.nn.hand_encoder import drawn_hands, hands_of
from inkseed.rng import Purpose
from inkseed.training import muon
from inkseed.training.batches import Batches, Examples
from inkseed.training.bends import bent, draw_bends
from inkseed.training.fellows import Fellows
from inkseed.training.hands import fit_hands
from inkseed.training.loop import train
from inkseed.training.muon import Muon, orthogonal
from inkseed.training.objective import objective_of
from inkseed.training.recipes import Recipe
from inkseed.training.run import Run
from inkseed.training.step import tensors_in

NETWORK = {"name": "patch_unet", "widths": [16, 64], "hand": 8}
RECIPE = Recipe(
    network=NETWORK,
    schedule={"name": "variance_exploding", "sigma_max": 20.0, "sigma_min": 0.02},
    prediction={"name": "edm"},
    epochs=1,
    batch_size=32,
    learning_rate=2e-3,
    drop_prob=0.1,
    sampling={"sampler": "ddim", "steps": 2},
    optimizer="muon",
    styles=True,
    hands=True,
    contrast=0.005,
    data="mnist_parts_a_b",
    images=192,
    ema=(0.9,),
    pictures=1,
)


@pytest.fixture(scope="module")
def digits() -> LabelledImages:
    return split_mnist().validation


def test_fellows_are_others_by_the_same_writer(digits):
    fellows = Fellows(digits)
    parts = np.random.default_rng(0).integers(0, len(digits), (64, 2))
    parts[:, 1] = fellows.writers.next(parts[:, 0])  # two digits of one writer
    drawn = fellows.draw(parts, seed=1)
    assert torch.equal(drawn.owner.bincount().float(), drawn.counts)
    assert drawn.counts.int().bincount()[[1, 2, 3, 4, 6, 8, 10, 16]].tolist() == [8] * 8
    by_image = {image.tobytes(): k for k, image in enumerate(digits.images)}
    shown = ((drawn.digits[:, 0] + 1) * 127.5).round().byte().numpy()
    found = np.array([by_image[image.tobytes()] for image in shown])
    own = parts[drawn.owner.numpy()]
    assert (digits.writers[found] == digits.writers[own[:, 0]]).all()
    assert (found[:, None] != own).all()
    assert torch.equal(fellows.draw(parts, seed=1).digits, drawn.digits)


def test_hands_need_writers(digits):
    unknown = dataclasses.replace(digits, writers=None)
    with pytest.raises(InkseedError, match="hands = false"):
        Fellows(unknown)
    with pytest.raises(InkseedError, match="hand = 64"):
        dataclasses.replace(RECIPE, network={"name": "patch_unet"})


def test_a_bend_of_nothing_changes_nothing_and_shifts_are_what_they_say():
    x = torch.full((2, 1, 28, 56), -1.0)
    x[:, :, 10:18, 20:30] = 1.0
    assert torch.allclose(bent(x, torch.zeros(2, 6)), x, atol=1e-5)
    down = torch.zeros(2, 6)
    down[:, 5] = 1 / (0.04 * 14)  # one pixel of 28, whose half is 14
    assert torch.allclose(bent(x, down)[:, :, :-1], x[:, :, 1:], atol=1e-4)
    across = torch.zeros(2, 6)
    across[:, 4] = 1 / (0.04 * 14)
    assert torch.allclose(bent(x, across)[..., :-1], x[..., 1:], atol=1e-4)
    drawn = draw_bends(500, False, torch.Generator().manual_seed(0))
    assert (drawn[:, 0] == 0).all()
    assert drawn.abs().max() <= 2


def test_a_batch_tells_no_style_of_what_was_bent_and_no_bend_of_another_writer(digits):
    examples = Examples(digits.subset(np.arange(400)), digits=digits)
    batch = Batches(lambda _: examples, True, 64, (0, Purpose.ORDER), hands=True)[3]
    bend, style = batch.condition.bend, batch.condition.style
    moved = (bend != 0).any(1)
    assert moved.tolist() == [(k < 32 and k % 2 == 0) or k >= 56 for k in range(64)]
    assert torch.equal(style.isnan().all(1), moved)
    objective = objective_of(*_run())
    told = []
    inner = objective.loss.denoiser.network
    objective.loss.denoiser.network = lambda *args, **own: (told.append(own), inner(*args, **own))[
        1
    ]
    objective(objective.draw(batch, torch.Generator().manual_seed(0)))
    assert (told[0]["bend"][:32] == 0).all()
    assert torch.equal(told[0]["bend"][56:], bend[56:])
    assert not told[0]["hand"][:32:2].isnan().any()  # another writer's image never loses its hand
    assert told[0]["hand"][32:].isnan().all()


def _run():
    from inkseed.training.data import model_config, training_data

    config = model_config(RECIPE, "hands", training_data(RECIPE, None, None), True)
    run = Run.fresh(RECIPE, config, torch.device("cpu"), None)
    for parameter in run.network.parameters():  # what begins at 0 would hide the rest
        nn.init.normal_(parameter, std=0.05)
    return run.network, run.config, RECIPE


def test_everything_random_is_drawn_before_a_step(digits):
    """A step computed twice gives the same loss, so that a captured one can be repeated."""
    network, config, recipe = _run()
    objective = objective_of(network, config, recipe)
    batches = Batches(lambda _: Examples(digits), True, 32, (0, Purpose.ORDER), hands=True)
    drawn = [objective.draw(batches[k], torch.Generator().manual_seed(k)) for k in range(2)]
    shapes = [[each.shape for each in tensors_in(one)] for one in drawn]
    assert shapes[0] == shapes[1]
    losses = [float(objective(drawn[0]).detach()) for _ in range(2)]
    assert losses[0] == losses[1]
    assert losses[0] != float(objective(drawn[1]).detach())


def test_the_encoder_learns_from_drawing_alone(digits):
    network, config, recipe = _run()
    objective = objective_of(network, config, dataclasses.replace(recipe, contrast=0.0))
    batches = Batches(lambda _: Examples(digits), True, 32, (0, Purpose.ORDER), hands=True)
    objective(objective.draw(batches[0], torch.Generator().manual_seed(0))).backward()
    assert all(each.grad.abs().sum() > 0 for each in network.encoder.parameters())
    assert all(each.grad.isfinite().all() for each in network.parameters())


def test_the_order_of_a_hands_digits_does_not_matter():
    codes = torch.randn(6, 8)
    owner = torch.tensor([0, 0, 0, 1, 1, 1])
    hands = hands_of(codes, owner, torch.tensor([3.0, 3.0]))
    order = torch.tensor([2, 0, 1, 5, 4, 3])
    assert torch.allclose(hands_of(codes[order], owner, torch.tensor([3.0, 3.0])), hands, atol=1e-6)
    assert hands[:, -1].tolist() == pytest.approx([3**-0.5] * 2)
    assert hands[:, :-1].mean(1).abs().max() < 1e-5


def test_drawn_hands_are_spread_as_writers_are(digits):
    torch.manual_seed(0)
    network = PatchUnet(1, 10, (16, 64), hand=8)
    fit_hands(network, digits)
    drawn = drawn_hands(network.hand_mean, network.hand_factor, torch.randn(20_000, 8))[:, :-1]
    covariance = network.hand_factor @ network.hand_factor.T
    assert drawn.mean(0) == pytest.approx(network.hand_mean, abs=0.03)
    assert torch.cov(drawn.T) == pytest.approx(covariance, abs=0.05)


def test_muon_takes_torchs_steps():
    torch.manual_seed(0)
    ours = nn.ModuleDict({"a": nn.Linear(12, 20), "b": nn.Conv2d(3, 5, 3), "c": nn.Linear(12, 20)})
    names = {k: p for k, p in ours.named_parameters() if p.ndim > 1}
    theirs = {k: nn.Parameter(_matrix(p.detach().clone())) for k, p in names.items()}
    own = Muon(names, weight_decay=0.1)
    oracle = torch.optim.Muon(theirs.values(), 0.02, 0.1, adjust_lr_fn="match_rms_adamw")
    for _ in range(4):
        for name, parameter in names.items():
            parameter.grad = torch.randn_like(parameter)
            theirs[name].grad = _matrix(parameter.grad)
        own.step(torch.tensor(0.02))
        oracle.step()
    for name, parameter in names.items():
        assert torch.allclose(_matrix(parameter.detach()), theirs[name], atol=2e-3), name
    values = torch.linalg.svdvals(orthogonal(torch.randn(2, 16, 48)).float())
    assert values.min() > 0.5
    assert values.max() < 1.5


@pytest.mark.parametrize(("fast", "exact"), [(False, True), (True, False)])
def test_muon_computes_in_bfloat16_only_where_that_is_fast(monkeypatch, fast, exact):
    monkeypatch.setattr(muon, "has_fast_bfloat16", lambda device: fast)
    matrices = torch.randn(2, 16, 48, generator=torch.Generator().manual_seed(0))
    double = matrices.double()
    same = torch.allclose(orthogonal(matrices).double(), _iterated(double), atol=1e-4)
    assert same == exact


def _iterated(x):
    x = x / x.norm(dim=(-2, -1), keepdim=True)
    a, b, c = muon.COEFFICIENTS
    for _ in range(muon.ITERATIONS):
        gram = x @ x.mT
        x = a * x + b * gram @ x + c * gram @ gram @ x
    return x


def _matrix(weights):
    if weights.ndim == 2:
        return weights
    return weights.permute(0, 2, 3, 1).reshape(len(weights), -1)


def test_a_model_that_knows_hands_is_trained_and_resumed_to_the_same_weights(tmp_path):
    whole = train(RECIPE, "hands", tmp_path / "whole")
    tensors, config = load_tensors(whole)
    assert config["training"]["settings"]["hands"]
    assert tensors["hand_factor"].diagonal().min() > 0
    assert load(whole).sample([1, 2], seed=0).images.shape == (2, 28, 28)
    state, _ = load_tensors(tmp_path / "whole" / "state" / "last.safetensors")
    assert {k for k in state if k.startswith("muon.")} >= {"muon.mix.weight"}


def test_noise_is_added_as_the_schedule_says():
    from inkseed.diffusion.schedule import Flow

    t = torch.tensor([0.25, 0.75], dtype=torch.float64)
    eps, x_0 = torch.randn(2, 1, 4, 4), torch.randn(2, 1, 4, 4)
    noising = Noising.at(Flow(), t, eps)
    assert torch.allclose(noising(x_0)[0], 0.75 * x_0[0] + 0.25 * eps[0])
    assert torch.allclose(noising[1:](x_0[1:])[0], 0.25 * x_0[1] + 0.75 * eps[1])
    told = Condition.of(torch.tensor([1, 2])).drop(torch.tensor([0.0, 1.0]))
    assert told.free_label.tolist() == [False, True]
