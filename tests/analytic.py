"""A Gaussian mixture whose denoiser has a closed form: the oracle of samplers and denoisers."""

import torch
from torch import Tensor

from inkseed.diffusion.condition import Condition
from inkseed.diffusion.schedule import Schedule


class GaussianMixture:
    """x_0 ~ sum_k p_k N(m_k, s_k^2 I) over images (C, H, W); label c is component c.

    All in double precision. Without a label the whole mixture is meant.
    """

    def __init__(self, means: Tensor, deviations: Tensor, shares: Tensor | None = None) -> None:
        self.means, self.deviations = means.double(), deviations.double()
        count = len(means)
        self.shares = torch.full((count,), 1 / count) if shares is None else shares
        self.shares = self.shares.double()

    @classmethod
    def example(cls, spread: float = 1.0, deviation: float = 0.2) -> "GaussianMixture":
        """Three components over (1, 4, 4); a smaller spread and larger deviations overlap."""
        draw = torch.Generator().manual_seed(0)
        means = spread * torch.randn(3, 1, 4, 4, generator=draw, dtype=torch.float64)
        components = torch.arange(3, dtype=torch.float64)
        return cls(means, deviation * (1 + components / 2), (1 + components) / 6)

    def posterior_mean(self, x_t: Tensor, told: Condition, alpha: Tensor, sigma: Tensor) -> Tensor:
        """E[x_0 | x_t], for x_t (N, C, H, W), alpha and sigma (N,)."""
        dims = x_t[0].numel()
        alpha, sigma = alpha.double()[:, None], sigma.double()[:, None]
        variance = alpha**2 * self.deviations**2 + sigma**2  # (N, K): of x_t in each component
        centred = x_t.double()[:, None] - alpha[..., None, None, None] * self.means
        squares = centred.flatten(2).square().sum(2)
        logits = self.shares.log() - squares / (2 * variance) - dims / 2 * variance.log()
        own = torch.nn.functional.one_hot(told.label, len(self.means)).bool()
        wanted = own | told.free_label[:, None]
        weights = logits.masked_fill(~wanted, -torch.inf).softmax(1)
        shrunk = (alpha * self.deviations**2 / variance)[..., None, None, None] * centred
        return (weights[..., None, None, None] * (self.means + shrunk)).sum(1)

    def denoiser(self, schedule: Schedule):
        """The posterior mean as a denoiser."""

        def denoise(x_t: Tensor, t: Tensor, condition: Condition | Tensor) -> Tensor:
            alpha, sigma = schedule(torch.as_tensor(t, dtype=torch.float64).expand(len(x_t)))
            return self.posterior_mean(x_t, Condition.of(condition), alpha, sigma).to(x_t.dtype)

        return denoise

    def path_end(self, schedule: Schedule):
        """The exact consistency function of each component: where its flow takes x_t at t = 0.

        The flow of one Gaussian keeps (x_t - alpha m) in units of its deviation at every time.
        """

        def end(x_t: Tensor, t: Tensor, condition: Condition | Tensor) -> Tensor:
            label = Condition.of(condition).label
            alpha, sigma = schedule.level(t)
            mean, own = self.means[label], self.deviations[label][:, None, None, None]
            here = (alpha**2 * own**2 + sigma**2).sqrt()
            return (mean + own * (x_t.double() - alpha * mean) / here).to(x_t.dtype)

        return end

    def draw(self, label: Tensor, seed: int = 0) -> Tensor:
        """Samples of the labelled components, float64 (N, C, H, W)."""
        generator = torch.Generator().manual_seed(seed)
        z = torch.randn(len(label), *self.means.shape[1:], generator=generator, dtype=torch.float64)
        return self.means[label] + self.deviations[label][:, None, None, None] * z
