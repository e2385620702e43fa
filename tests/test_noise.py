"""Noise strategies: their distributions, their costs, the search, and a user's own."""

import itertools
import math

import numpy as np
import pytest
import scipy.stats
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from inkseed.diffusion.condition import Condition
from inkseed.diffusion.counter import BACKWARD
from inkseed.diffusion.schedule import Flow, LinearBetas, VarianceExploding, times
from inkseed.errors import InkseedError
from inkseed.model.loading import load
from inkseed.model.model import Model
from inkseed.model.request import Request, start_of
from inkseed.model.run import BoundRequest
from inkseed.model.sampling import SamplingOptions, settle
from inkseed.noise import (
    CHANGED,
    SAME,
    SEARCH,
    Start,
    available,
    find_strategy,
    judge_a,
    register,
    strategies,
)
from inkseed.noise.changed import Spectral, Truncated
from inkseed.noise.fk_steering import _resample
from inkseed.noise.same import KAntithetic
from inkseed.noise.search import neighbours
from inkseed.noise.stability import cosine, ddim_stability, renoise_stability
from inkseed.rng import normals
from inkseed.samplers import invert_fixed_point
from tests.analytic import GaussianMixture

NAMES = [
    *("gaussian", "antithetic", "k_antithetic", "sobol", "truncated", "spectral", "stability"),
    *("stability_renoise", "best_of", "zero_order", "early_prune", "fk_steering"),
    *("optim_stability", "optim_judge"),
]
SEARCHING = [name for name in NAMES if find_strategy(name).kind == SEARCH]
FREE = [name for name in NAMES if name not in SEARCHING]
CPU = torch.device("cpu")
SEEDS = 400


def task_of(
    numbers=range(6),
    shape=(1, 4, 4),
    seed=0,
    schedule=None,
    denoiser=None,
    candidates=3,
    labels=None,
):
    """Images of the analytic mixture as a strategy sees them."""
    schedule = schedule or VarianceExploding(sigma_max=20.0, sigma_min=0.02)
    denoiser = denoiser or GaussianMixture.example().denoiser(schedule)
    labels = np.arange(len(numbers)) % 3 if labels is None else labels
    run = BoundRequest(
        request=Request(
            labels, seed, noise="best_of", candidates=candidates, first=numbers[0], batch_size=1000
        ),
        own=denoiser,
        schedule=schedule,
        sampling=settle({}, schedule, SamplingOptions(0.0, "dpm_solver", 8, "log_snr")),
        condition=Condition.of(torch.from_numpy(labels)),
        class_names=tuple(map(str, range(10))),
        shape=shape,
        device=CPU,
    )
    (task,) = run.tasks()
    return task


def small(path) -> Model:
    """The tiny model drawing 8x8 images, which cost next to nothing."""
    model = load(path)
    model.image_size = (8, 8)
    return model


@pytest.fixture(scope="module")
def model(tiny_model) -> Model:
    return small(tiny_model)


def counting(model: Model) -> list[int]:
    """Have a wrapper round the model's network count rows, forward and backward."""
    counted = [0]

    def count(rows):
        counted[0] += rows

    def network(x, *rest):
        count(len(x))
        output = model.network(x, *rest)
        if output.requires_grad:
            output.register_hook(lambda gradient: count(BACKWARD * len(gradient)))
        return output

    model.denoiser.network = network
    return counted


def test_the_strategies_are_those_of_the_design():
    assert sorted(available()) == sorted(NAMES)
    assert {find_strategy(name).kind for name in FREE} == {SAME, CHANGED}
    assert all(find_strategy(name).summary.endswith(".") for name in NAMES)


