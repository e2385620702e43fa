"""A student that jumps: what it learns from, how it is drawn, and what it refuses."""

import dataclasses
from itertools import pairwise

import numpy as np
import pytest
import torch

from inkseed.checkpoint import load_tensors
from inkseed.data import split_mnist
from inkseed.diffusion.condition import Condition
from inkseed.diffusion.denoiser import Noising
from inkseed.diffusion.guidance import ClassifierFreeGuidance, TaughtGuidance
from inkseed.diffusion.predictions import ConsistencyFunction, EdmDenoiser
from inkseed.diffusion.schedule import VarianceExploding
from inkseed.errors import InkseedError
from inkseed.model.loading import load
from inkseed.model.sampling import SamplingOptions
from inkseed.nn import GuidedPatchUnet
from inkseed.rng import Purpose, stream
from inkseed.samplers import consistency, ddim
from inkseed.training.batches import Batches, Examples
from inkseed.training.loop import train
from inkseed.training.paths import Paths
from inkseed.training.recipes import Recipe, load_recipe

NETWORK = {"name": "patch_unet", "widths": [16, 64], "hand": 8}
SCHEDULE = {"name": "variance_exploding", "sigma_max": 20.0, "sigma_min": 0.02}
TEACHER = Recipe(
    network=NETWORK,
    schedule=SCHEDULE,
    prediction={"name": "edm"},
    epochs=1,
    batch_size=32,
    learning_rate=2e-3,
    drop_prob=0.1,
    sampling={"sampler": "dpm_solver_sde", "steps": 4, "guide_interval": [0.3, 6.0]},
    styles=True,
    hands=True,
    data="mnist_parts_a_b",
    images=192,
    pictures=1,
)
LEVELS = [[], [1.2], [2.5, 0.6]]


@pytest.fixture(scope="module")
def teacher(tmp_path_factory):
    return load(train(TEACHER, "tiny", tmp_path_factory.mktemp("teacher") / "run"))


@pytest.fixture(scope="module")
def recipe(teacher, tmp_path_factory) -> Recipe:
    path = tmp_path_factory.mktemp("kept") / "teacher.safetensors"
    teacher.save(path)
    return dataclasses.replace(
        TEACHER,
        network={**NETWORK, "name": "guided_patch_unet", "guide": 3.0},
        prediction={"name": "consistency"},
        teacher=str(path),
        path_steps=4,
        drop_prob=0.0,
        ema=(0.5, 0.9),
        sampling={"sampler": "consistency", "steps": 2, "guide_w": 0.5, "levels": LEVELS},
    )


@pytest.fixture(scope="module")
def run(recipe, tmp_path_factory):
    out = tmp_path_factory.mktemp("student") / "run"
    train(recipe, "tiny-fast", out)
    return out


@pytest.fixture(scope="module")
def student(run):
    return load(run / "model.safetensors")


@pytest.fixture(scope="module")
def paths(teacher, recipe) -> Paths:
    examples = Examples(split_mnist().validation.subset(np.arange(64)))
    key = (0, Purpose.ORDER)
    batches = Batches(lambda _: examples, True, 32, key, hands=False, bends=False)
    return Paths(teacher, batches, dataclasses.replace(recipe, hands=False))


def test_every_state_of_a_path_is_learned_once(paths):
    drawn = [paths(step) for step in range(4)]
    times = torch.cat([each.noising.t for each in drawn])
    assert sorted(times.unique(return_counts=True)[1].tolist()) == [32] * 4
    states = torch.cat([each.noising(each.batch.x) for each in drawn])
    assert len(states.flatten(1).unique(dim=0)) == 4 * 32
    assert torch.equal(paths(1).batch.x, drawn[1].batch.x)  # whatever came before
    assert not torch.equal(paths(4).batch.x, drawn[0].batch.x)  # the next round's


def test_a_path_ends_where_the_teacher_takes_it(teacher, paths):
    """From the first state, the teacher's own sampler under the same guidance gives the end."""
    drawn = [paths(step) for step in range(4)]
    for each in drawn:
        first = torch.nonzero(each.noising.t >= 1).flatten()[:2]
        for k in first.tolist():
            condition = each.batch.condition[k : k + 1]
            asked = SamplingOptions(float(condition.guide_w), "dpm_solver", 4, spacing="log_snr")
            how = teacher.settle(asked)
            x_T = each.noising(each.batch.x)[k : k + 1]
            told = dataclasses.replace(condition, guide_w=None)
            guided = how.guided(teacher.denoiser, teacher.schedule)
            times = how.times(teacher.schedule)
            end = [*how.walk(guided, teacher.schedule, x_T, told, times, None)][-1].x
            assert torch.allclose(end.clamp(-1, 1), each.batch.x[k : k + 1], atol=0.1)


