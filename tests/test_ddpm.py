"""The report's classes as the report uses them."""

import math
import warnings

import pytest
import torch

from inkseed.ddpm import NoiseStrategyDiffusion, SimpleDiffusion, generate_samples
from inkseed.errors import InkseedError, InkseedWarning
from inkseed.nn import ContextUnet

SIZE = (1, 28, 28)


@pytest.fixture
def ddpm(tiny_network) -> NoiseStrategyDiffusion:
    return NoiseStrategyDiffusion(tiny_network, (1e-3, 0.3), 30, "cpu", drop_prob=0.1)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_a_few_steps_of_training_lower_the_loss():
    x = torch.full((64, 1, 8, 8), -1.0)
    x[:, :, 2:6, 3:5] = 1
    c = torch.arange(64) % 10
    with torch.random.fork_rng():
        torch.manual_seed(0)
        ddpm = SimpleDiffusion(ContextUnet(1, 16), (1e-4, 0.02), 400, "cpu", drop_prob=0.1)
    optimizer = torch.optim.Adam(ddpm.parameters(), 3e-3)
    losses = []
    for step in range(60):
        loss = ddpm(x, c, seeded(step))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert sum(losses[-10:]) < 0.5 * sum(losses[:10])


def test_the_loss_is_reproducible_by_its_generator_and_follows_torchs_seed_without_one(ddpm):
    x, c = torch.zeros(8, *SIZE), torch.arange(8)
    assert ddpm(x, c, seeded(1)) == ddpm(x, c, seeded(1))
    assert ddpm(x, c, seeded(1)) != ddpm(x, c, seeded(2))
    with torch.random.fork_rng():
        torch.manual_seed(5)
        first = ddpm(x, c)
        torch.manual_seed(5)
        assert ddpm(x, c) == first


def test_sample_returns_images_and_the_steps_on_the_way(ddpm):
    images, steps = ddpm.sample(12, SIZE, "cpu", guide_w=0.5, generator=seeded())
    assert images.shape == (12, *SIZE)
    assert steps.shape == (1 + 8, 12, *SIZE)  # of 30 steps, the 20th and the last 8
    assert torch.equal(steps[-1], images)
    assert torch.equal(images, ddpm.sample(12, SIZE, "cpu", 0.5, seeded())[0])
    assert not images.requires_grad


def test_labels_cycle_and_the_batch_is_doubled_only_for_guidance(ddpm, monkeypatch):
    calls = []
    whole = ddpm.nn_model.forward
    monkeypatch.setattr(
        ddpm.nn_model, "forward", lambda *inputs: calls.append(inputs) or whole(*inputs)
    )
    ddpm.sample(12, SIZE, "cpu", guide_w=2.0, generator=seeded())
    x, c, t, mask = calls[0]
    assert len(calls) == 30
    assert x.shape[0] == 24
    assert c[:12].tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]
    assert mask.tolist() == [0.0] * 12 + [1.0] * 12
    assert t.unique().tolist() == [1.0]
    calls.clear()
    ddpm.sample(12, SIZE, "cpu", guide_w=0.0, generator=seeded())
    assert calls[0][0].shape[0] == 12


def test_sampling_uses_running_statistics_and_gives_the_mode_back(ddpm):
    ddpm.train()
    together = ddpm.sample(3, SIZE, "cpu", 0.0, seeded())[0]
    assert ddpm.nn_model.training
    ddpm.eval()
    assert torch.equal(together, ddpm.sample(3, SIZE, "cpu", 0.0, seeded())[0])


def test_renoising_loses_the_starting_noise(ddpm):
    """The report's stability score is chance: mean 0, deviation 1 / sqrt(784)."""
    ddpm.way = "report"
    noise = torch.randn(300, *SIZE, generator=seeded(1))
    c = torch.arange(300) % 10
    scores = ddpm.compute_inversion_stability(noise, c, SIZE, seeded(2))
    assert scores.shape == (300,)
    chance = 1 / math.sqrt(784)
    assert abs(float(scores.mean())) < 3 * chance / math.sqrt(300)
    assert float(scores.std()) == pytest.approx(chance, rel=0.15)


def test_ddim_both_ways_keeps_much_of_the_starting_noise(ddpm):
    noise = torch.randn(20, *SIZE, generator=seeded(1))
    scores = ddpm.compute_inversion_stability(noise, torch.arange(20) % 10, SIZE)
    assert float(scores.min()) > 0.5
    with pytest.raises(ValueError, match="way"):
        NoiseStrategyDiffusion(ddpm.nn_model, (1e-3, 0.3), 30, "cpu", way="other")