@settings(deadline=None, max_examples=50)
@given(
    name=st.sampled_from(NAMES),
    count=st.integers(1, 4),
    candidates=st.integers(1, 4),
    guide_w=st.sampled_from([0.0, 1.5]),
    sampler=st.sampled_from(["dpm_solver", "dpm_solver_sde", "heun", "ancestral"]),
    batch_size=st.integers(1, 5),
)
def test_every_evaluation_is_counted_and_the_dry_run_foretells_them(
    tiny_model, name, count, candidates, guide_w, sampler, batch_size
):
    model, heard = small(tiny_model), []
    counted = counting(model)
    how = (guide_w, sampler, 2)
    tried = candidates if name in SEARCHING else None
    cost = model.cost(*how, name, tried)
    assert counted[0] == 0
    drawn = model.sample(
        *(range(count), 5, *how),
        noise=name,
        candidates=tried,
        budget=cost,
        batch_size=batch_size,
        on_evaluations=heard.append,
    )
    assert drawn.nfe == cost
    assert cost * count == counted[0] == sum(heard)
    if cost > 1:
        with pytest.raises(InkseedError, match="budget"):
            model.sample([1], 5, *how, noise=name, candidates=tried, budget=cost - 1)


@pytest.mark.parametrize("name", NAMES)
def test_an_images_noise_hangs_on_its_seed_and_number_alone(model, name):
    labels, how = [3, 1, 4, 1, 5], {"noise": name, "steps": 3, "guide_w": 0.0}
    if name in SEARCHING:
        how["candidates"] = 3
    whole = model.sample(labels, 7, **how)
    batched = model.sample(labels, 7, **how, batch_size=3)
    part = model.sample(labels[2:], 7, **how, first=2)
    assert whole.noise.shape == (5, 1, 8, 8)
    # rounding differs between batches, and what gradients make of it
    allowed = 0 if name in FREE else 1e-3
    assert (whole.noise - batched.noise).square().mean() <= allowed
    assert (whole.noise[2:] - part.noise).square().mean() <= allowed
    assert not torch.equal(whole.noise, model.sample(labels, 8, **how).noise)


@pytest.mark.parametrize("sampler", ["ddim", "dpm_solver_sde"])
@pytest.mark.parametrize("name", ["best_of", "early_prune", "zero_order", "stability"])
def test_the_image_is_what_its_noise_becomes(model, name, sampler):
    """For the image's own stream; a candidate's stream is not the caller's to give again."""
    drawn = model.sample([0, 1, 2], 3, 0.0, sampler, 5, noise=name, candidates=4)
    if sampler == "ddim" or name == "zero_order":
        again = model.sample([0, 1, 2], 3, 0.0, sampler, 5, noise=drawn.noise)
        gap = again.images.astype(int) - drawn.images.astype(int)
        assert np.abs(gap).max() <= 1
    one = model.sample([0, 1, 2], 3, 0.0, sampler, 5, noise=name, candidates=1)
    assert np.array_equal(one.images, model.sample([0, 1, 2], 3, 0.0, sampler, 5).images)


def many(strategy, seeds=SEEDS, numbers=range(8), shape=(1, 4, 4)):
    """A strategy's noises (seeds, images, pixels)."""
    tasks = [task_of(numbers, shape, seed) for seed in range(seeds)]
    return torch.stack([start_of(strategy, task).z.flatten(1) for task in tasks]).double()


@pytest.mark.parametrize(
    "strategy",
    [*(find_strategy(name).choose for name in NAMES[:4]), KAntithetic(2), KAntithetic(7)],
)
def test_strategies_of_the_same_distribution_have_standard_normal_marginals(strategy):
    z = many(strategy)
    assert z.shape == (SEEDS, 8, 16)
    for image in range(8):  # over seeds each image's values are independent draws of N(0, I)
        values = z[:, image].flatten().numpy()
        assert scipy.stats.kstest(values, "norm").pvalue > 1e-4
        covariance = torch.cov(z[:, image].T)
        # each entry's standard error is 1 / sqrt(seeds), sqrt(2 / seeds) on the diagonal
        assert (covariance - torch.eye(16)).abs().max() < 4.5 * math.sqrt(2 / SEEDS)


