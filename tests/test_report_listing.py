"""The report's own listing of Puzzle 2, pasted as it is over our SimpleDiffusion."""

# ruff: noqa: E501, F841, N812

import pytest
import torch
import torch.nn.functional as F

from inkseed import ddpm as ours
from inkseed.ddpm import SimpleDiffusion
from inkseed.nn import ContextUnet

SIZE = (1, 28, 28)
BETAS, N_T = (1e-4, 0.02), 40


# fmt: off
class NoiseStrategyDiffusion(SimpleDiffusion):
    def __init__(self, nn_model, betas, n_T, device, drop_prob=0.1):
        super().__init__(nn_model, betas, n_T, device, drop_prob)

    def compute_inversion_stability(self, noise, c, size):
        x_0 = self.sample_from_noise(noise, c, size)
        inverse_noise = self.inverse_noise(x_0, c)
        return F.cosine_similarity(noise.view(noise.shape[0], -1),
                                   inverse_noise.view(inverse_noise.shape[0], -1),
                                   dim=1)

    def noise_selection(self, K, c, size, device):
        best_noise, best_stability = None, -1
        for _ in range(K):
            noise = torch.randn(1, *size).to(device)
            stability = self.compute_inversion_stability(noise, c, size)
            if stability > best_stability:
                best_stability, best_noise = stability, noise
        return best_noise

    def sample_from_noise(self, noise, c, size):
        x_i = noise
        for i in range(self.n_T, 0, -1):
            t_is = torch.tensor([i / self.n_T]).to(self.device).repeat(noise.shape[0], 1, 1, 1)
            eps = self.nn_model(x_i, c, t_is, torch.zeros_like(c).to(self.device))
            z = torch.randn_like(x_i) if i > 1 else 0
            x_i = (self.oneover_sqrt_alpha_bar[i] * x_i - eps * self.mab_over_sqrt_alpha_bar[i]) + \
                  self.sqrt_beta_t[i] * z
        return x_i

    def inverse_noise(self, x_0, c):
        x_t = x_0
        for i in range(1, self.n_T + 1):
            t_is = torch.tensor([i / self.n_T]).to(self.device).repeat(x_0.shape[0], 1, 1, 1)
            x_t = (self.sqrt_alpha_bar[i] * x_t + self.sqrt_one_minus_alpha_bar[i] * torch.randn_like(x_t))
        return x_t
# fmt: on


@pytest.fixture
def pasted(tiny_network) -> NoiseStrategyDiffusion:
    return NoiseStrategyDiffusion(tiny_network, BETAS, N_T, "cpu").eval()


@pytest.fixture
def own(tiny_network) -> ours.NoiseStrategyDiffusion:
    return ours.NoiseStrategyDiffusion(tiny_network, BETAS, N_T, "cpu", way="report").eval()


def by_chance(seed, walk, *arguments):
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(seed)
        return walk(*arguments)


def test_the_listing_draws_what_ddpm_draws(pasted, own):
    noise = torch.randn(3, *SIZE, generator=torch.Generator().manual_seed(0))
    c = torch.tensor([1, 2, 3])
    theirs = by_chance(1, pasted.sample_from_noise, noise, c, SIZE)
    assert torch.allclose(theirs, by_chance(1, own.sample_from_noise, noise, c, SIZE), atol=1e-4)
    assert theirs.abs().max() < 10


def test_the_listings_way_back_is_ours(pasted, own):
    x_0, c = torch.zeros(2, *SIZE), torch.tensor([1, 2])
    theirs = by_chance(1, pasted.inverse_noise, x_0, c)
    assert torch.allclose(theirs, by_chance(1, own.inverse_noise, x_0, c), atol=1e-5)


def test_the_listing_selects_noise(pasted):
    chosen = by_chance(1, pasted.noise_selection, 3, torch.tensor([3]), SIZE, "cpu")
    drawn = by_chance(1, torch.randn, 1, *SIZE)
    assert chosen.shape == drawn.shape
    assert chosen.isfinite().all()


def test_the_tables_are_what_the_page_says(pasted):
    beta = torch.cat((torch.zeros(1).double(), torch.linspace(*BETAS, N_T, dtype=torch.float64)))
    alpha, abar = 1 - beta, torch.cumprod(1 - beta, 0)
    expected = {
        "sqrt_alpha_bar": abar.sqrt(),
        "sqrt_one_minus_alpha_bar": (1 - abar).sqrt(),
        "sqrt_beta_t": beta.sqrt(),
        "oneover_sqrt_alpha_bar": alpha**-0.5,
        "mab_over_sqrt_alpha_bar": ((1 - alpha) / (1 - abar).sqrt() / alpha.sqrt()).nan_to_num(0.0),
    }
    tables = dict(pasted.named_buffers(recurse=False))
    assert tables.keys() == expected.keys()
    for name, table in expected.items():
        assert tables[name].dtype == torch.float32
        assert torch.allclose(tables[name], table.float(), rtol=1e-6), name


def test_the_tables_stay_out_of_the_state_and_follow_the_device(pasted):
    assert all(name.startswith("nn_model.") for name in pasted.state_dict())
    moved = SimpleDiffusion(ContextUnet(1, 8), BETAS, N_T, "cpu").to("meta")
    assert moved.device == moved.sqrt_beta_t.device == torch.device("meta")