def test_a_quarter_of_the_paths_is_unguided_and_the_rest_reaches_the_most(paths):
    w = paths.strengths(4000, stream(0, Purpose.PATHS))
    assert 0.22 < float((w == 0).float().mean()) < 0.28
    guided = w[w > 0].log1p() / np.log(4)
    assert 2.9 < float(w.max()) <= 3.0
    assert abs(float(guided.mean()) - 0.5) < 0.02  # log(1 + w) is uniform


def test_the_loss_is_least_at_the_end_and_counts_the_first_state_three_times():
    schedule = VarianceExploding(20.0, sigma_min=0.02)
    end = torch.rand(2, 1, 4, 4) * 2 - 1
    told = Condition.of(torch.tensor([1, 2]))

    def loss(error: float, t: float) -> float:
        class Exact(ConsistencyFunction):
            def x_0(self, x_t, t, condition, alpha, sigma):
                return end + error

        noising = Noising.at(schedule, torch.tensor([t, t]).double(), torch.randn_like(end))
        return float(Exact(None, schedule).loss(end, noising, told))

    assert loss(0.0, 0.5) == pytest.approx(0.0, abs=1e-7)
    assert loss(0.5, 0.5) == pytest.approx((0.5**2 + 0.01**2) ** 0.5 - 0.01, rel=1e-5)
    assert loss(0.5, 1.0) == pytest.approx(3 * loss(0.5, 0.5), rel=1e-5)


def test_a_student_begins_as_its_teacher_and_keeps_its_hands(teacher, student):
    assert isinstance(student.denoiser, ConsistencyFunction)
    assert student.config.training["from"]["sha256"]
    own, taught = student.network.state_dict(), teacher.network.state_dict()
    for name in taught:
        if name.startswith(("encoder.", "hand_mean", "hand_factor", "bend.")):
            assert torch.equal(own[name], taught[name]), name
    assert student.config.prediction == teacher.config.prediction | {"name": "consistency"}
    assert float(own["guide.weight"].abs().max()) > 0  # guidance was learned


def test_one_evaluation_a_step_at_every_strength(student):
    labels = [1, 2, 3]
    for steps in (1, 2, 3, 4):
        for w in (0.0, 0.5, 3.0):
            assert student.sample(labels, steps=steps, guide_w=w).nfe == steps
    weak, strong = (student.sample(labels, guide_w=w).images for w in (0.0, 3.0))
    assert not np.array_equal(weak, strong)


def test_steps_pass_through_the_levels_that_the_model_names(student):
    for steps, levels in enumerate(LEVELS, start=1):
        found = student.settings(steps=steps).times(student.schedule)
        ratios = [student.schedule.ratio(t) for t in found]
        assert ratios == pytest.approx([20.0, *levels, 0.0])
    four = student.settings(steps=4).times(student.schedule)
    assert len(four) == 5
    assert all(a > b for a, b in pairwise(four.tolist()))


def test_a_set_says_at_which_levels_it_was_drawn(student):
    said = {n: student.settings(steps=n).facts()["spacing"] for n in (1, 2, 3, 4)}
    assert said == {1: "karras", 2: "levels 1.2", 3: "levels 2.5, 0.6", 4: "karras"}
    assert student.settings(steps=2, spacing="karras").facts()["spacing"] == "karras"


def test_the_sampler_is_algorithm_1():
    """By hand: x_0 = f(x_T, 1); x = x_0 + sigma z; x_0 = f(x, s)."""
    schedule = VarianceExploding(20.0, sigma_min=0.02)
    x_T, z = torch.randn(2, 1, 4, 4) * 20, torch.randn(2, 1, 4, 4)

    def jump(x, t, condition):
        return x / (1 + schedule.ratio(t))

    level = schedule.time_of(torch.tensor(1.2).double())
    times = torch.stack((torch.tensor(1.0).double(), level, torch.tensor(0.0).double()))
    steps = [*consistency(jump, schedule, x_T, None, times, lambda: z)]
    first = x_T / 21
    assert torch.allclose(steps[0].x, first + 1.2 * z)
    assert torch.allclose(steps[1].x, (first + 1.2 * z) / 2.2, atol=1e-6)


