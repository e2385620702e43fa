"""Schedule, loss, guidance and the reverse step against closed forms and against diffusers."""

import pytest
import torch
from diffusers import DDPMScheduler

from inkseed.diffusion.condition import Condition
from inkseed.diffusion.guidance import ClassifierFreeGuidance
from inkseed.diffusion.loss import TrainingLoss
from inkseed.diffusion.predictions import EpsDenoiser
from inkseed.diffusion.schedule import LinearBetas, times
from inkseed.diffusion.training_times import Uniform
from inkseed.errors import InkseedError
from inkseed.samplers import ancestral

BETAS, STEPS = (1e-4, 0.02), 400
SCHEDULE = LinearBetas(BETAS, STEPS)


def noise_of(x_t: torch.Tensor, *_: torch.Tensor) -> torch.Tensor:
    """A stand-in network, in any precision: some smooth, nonlinear function of the image."""
    return torch.tanh(1.3 * x_t + 0.2)


def test_schedule_against_the_papers_definition():
    t = torch.tensor([0.0, 1 / STEPS, 1.0], dtype=torch.float64)
    alpha, sigma = SCHEDULE(t)
    assert (alpha[0], sigma[0]) == (1, 0)
    assert sigma[1] ** 2 == pytest.approx(1e-4, rel=1e-9)  # abar_1 = 1 - beta_1
    assert torch.allclose(alpha**2 + sigma**2, torch.ones(3, dtype=torch.float64))
    assert float(alpha[2]) == pytest.approx(0.132, abs=5e-4)  # the signal left at n_T = 400


def test_schedule_equals_diffusers():
    theirs = DDPMScheduler(STEPS, *BETAS, beta_schedule="linear").alphas_cumprod
    t = torch.arange(1, STEPS + 1, dtype=torch.float64) / STEPS
    assert torch.allclose(SCHEDULE(t)[0] ** 2, theirs.double(), atol=1e-6)


@pytest.mark.parametrize("betas", [(0, 0.1), (0.2, 0.1), (0.1, 1.0), (float("nan"), 0.1)])
def test_impossible_betas_are_refused(betas):
    with pytest.raises(InkseedError, match="betas"):
        LinearBetas(betas, 10)


class Spy:
    """A network that predicts nothing and remembers what the training loss showed it."""

    def __call__(self, x_t, c, t, mask):
        self.x_t, self.c, self.t, self.mask = x_t, c, t, mask
        return torch.zeros_like(x_t)


def shown_in_training(x_0, label, drop_prob=0.1, seed=0):
    spy = Spy()
    generator = torch.Generator().manual_seed(seed)
    loss_of = TrainingLoss(EpsDenoiser(spy, SCHEDULE), Uniform(), drop_prob)
    return spy, loss_of(x_0, Condition.of(label), generator)


def test_forward_noising_has_the_moments_of_equation_1():
    """10,000 draws of 64 pixels: mean sqrt(abar) x_0 and variance 1 - abar, to 1 %."""
    x_0 = torch.full((10_000, 1, 8, 8), 0.8)
    spy, loss = shown_in_training(x_0, torch.zeros(10_000).long())
    abar = torch.cumprod(1 - torch.linspace(*BETAS, STEPS, dtype=torch.float64), 0)
    abar = abar[(spy.t.double() * STEPS).round().long() - 1][:, None, None, None]
    assert float((spy.x_t / (abar.sqrt() * 0.8)).mean()) == pytest.approx(1, abs=0.01)
    residual = (spy.x_t.double() - abar.sqrt() * 0.8) / (1 - abar).sqrt()
    assert float(residual.mean()) == pytest.approx(0, abs=0.01)
    assert float(residual.var()) == pytest.approx(1, abs=0.01)
    early = abar[:, 0, 0, 0] > 0.5  # and in each half of the chain by itself
    for part in (residual[early], residual[~early]):
        assert float(part.var()) == pytest.approx(1, abs=0.01)
    assert float(loss) == pytest.approx(1, abs=0.01)  # predicting 0 of unit noise