def test_k_antithetic_noises_sum_to_zero_and_correlate_as_they_must():
    z = many(KAntithetic(4))
    groups = z.view(SEEDS, 2, 4, 16)
    assert groups.sum(2).abs().max() < 1e-5
    for i, j in itertools.combinations(range(4), 2):
        correlation = float((groups[:, :, i] * groups[:, :, j]).mean())
        assert correlation == pytest.approx(-1 / 3, abs=4 / math.sqrt(groups[:, :, 0].numel()))
    across = float((groups[:, 0, :1] * groups[:, 1]).mean())
    assert abs(across) < 0.03
    cut = KAntithetic(4)(task_of(range(6)))
    assert torch.equal(cut, KAntithetic(4)(task_of(range(8)))[:6])


@pytest.mark.parametrize("square", [0.0, 0.3, 2.0])
def test_antithetic_pairs_change_the_variance_of_a_mean_as_theory_says(square):
    """f(z) = z + square z^2 has variance 1 + 2 square^2; f(z) and f(-z) share the square alone.

    So the mean over pairs has (1 + rho) times the variance of independent draws', with
    rho = (2 square^2 - 1) / (2 square^2 + 1).
    """
    z = many(find_strategy("antithetic").choose, seeds=1000)
    means = (z + square * z**2).mean(1).flatten()  # of 8 images, 16,000 times
    rho = (2 * square**2 - 1) / (2 * square**2 + 1)
    theory = (1 + 2 * square**2) * (1 + rho) / 8
    found = float(means.var())
    assert found == pytest.approx(theory, rel=0.06, abs=1e-12)


def test_sobol_points_fill_every_dimension_evenly():
    z = find_strategy("sobol").choose(task_of(range(64)))
    cells = (torch.special.ndtr(z.double()) * 64).floor().long().flatten(1)
    assert all(sorted(column.tolist()) == list(range(64)) for column in cells.T)
    assert torch.equal(find_strategy("sobol").choose(task_of(range(5, 9))), z[5:9])


def test_truncation_keeps_signs_and_limits_and_has_the_known_variance():
    z = many(Truncated(2.0))
    plain = many(find_strategy("gaussian").choose)
    assert z.abs().max() <= 2
    assert torch.equal(z.sign(), plain.sign())
    known_variance = scipy.stats.truncnorm(-2, 2).var()
    assert float(z.var()) == pytest.approx(known_variance, rel=0.02)
    assert scipy.stats.kstest(z.flatten().numpy(), scipy.stats.truncnorm(-2, 2).cdf).pvalue > 1e-4


@pytest.mark.parametrize("tilt", [-0.5, 0.05, 1.0])
def test_spectral_shaping_keeps_each_pixels_variance_and_tilts_the_spectrum(tilt):
    z = many(Spectral(tilt), seeds=1000, shape=(1, 8, 8)).view(-1, 8, 8)
    assert float(z.var()) == pytest.approx(1, rel=0.02)
    power = torch.fft.fft2(z).abs().square().mean(0)
    ratio = float(power[0, 1] / power[4, 4])
    expected = (2 / (1 + math.sqrt(32))) ** (-2 * tilt)
    assert ratio == pytest.approx(expected, rel=0.1)
    assert torch.allclose(
        many(Spectral(0.0), 2), many(find_strategy("gaussian").choose, 2), atol=1e-5
    )


