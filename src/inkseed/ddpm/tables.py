"""The tables that the report's listing indexes by step, under the listing's names."""

import torch
from torch import Tensor

from inkseed.diffusion.schedule import LinearBetas


def report_tables(schedule: LinearBetas) -> dict[str, Tensor]:
    """The tables of the listing of Puzzle 2, float32 (n_T + 1,): entry i belongs to step i.

    With alpha_i = 1 - beta_i and its cumulative product abar_i, and entry 0 for clean data:

    - `sqrt_alpha_bar`: sqrt(abar_i);
    - `sqrt_one_minus_alpha_bar`: sqrt(1 - abar_i);
    - `sqrt_beta_t`: sqrt(beta_i);
    - `oneover_sqrt_alpha_bar`: 1 / sqrt(alpha_i), not 1 / sqrt(abar_i) as its name says;
    - `mab_over_sqrt_alpha_bar`: beta_i / sqrt(1 - abar_i) / sqrt(alpha_i).

    With the last two, the listing's update, `oneover_sqrt_alpha_bar[i] * x - eps *
    mab_over_sqrt_alpha_bar[i] + sqrt_beta_t[i] * z`, is DDPM's (arXiv 2006.11239, Algorithm 2).
    Taken at their names, they would make the image grow without bound.
    """
    beta, alpha_bar = schedule.beta, schedule.alpha_bar
    sigma = (1 - alpha_bar).sqrt()
    root = (1 - beta).sqrt()
    taken = torch.zeros_like(beta)  # there is no noise to take away at step 0
    taken[1:] = (beta / sigma / root)[1:]
    tables = {
        "sqrt_alpha_bar": alpha_bar.sqrt(),
        "sqrt_one_minus_alpha_bar": sigma,
        "sqrt_beta_t": beta.sqrt(),
        "oneover_sqrt_alpha_bar": 1 / root,
        "mab_over_sqrt_alpha_bar": taken,
    }
    return {name: table.float() for name, table in tables.items()}