def test_guidance_may_differ_from_image_to_image():
    x, t = torch.randn(3, 1, 4, 4), torch.tensor(0.5)
    told = Condition.of(torch.tensor([1, 2, 3]))

    def denoiser(x, t, condition):
        label = torch.where(condition.free_label, 7, condition.label)
        return x + label[:, None, None, None]

    w = torch.tensor([0.0, 0.5, 2.0])
    together = ClassifierFreeGuidance(denoiser, w[:, None, None, None])(x, t, told)
    for k in range(3):
        alone = ClassifierFreeGuidance(denoiser, float(w[k]))(x[k : k + 1], t, told[k : k + 1])
        assert torch.allclose(together[k : k + 1], alone, atol=1e-6)


def test_taught_guidance_tells_the_network_its_strength():
    network = GuidedPatchUnet(3.0, in_channels=1, n_classes=10, widths=(16, 64))
    for layer in (network.guide, network.up_high[0].conv_mid, network.out):  # all silent at first
        torch.nn.init.normal_(layer.weight, std=0.1)
    denoiser = EdmDenoiser(network.eval(), VarianceExploding(20.0, sigma_min=0.02))
    x, t, told = torch.randn(2, 1, 8, 8), torch.tensor(0.5), Condition.of(torch.tensor([1, 2]))
    with torch.no_grad():
        plain, zero, two = (
            denoiser(x, t, told),
            *(TaughtGuidance(denoiser, w)(x, t, told) for w in (0.0, 2.0)),
        )
    assert torch.allclose(plain, zero)
    assert not torch.allclose(plain, two, atol=1e-3)


def test_what_a_student_cannot_do_is_refused_in_one_line(student):
    refused = {
        "sampler": {"sampler": "dpm_solver"},
        "posterior": {"sampler": "ancestral"},
        "function": {"sampler": ddim, "steps": 5},
        "from 0 to 3": {"guide_w": 3.5},
        "taught guide_w": {"guide_w": -0.5},
        "its guidance, interval": {"guide_interval": (0.3, 6.0)},
        "stability": {"noise": "stability", "candidates": 2},
        "renoise": {"noise": "stability_renoise", "candidates": 2},
        "steering": {"noise": "fk_steering", "candidates": 2},
    }
    for asked in refused.values():
        with pytest.raises(InkseedError, match="teacher") as caught:
            student.sample([1], **asked)
        assert "\n" not in str(caught.value)


def test_a_study_of_noises_refuses_a_student_at_once(inkseed, run, tmp_path):
    told = inkseed("noise-study", "--model", run / "model.safetensors", "--out", tmp_path / "study")
    assert (told.status, len(told.err.splitlines())) == (2, 1)
    assert "noise-study needs a model that denoises" in told.err
    assert not (tmp_path / "study").exists()


@pytest.mark.parametrize("sampler", ["consistency", consistency])
def test_a_model_that_denoises_does_not_jump(tiny_model, sampler):
    with pytest.raises(InkseedError, match="digits-fast"):
        load(tiny_model).sample([1], sampler=sampler, steps=2)


@pytest.mark.parametrize("noise", ["best_of", "antithetic", "sobol", "zero_order", "truncated"])
def test_strategies_that_only_draw_work(student, noise):
    assert student.sample(
        [1, 2], noise=noise, candidates=2 if noise in "best_of zero_order" else None
    )


def test_a_stopped_student_ends_in_the_same_bytes(recipe, run, tmp_path, monkeypatch):
    from inkseed.training.step import Step

    out, calls = tmp_path / "run", []
    whole = Step.__call__

    def stops(self, drawn, rate):
        calls.append(1)
        if len(calls) == 4:  # within the first path's states, of which there are four
            raise KeyboardInterrupt
        return whole(self, drawn, rate)

    monkeypatch.setattr("inkseed.training.loop.STATE_SECONDS", 0.0)
    monkeypatch.setattr(Step, "__call__", stops)
    with pytest.raises(KeyboardInterrupt):
        train(recipe, "tiny-fast", out)
    monkeypatch.setattr(Step, "__call__", whole)
    train(recipe, "tiny-fast", out, resume=True)
    one, other = (load_tensors(each / "model.safetensors")[0] for each in (out, run))
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_a_teacher_must_predict_as_edm_does(recipe, tmp_path):
    with pytest.raises(InkseedError, match="edm"):
        train(dataclasses.replace(recipe, teacher="report", hands=False), "no", tmp_path / "run")
    with pytest.raises(InkseedError, match="need each other"):
        dataclasses.replace(recipe, prediction={"name": "edm"})


def test_the_bundled_recipe_is_one():
    assert load_recipe("digits-fast").teacher == "digits"