@pytest.mark.parametrize(
    "schedule", [LinearBetas((1e-4, 0.02), 400), VarianceExploding(20.0), Flow()]
)
def test_ddims_stability_tends_to_one_and_renoisings_stays_at_chance(schedule):
    mixture = GaussianMixture.example(spread=0.5, deviation=0.4)
    task = task_of(
        *(range(300), (1, 4, 4), 1, schedule, mixture.denoiser(schedule), 1),
        np.arange(300) % 3,
    )
    tries = task.tries()
    z, condition = tries.z.double(), tries.condition
    means = [float(ddim_stability(task.sampler, z, condition, n).mean()) for n in (4, 16, 64, 256)]
    assert means == sorted(means)
    assert means[-1] > 0.99
    assert 1 - means[-1] < (1 - means[-2]) / 2  # of first order at least
    chance = renoise_stability(task.sampler, tries, 16).double()
    assert abs(float(chance.mean())) < 3 * float(chance.std()) / math.sqrt(300)
    assert float(chance.std()) == pytest.approx(1 / math.sqrt(16), rel=0.15)


def test_an_exact_inverter_gives_stability_one():
    schedule = LinearBetas((1e-4, 0.02), 400)
    mixture = GaussianMixture.example(spread=0.5, deviation=0.4)
    task = task_of(range(20), seed=2, schedule=schedule, denoiser=mixture.denoiser(schedule))
    z = task.gaussian().double()
    x = task.sampler.ddim(z, 20)
    grid = times(schedule, 20, task.sampler.spacing)
    inverted = invert_fixed_point(task.sampler.plain, schedule, x, task.condition, grid, 1e-10, 500)
    *_, last = inverted
    assert float((1 - cosine(z, last.x)).abs().max()) < 1e-6


def test_the_most_stable_candidate_is_chosen():
    task = task_of(candidates=7)
    tries = task.tries()
    scores = ddim_stability(task.sampler, tries.z, tries.condition).view(6, 7)
    start = find_strategy("stability").choose(task)
    assert torch.equal(start.z, tries.z.view(6, 7, 1, 4, 4)[torch.arange(6), scores.argmax(1)])
    assert torch.equal(tries.z.view(6, 7, 1, 4, 4)[:, 0], task.gaussian())


def test_not_a_number_never_wins_and_the_first_of_equals_does():
    tries = task_of(numbers=range(2), candidates=3).tries()
    start = tries.best(torch.tensor([math.nan, 1.0, 1.0, math.nan, math.nan, math.nan]))
    assert start.keys == [(0, 1), (1,)]