def test_training_draws_every_step_alike_and_drops_labels_at_the_rate_asked():
    label = torch.arange(40_000) % 10
    spy, _ = shown_in_training(torch.zeros(40_000, 1, 1, 1), label, drop_prob=0.1)
    steps = (spy.t * STEPS).round().long()
    counts = steps.bincount(minlength=STEPS + 1)
    assert counts[0] == 0
    assert len(counts) == STEPS + 1
    chi_square = float(((counts[1:] - 100) ** 2 / 100).sum())
    assert 290 < chi_square < 510  # 399 degrees of freedom: beyond +-3.9 deviations
    assert float(spy.mask.mean()) == pytest.approx(0.1, abs=0.006)  # 4 deviations
    kept = spy.mask == 0
    assert torch.equal(spy.c[kept], label[kept])


@pytest.mark.parametrize("drop_prob", [0.0, 1.0])
def test_dropping_none_or_all(drop_prob):
    spy, _ = shown_in_training(torch.zeros(100, 1, 1, 1), torch.zeros(100).long(), drop_prob)
    assert (spy.mask == drop_prob).all()


@pytest.mark.parametrize("step", [400, 399, 200, 20, 2, 1])
def test_one_reverse_step_equals_diffusers(step):
    """Same betas, network output and noise; diffusers' tables widened to float64, as ours are."""
    theirs = DDPMScheduler(
        STEPS, *BETAS, beta_schedule="linear", variance_type="fixed_large", clip_sample=False
    )
    theirs.betas = torch.linspace(*BETAS, STEPS, dtype=torch.float64)
    theirs.alphas = 1 - theirs.betas
    theirs.alphas_cumprod = torch.cumprod(theirs.alphas, 0)
    theirs.one = torch.tensor(1.0, dtype=torch.float64)

    draw = torch.Generator().manual_seed(step)
    x = torch.randn(4, 1, 6, 6, generator=draw, dtype=torch.float64)
    z = torch.randn(x.shape, generator=torch.Generator().manual_seed(7), dtype=torch.float64)
    expected = theirs.step(
        noise_of(x), step - 1, x, generator=torch.Generator().manual_seed(7)
    ).prev_sample

    from_here = times(SCHEDULE, STEPS)[STEPS - step :]
    ours = ancestral(
        EpsDenoiser(noise_of, SCHEDULE), SCHEDULE, x, torch.zeros(4), from_here, lambda: z
    )
    first = next(ours)
    assert first.t == pytest.approx((step - 1) / STEPS)
    assert (first.x - expected).abs().max() < 1e-5


def test_the_whole_chain_equals_diffusers():
    theirs = DDPMScheduler(50, 1e-3, 0.1, variance_type="fixed_large", clip_sample=False)
    x = torch.randn(2, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    schedule = LinearBetas((1e-3, 0.1), 50)
    noise = torch.Generator().manual_seed(1)
    ours = ancestral(
        EpsDenoiser(noise_of, schedule),
        schedule,
        x,
        torch.zeros(2),
        times(schedule, 50),
        lambda: torch.randn(x.shape, generator=noise),
    )
    states = list(ours)
    generator = torch.Generator().manual_seed(1)
    for t in range(49, -1, -1):
        x = theirs.step(noise_of(x), t, x, generator=generator).prev_sample
    assert len(states) == 50
    assert states[-1].t == 0
    assert torch.allclose(states[-1].x, states[-1].x_0, atol=1e-6)  # the last step adds no noise
    assert torch.allclose(states[-1].x, x, atol=1e-4)


class Linear:
    """Predicts eps as a number that depends on the label alone: guidance has a closed form."""

    def __init__(self) -> None:
        self.rows = 0

    def __call__(self, x_t, c, t, mask):
        self.rows += len(x_t)
        return ((c + 1) * (1 - mask))[:, None, None, None].expand_as(x_t)


@pytest.mark.parametrize("w", [0.0, 0.5, 2.0, -0.5])
def test_guidance_is_equation_3(w):
    network = Linear()
    plain = EpsDenoiser(network, SCHEDULE)
    x, label = torch.zeros(3, 1, 2, 2), torch.tensor([0, 4, 9])
    t = torch.tensor(0.5)
    guided = ClassifierFreeGuidance(plain, w)(x, t, label)
    evaluations = network.rows
    conditional = plain(x, t, label)
    unconditional = plain(x, t, Condition.of(label).null())
    assert torch.allclose(guided, (1 + w) * conditional - w * unconditional, atol=1e-5)
    assert torch.allclose(unconditional, torch.zeros(()), atol=1e-6)
    assert evaluations == (3 if w == 0 else 6)
    if w == 0:
        assert torch.equal(guided, conditional)
