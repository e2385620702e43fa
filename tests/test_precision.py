"""What networks compute in: asked for, by default, and where it must be float32."""

from dataclasses import replace

import pytest
import torch

import inkseed as package
from inkseed.diffusion.schedule import VarianceExploding, times
from inkseed.errors import InkseedError
from inkseed.model.model import Model
from inkseed.nn.precision import PRECISIONS, computing_in, fast_precision
from inkseed.samplers import ddim, invert, invert_fixed_point
from inkseed.writing.number import write
from tests.analytic import GaussianMixture

CPU = torch.device("cpu")
HOW = {"guide_w": 0.0, "sampler": "ddim", "steps": 3}


@pytest.fixture
def model(tiny_model) -> Model:
    return package.load(tiny_model)


def precisions_of(model: Model) -> list[str]:
    """Have a wrapper round the model's network note what each pass is to compute in."""
    seen: list[str] = []

    def network(x, *rest):
        seen.append(PRECISIONS[torch.is_autocast_enabled("cpu")])
        return model.network(x, *rest)

    model.denoiser.network = network
    return seen


@pytest.mark.parametrize("precision", PRECISIONS)
def test_the_network_computes_in_the_precision_that_is_asked_for(model, precision):
    seen = precisions_of(model)
    with torch.autocast("cpu", torch.bfloat16):  # of the caller, about other things
        drawn = model.sample([1], precision=precision, **HOW)
    assert seen == [precision] * 3
    assert drawn.how.precision == precision
    seen.clear()
    written = write("12", model=model, steps=3, sampler="ddim", precision=precision)
    assert set(seen) == {precision}
    assert written.facts()["precision"] == precision


def test_sets_are_drawn_in_what_is_fast_and_numbers_in_float32(model):
    seen = precisions_of(model)
    assert model.sample([1], **HOW).how.precision == fast_precision(CPU)
    assert seen == [fast_precision(CPU)] * 3
    seen.clear()
    assert write("12", model=model).facts()["precision"] == "float32"
    model.denoiser(torch.zeros(1, 1, 28, 28), torch.tensor(0.5), torch.tensor([1]))
    assert set(seen) == {"float32"}
    model.config = replace(model.config, sampling={"precision": "float32"})  # a recipe may say so
    assert model.settings().precision == "float32"


@pytest.mark.parametrize("precision", ["float16", "", 32, ["float32"]])
def test_an_unknown_precision_is_told_in_one_line(model, precision):
    with pytest.raises(InkseedError, match=r"no precision .*: give one of float32, bfloat16"):
        model.sample([1], precision=precision)


@pytest.mark.parametrize(("noise", "exact"), [("stability", 40), ("optim_stability", 40)])
def test_strategies_that_invert_do_so_in_float32(model, noise, exact):
    model.image_size = (8, 8)
    seen = precisions_of(model)
    model.sample([1], noise=noise, candidates=2, precision="bfloat16", **HOW)
    inverted, drawn = seen[:-3], seen[-3:]
    assert len(inverted) in (exact, exact // 2)  # both tries at once, or one after the other
    assert set(inverted) == {"float32"}
    assert drawn == ["bfloat16"] * 3


@pytest.mark.filterwarnings("ignore:the inversion of")
@pytest.mark.parametrize("inversion", [invert, invert_fixed_point])
def test_inversion_computes_in_float32_and_leaves_the_callers_precision(model, inversion):
    seen = precisions_of(model)
    x, label = torch.zeros(1, 1, 28, 28), torch.tensor([1])
    with computing_in("bfloat16"):
        grid = times(model.schedule, 3)
        for _ in inversion(model.denoiser, model.schedule, x, label, grid):
            assert seen[-1] == "float32"
            model.denoiser(x, torch.tensor(0.5), label)
            assert seen[-1] == "bfloat16"


def test_digits_are_inverted_exactly_whatever_the_precision_around():
    """In bfloat16 the iterates never settle, and take all of the evaluations that there are."""
    model = package.load("digits")
    label, grid, passes = torch.tensor([3]), times(model.schedule, 40), []
    generator = torch.Generator().manual_seed(0)
    z = model.schedule.start_scale * torch.randn(1, 1, 28, 28, generator=generator)

    def counted(*inputs):
        passes.append(1)
        return model.denoiser(*inputs)

    *_, drawn = ddim(model.denoiser, model.schedule, z, label, grid)
    with computing_in("bfloat16"):
        *_, back = invert_fixed_point(counted, model.schedule, drawn.x, label, grid)
    assert back.converged.all()
    assert len(passes) < 400
    *_, again = ddim(model.denoiser, model.schedule, back.x, label, grid)
    assert float((again.x - drawn.x).norm() / drawn.x.norm()) < 1e-4


def test_what_does_not_converge_says_so():
    schedule, mixture = VarianceExploding(), GaussianMixture.example()
    label, grid = torch.arange(3), times(schedule, 10)
    walk = (mixture.denoiser(schedule), schedule, mixture.draw(label, 5), label, grid)
    with pytest.warns(UserWarning, match="3 of 3 images did not converge: take more steps"):
        *_, last = invert_fixed_point(*walk, max_iterations=2)
    assert not last.converged.any()
    with pytest.raises(InkseedError, match="max_iterations"):
        list(invert_fixed_point(*walk, max_iterations=0))


@pytest.mark.slow
def test_a_compiled_network_moves_pixels_by_a_grey_level_or_two_in_float32():
    model, labels = package.load("digits"), [*range(10)] * 2
    plain = model.sample(labels, 3, precision="float32").images.astype(int)
    compiled = model.compile().sample(labels, 3, precision="float32").images
    assert abs(compiled - plain).max() <= 2