def test_neighbours_keep_the_norm_and_lie_at_the_angle():
    z, aside = torch.randn(2, 9, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    near = neighbours(z, aside, 0.9)
    assert torch.allclose(near.flatten(1).norm(dim=1), z.flatten(1).norm(dim=1), rtol=1e-5)
    assert torch.allclose(cosine(z, near), torch.tensor(0.9), atol=1e-5)


def wish(task, x, labels):
    """A judge that likes pixels near 1, in closed form."""
    return -(x - 1).square().sum((1, 2, 3))


@pytest.mark.parametrize(
    "name", ["best_of", "zero_order", "early_prune", "fk_steering", "optim_judge"]
)
def test_a_search_finds_what_its_judge_likes_better_the_longer_it_looks(name, monkeypatch):
    monkeypatch.setattr(judge_a, "log_probability", wish)

    def liked(candidates):
        task = task_of(range(60), candidates=candidates, labels=np.full(60, 0))
        start = find_strategy(name).choose(task)
        x = start.x
        if x is None:
            x = task.sampler.images(start.z, start.keys or task.keys)
        return float(wish(task, x, task.labels).mean())

    few, some, more = liked(1), liked(6), liked(24)
    assert few < some < more


def test_gradient_steps_raise_stability_and_keep_the_norm():
    task = task_of(candidates=8)
    start = find_strategy("optim_stability").choose(task)
    before, after = (
        ddim_stability(task.sampler, z, task.condition) for z in (task.gaussian(), start.z)
    )
    assert (after >= before).all()
    assert float(after.mean()) > float(before.mean())
    norms = [z.flatten(1).norm(dim=1) for z in (task.gaussian(), start.z)]
    assert torch.allclose(*norms, rtol=1e-4)


def test_resampling_is_unbiased_and_rests_while_enough_particles_count():
    weights = torch.tensor([[0.05, 0.85, 0.1, 0.0]]).log().expand(4000, 4)
    draws = torch.rand(4000, 1, generator=torch.Generator().manual_seed(0))
    parents = _resample(weights, draws)
    children = torch.stack([(parents == k).sum(1) for k in range(4)], 1).double().mean(0)
    assert torch.allclose(children, 4 * weights[0].double().exp(), atol=0.05)
    even = _resample(torch.zeros(1, 4), draws[:1])
    assert even.tolist() == [[0, 1, 2, 3]]


# a user's own


def test_a_function_or_a_class_of_ones_own_works_by_name_and_by_hand(model, forget):
    @register("still", CHANGED)
    def still(task):
        """No noise at all."""
        return torch.zeros(len(task), *task.shape)

    @register("halved", CHANGED)
    class Halved:
        """Half the noise."""

        def __call__(self, task):
            return task.gaussian() / 2

    assert model.sample([1], noise="still", steps=2).noise.abs().sum() == 0
    plain = model.sample([1], steps=2).noise
    assert torch.equal(model.sample([1], noise="halved", steps=2).noise, plain / 2)
    assert torch.equal(model.sample([1], noise=Halved(), steps=2).noise, plain / 2)
    assert find_strategy("still").summary == "No noise at all."
    with pytest.raises(InkseedError, match="take another name"):
        register("gaussian")(still)
    with pytest.raises(InkseedError, match="kind is one of"):
        register("other", "better")
    with pytest.raises(InkseedError, match="a-z"):
        register("gaussian, more steps")


def test_a_strategy_is_stopped_before_the_network_runs_past_its_budget(tiny_model):
    model = small(tiny_model)
    counted = counting(model)

    def greedy(task):
        for _ in range(1000):
            task.sampler.images(task.gaussian(), task.keys)
        return task.gaussian()

    with pytest.raises(InkseedError, match="budget"):
        model.sample([1, 2], 0, 0.0, "ddim", 4, noise=greedy, budget=30)
    assert counted[0] <= 2 * 30


@pytest.mark.parametrize(
    ("gives", "words"),
    [
        (lambda task: None, "must return"),
        (lambda task: torch.zeros(1), "must return"),
        (lambda task: "noise", "must return"),
        (lambda task: task.gaussian() * math.nan, "must return"),
        (lambda task: task.gaussian() + 0j, "must return"),
        (lambda task: Start(task.gaussian(), x=torch.zeros(2)), "must return"),
        (lambda task: Start(task.gaussian(), [(0,)]), "keys"),
        (lambda task: Start(task.gaussian(), [0, 1]), "keys"),
        (lambda task: Start(task.gaussian(), [(0,), (-1,)]), "keys"),
        (lambda task: 1 / 0, "failed: ZeroDivisionError"),
        (lambda task: task.tries().best([1.0]), "give one score for each"),
        (lambda task: task.sampler.guesses(task.gaussian(), task.keys, 0), "step"),
        (KAntithetic(3), None),
        (KAntithetic, None),
    ],
)
def test_a_strategy_that_gives_no_noise_is_told_so(model, gives, words):
    if words is None:
        assert model.sample([1, 2], noise=gives, steps=2).nfe > 0
        return
    with pytest.raises(InkseedError, match=words):
        model.sample([1, 2], noise=gives, steps=2)


@pytest.mark.parametrize("off", [torch.no_grad, torch.inference_mode])
def test_gradient_steps_work_where_the_caller_has_switched_gradients_off(model, off):
    plain = model.sample([1, 2], noise="optim_judge", steps=2, candidates=3)
    with off():
        found = model.sample([1, 2], noise="optim_judge", steps=2, candidates=3)
    assert torch.allclose(plain.noise, found.noise, atol=1e-3)


def test_an_images_number_has_an_end(model):
    with pytest.raises(InkseedError, match="first"):
        model.sample([1, 2], first=2**32 - 1, steps=2)
    assert model.sample([1], first=2**32 - 1, steps=2).seeds[0, 1] == 2**32 - 1


def test_a_file_of_ones_own_works_as_typed(inkseed, tiny_model, tmp_path, forget):
    own = tmp_path / "mine.py"
    own.write_text(
        "from inkseed.noise import register\n\n\n@register('mine', 'changed distribution, no extra"
        " cost')\ndef mine(task):\n    return task.gaussian() * 0.5\n"
    )
    out = tmp_path / "n.png"
    command = ("write", "07", "--model", tiny_model, "--out", out)
    assert inkseed(*command, "--noise", own).status == 0
    assert inkseed(*command, "--noise", own).status == 0  # again, in the same process
    assert inkseed(*command, "--noise", "mine").status == 0
    own.write_text("raise SystemExit")
    assert "SystemExit" in inkseed(*command, "--noise", own).err
    own.write_text("1 / 0")
    failed = inkseed(*command, "--noise", own)
    assert failed.status == 2
    assert "ZeroDivisionError" in failed.err
    own.write_text("pass")
    assert "registers no noise strategy" in inkseed(*command, "--noise", own).err
    assert "no such file" in inkseed(*command, "--noise", tmp_path / "other.py").err


def test_an_installed_packages_strategy_is_found(model, monkeypatch, forget):
    class Entry:
        def __init__(self, name, load):
            self.name, self.load = name, load

    def registers_itself():
        return register("honest", CHANGED)(lambda task: Start(task.gaussian()))

    def broken():
        raise ImportError("no such module")

    entries = [
        Entry("plain", lambda: lambda task: task.gaussian()),
        Entry("honest", registers_itself),
        Entry("broken", broken),
    ]
    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: entries)
    assert {"plain", "honest", "broken"} <= set(available())
    assert model.sample([1], noise="honest", steps=2).nfe > 0
    assert find_strategy("honest").kind == CHANGED
    with pytest.raises(InkseedError, match=r"'plain' does not register itself.*noise.register"):
        find_strategy("plain")
    for ask in (lambda: find_strategy("broken"), lambda: strategies()["broken"]):
        with pytest.raises(InkseedError, match="installed"):
            ask()


