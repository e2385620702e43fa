"""What judges see in training besides the digits themselves: digits bent, and paper without any."""

import math

import torch
from torch import Tensor, nn

ANGLE, SIZE, WIDTH, SLANT, SHIFT = math.radians(15), 0.12, 0.08, 0.25, 2.0
BEND, KNOTS = 0.06, 5
STROKE = 0.5
DIRT = 0.15


def distort(x: Tensor) -> Tensor:
    """Turn, size, stretch, slant, shift, bend and thicken or thin each image; never flip one.

    Draws from torch's default generators: call it under `torch.random.fork_rng`.

    Args:
        x: images (N, 1, H, W) in [-1, 1], -1 is paper.

    Returns:
        As many images, on the same device: turned by 15 degrees at most, sized by 12 %, stretched
        by 8 %, slanted by a shear of 0.25, shifted by 2 pixels, bent by a smooth field
        (Simard et al., ICDAR 2003), and moved up to half way to their dilation or erosion.
    """
    n, side = len(x), x.shape[-1]
    draws = torch.rand(7, n, device=x.device) * 2 - 1
    angle, size, width = draws[0] * ANGLE, 1 + SIZE * draws[1], 1 + WIDTH * draws[2]
    shear, shift = SLANT * draws[3], draws[4:6] * SHIFT / (side / 2)
    cos, sin = angle.cos() * size, angle.sin() * size
    rows = (
        torch.stack((cos * width, shear * cos - sin, shift[0]), -1),
        torch.stack((sin * width, shear * sin + cos, shift[1]), -1),
    )
    grid = nn.functional.affine_grid(torch.stack(rows, 1), list(x.shape), align_corners=False)
    knots = torch.randn(n, 2, KNOTS, KNOTS, device=x.device)
    field = nn.functional.interpolate(knots, x.shape[-2:], mode="bicubic", align_corners=True)
    field = field * (BEND * torch.rand(n, 1, 1, 1, device=x.device))
    grid = grid + field.permute(0, 2, 3, 1)
    x = nn.functional.grid_sample(x + 1, grid, align_corners=False) - 1  # outside is paper, -1
    return thicken(x, draws[6] * STROKE)


def thicken(x: Tensor, stroke: Tensor) -> Tensor:
    """Move images (N, 1, H, W) towards their dilation, or erosion where `stroke` (N,) is below 0.

    `stroke` is the share of the way, from -1 to 1.
    """
    wide, thin = nn.functional.max_pool2d(x, 3, 1, 1), -nn.functional.max_pool2d(-x, 3, 1, 1)
    share = stroke[:, None, None, None]
    return torch.where(share > 0, x + share * (wide - x), x - share * (thin - x))


def paper(n: int, side: int, device: torch.device) -> Tensor:
    """Images (n, 1, side, side) in [-1, 1] that hold no digit: clean, dirty or clouded paper.

    Draws from torch's default generators, as `distort` does.
    """
    noise = torch.randn(n, 1, side, side, device=device)
    coarse = torch.randn(n, 1, side // 4, side // 4, device=device)
    clouds = nn.functional.interpolate(coarse, (side, side), mode="bilinear", align_corners=False)
    which, ink, grain = torch.rand(3, n, 1, 1, 1, device=device)
    dirty, clouded = DIRT * noise.abs(), (clouds + grain * noise).clamp(min=0)
    return (-1 + ink * torch.where(which < 0.5, dirty, clouded)).clamp(-1, 1)