@pytest.mark.parametrize("way", ["ddim", "report"])
def test_noise_selection_returns_the_most_stable_of_its_candidates(ddpm, monkeypatch, way):
    ddpm.way, seen = way, []
    whole = ddpm.compute_inversion_stability

    def score(noise, c, size, generator=None):
        assert c.tolist() == [3] * len(noise)
        seen.append((noise, whole(noise, c, size, generator)))
        return seen[-1][1]

    monkeypatch.setattr(ddpm, "compute_inversion_stability", score)
    monkeypatch.setattr("inkseed.ddpm.noise_strategy.CANDIDATES_AT_ONCE", 3)
    chosen = ddpm.noise_selection(7, torch.tensor([3]), SIZE, "cpu", seeded())
    assert [len(noise) for noise, _ in seen] == [3, 3, 1]
    noises, scores = (torch.cat(parts) for parts in zip(*seen, strict=True))
    assert torch.equal(chosen[0], noises[scores.argmax()])
    with pytest.raises(ValueError, match="K"):
        ddpm.noise_selection(0, torch.tensor([3]), SIZE, "cpu")


def test_noise_is_selected_for_several_labels_at_once(ddpm):
    c, ddpm.steps = torch.tensor([3, 7, 3]), 4
    chosen = ddpm.noise_selection(5, c, SIZE, "cpu", seeded())
    assert chosen.shape == (3, *SIZE)
    drawn = torch.randn(15, *SIZE, generator=seeded())
    scores = ddpm.compute_inversion_stability(drawn, c.repeat_interleave(5), SIZE).view(3, 5)
    for k, best in enumerate(scores.argmax(1).tolist()):
        assert torch.equal(chosen[k], drawn[5 * k + best])
    first = ddpm.noise_selection(5, 3, SIZE, "cpu", seeded())
    assert torch.equal(first[0], chosen[0])  # the same candidates, whoever comes after
    with pytest.raises(InkseedError, match="no label"):
        ddpm.noise_selection(5, c[:0], SIZE, "cpu")


@pytest.mark.parametrize(
    ("x", "c", "word"),
    [
        (torch.zeros(2, *SIZE), torch.zeros(2, 1).long(), "labels"),
        (torch.zeros(2, *SIZE), torch.zeros(2), "labels"),
        (torch.zeros(2, *SIZE), torch.tensor([0, 10]), "from 0 to 9, not 0 to 10"),
        (torch.zeros(2, *SIZE), torch.tensor([-1, 0]), "from 0 to 9"),
        (torch.zeros(3, *SIZE), torch.zeros(2).long(), "one for each of 2 labels"),
        (torch.zeros(2, 28, 28), torch.zeros(2).long(), "images"),
        (torch.zeros(2, *SIZE).byte(), torch.zeros(2).long(), "uint8"),
    ],
)
def test_batches_that_are_none(ddpm, x, c, word):
    with pytest.raises(InkseedError, match=word) as refused:
        ddpm(x, c)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"betas": 0.1}, "betas"),
        ({"betas": (0.1, 0.2, 0.3)}, "betas"),
        ({"drop_prob": 2}, "drop_prob"),
        ({"device": "cuda:99"}, "no device 'cuda:99' on this machine: use cpu"),
    ],
)
def test_settings_that_cannot_be(tiny_network, settings, word):
    usual = {"betas": (1e-3, 0.3), "n_T": 12, "device": "cpu"}
    with pytest.raises(InkseedError, match=word):
        SimpleDiffusion(tiny_network, **{**usual, **settings})


def test_requests_that_cannot_be(ddpm):
    for request, word in (
        ((0, SIZE, "cpu"), "n_sample"),
        ((2, 28, "cpu"), "size"),
        ((2, SIZE, "cuda:99"), "no device"),
        ((2, SIZE, "cpu", float("nan")), "guide_w"),
    ):
        with pytest.raises(InkseedError, match=word):
            ddpm.sample(*request)


def test_guidance_that_was_never_learned_is_warned_of(tiny_network):
    untaught = SimpleDiffusion(tiny_network, (1e-3, 0.3), 5, "cpu", drop_prob=0)
    with pytest.warns(InkseedWarning, match="drop_prob 0.1"):
        untaught.sample(1, SIZE, "cpu", guide_w=2.0)
    taught = SimpleDiffusion(tiny_network, (1e-3, 0.3), 5, "cpu")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        untaught.sample(1, SIZE, "cpu", guide_w=0.0)
        taught.sample(1, SIZE, "cpu", guide_w=2.0)


@pytest.mark.parametrize("way", ["ddim", "report"])
def test_sample_from_noise_begins_at_the_noise_given(ddpm, way):
    ddpm.way = way
    noise = torch.randn(2, *SIZE, generator=seeded(3))
    c = torch.tensor([1, 2])
    one = ddpm.sample_from_noise(noise, c, SIZE, seeded(4))
    assert torch.equal(one, ddpm.sample_from_noise(noise, c, SIZE, seeded(4)))
    assert not torch.equal(one, ddpm.sample_from_noise(-noise, c, SIZE, seeded(4)))
    with pytest.raises(ValueError, match="size"):
        ddpm.sample_from_noise(noise, c, (1, 32, 32))


def test_generate_samples_writes_the_number(tiny_model, tmp_path):
    out = tmp_path / "id.png"
    number = generate_samples("0029", seed=7, model=tiny_model, out=out)
    assert number.text == "0029"
    assert number.samples.labels.tolist() == [0, 0, 2, 9]
    assert out.is_file()
    with pytest.raises(InkseedError, match="digits"):
        generate_samples("29a", model=tiny_model)