def test_the_command_line_knows_them_all(inkseed, tiny_model, tmp_path):
    words = " ".join(inkseed("write", "--help").out.split())
    out = tmp_path / "set.npz"
    for name in NAMES:
        assert name in words
        tried = ("--candidates", 2) if name in SEARCHING else ()
        command = ("sample", "--model", tiny_model, "--labels", "0-2", "--count", 1, "--steps", 2)
        assert inkseed(*command, "--out", out, "--noise", name, *tried).status == 0
    refused = inkseed(*command, "--out", out, "--noise", "best")
    assert refused.status == 2
    assert "gaussian" in refused.err
    refused = inkseed(*command, "--out", out, "--candidates", 3)
    assert refused.status == 2
    assert "search" in refused.err


def test_judge_a_is_not_asked_about_other_classes(tiny_model):
    model = small(tiny_model)
    model.class_names = tuple("abcdefghij")
    with pytest.raises(InkseedError, match="judge A"):
        model.sample([1], noise="best_of", steps=2)
    assert model.sample([1], noise="stability", steps=2, candidates=2).nfe > 0


def test_streams_of_candidates_are_their_own():
    tries = task_of(range(2), candidates=3).tries()
    assert tries.keys == [(0,), (0, 1), (0, 2), (1,), (1, 1), (1, 2)]
    assert np.array_equal(tries.z[4], normals(0, [(1, 1)], (1, 4, 4))[0])
    assert tries.condition.label.tolist() == tries.labels.tolist() == [0, 0, 0, 1, 1, 1]
