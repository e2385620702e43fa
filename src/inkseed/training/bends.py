"""Small affine maps: images bent a little, told so or as another writer's."""

import torch
from torch import Tensor, nn

TURN, SIZE, SLANT, SHIFT = 0.08, 0.06, 0.12, 0.04  # deviations: radians, share, shear, share
MOST = 2.0  # deviations


def draw_bends(n: int, turn: bool, generator: torch.Generator) -> Tensor:
    """How n images are bent: (n, 6) numbers of deviation 1, 2 at most; 0 is not at all.

    They turn (unless `turn` is False), stretch across and down, slant, and shift across and down.
    """
    drawn = torch.randn(n, 6, generator=generator).clamp(-MOST, MOST)
    if not turn:
        drawn[:, 0] = 0
    return drawn


def bent(x: Tensor, bend: Tensor) -> Tensor:
    """Images (N, 1, H, W) in [-1, 1], bent as (N, 6) tells; around them is paper."""
    height, width = x.shape[-2:]
    angle, across, down = TURN * bend[:, 0], 1 + SIZE * bend[:, 1], 1 + SIZE * bend[:, 2]
    shear = SLANT * bend[:, 3] - angle.sin()
    wide = height / width  # the maps are of pixels, and the grid of half sides
    rows = (
        torch.stack((across * angle.cos(), wide * shear, wide * SHIFT * bend[:, 4]), 1),
        torch.stack((angle.sin() / wide, down * angle.cos(), SHIFT * bend[:, 5]), 1),
    )
    grid = nn.functional.affine_grid(torch.stack(rows, 1), list(x.shape), align_corners=False)
    return nn.functional.grid_sample(x + 1, grid, align_corners=False) - 1
