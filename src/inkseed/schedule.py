"""How much signal and how much noise an image holds at a time: `t -> (alpha, sigma)`."""

import torch
from torch import Tensor

from inkseed.errors import InkseedError

MAX_STEPS = 100_000
MIN_ALPHA = 1e-4  # x_0 = (x_t - sigma eps) / alpha in float32


class LinearBetas:
    """The report's schedule: T betas, linear from beta_1 to beta_T (arXiv 2006.11239, section 4).

    Time t = i / n_T stands for the discrete step i; step 0 is clean data (its cumulative product is
    1) and steps 1..n_T carry the T betas. The tables are float64 with n_T + 1 entries.
    Raises InkseedError for betas outside (0, 1) or out of order, or no steps.
    """

    def __init__(self, betas: tuple[float, float], n_T: int) -> None:
        beta_1, beta_T = betas
        if not 0 < beta_1 <= beta_T < 1:
            raise InkseedError(
                f"betas must satisfy 0 < beta_1 <= beta_T < 1, not {beta_1}, {beta_T}"
            )
        if not 1 <= n_T <= MAX_STEPS:
            raise InkseedError(f"n_T must be from 1 to {MAX_STEPS}, not {n_T}")
        self.n_T = n_T
        steps = torch.linspace(beta_1, beta_T, n_T, dtype=torch.float64)
        self.beta = torch.cat((torch.zeros(1, dtype=torch.float64), steps))
        self.alpha_bar = torch.cumprod(1 - self.beta, 0)
        if float(self.alpha_bar[-1]) ** 0.5 < MIN_ALPHA:
            raise InkseedError(
                f"betas {betas} leave no signal after {n_T} steps: lower beta_T or n_T"
            )

    def __call__(self, t: Tensor) -> tuple[Tensor, Tensor]:
        """Times in [0, 1] -> (alpha, sigma) of `x_t = alpha x_0 + sigma eps`, shaped like t.

        Equation (1) of the report: alpha = sqrt(abar_i), sigma = sqrt(1 - abar_i), i = t n_T.
        """
        step = (t.double() * self.n_T).round().long()
        alpha_bar = self.alpha_bar.to(t.device)[step]
        return alpha_bar.sqrt().to(t.dtype), (1 - alpha_bar).sqrt().to(t.dtype)

    def times(self) -> Tensor:
        """Every time from noise to data, float64 (n_T + 1,): 1, (n_T - 1) / n_T, ..., 0."""
        return torch.arange(self.n_T, -1, -1, dtype=torch.float64) / self.n_T
