"""Slant and thickness against shapes whose answers are known."""

import math

import numpy as np
import pytest
import torch

from inkseed.data import split_mnist, to_tensor
from inkseed.data.style import measure_style, slant, thickness

FINE = 16  # subpixels a pixel along each axis: shapes are drawn finely, then averaged


def bar(width: float, length: float, degrees: float, size: int = 64) -> torch.Tensor:
    """A slanted bar, (1, 1, size, size): sheared, so that its width across stays the same."""
    steps = (torch.arange(size * FINE) + 0.5) / FINE - size / 2
    y, x = torch.meshgrid(steps, steps, indexing="ij")
    middle = -y * math.tan(math.radians(degrees))  # y points down: leaning right is up and right
    across = (x - middle) * math.cos(math.radians(degrees))
    ink = ((across.abs() < width / 2) & (y.abs() < length / 2)).float()
    return torch.nn.functional.avg_pool2d(ink[None, None], FINE) * 2 - 1


@pytest.mark.parametrize("degrees", [-30.0, -8.0, 0.0, 12.0, 35.0])
def test_the_slant_of_a_bar(degrees):
    assert float(slant(bar(3, 40, degrees))) == pytest.approx(degrees, abs=0.3)


@pytest.mark.parametrize("width", [2.0, 2.5, 4.0, 6.0])
@pytest.mark.parametrize("degrees", [0.0, 20.0])
def test_the_thickness_of_a_bar(width, degrees):
    length = 44 / math.cos(math.radians(degrees))
    expected = width * length / (length + width)
    assert float(thickness(bar(width, 44, degrees))) == pytest.approx(expected, rel=0.12)


def test_a_ring_has_no_ends():
    steps = torch.arange(64) - 31.5
    radius = (steps[:, None] ** 2 + steps[None, :] ** 2).sqrt()
    ring = (2 - (radius - 20).abs()).clamp(-0.5, 0.5) * 2  # width 4, edges antialiased
    assert float(thickness(ring[None, None])) == pytest.approx(4, rel=0.1)


def test_shearing_adds_to_the_tangent():
    x = to_tensor(split_mnist().validation.images[:50])
    wide = torch.nn.functional.pad(x, (14, 14, 14, 14), value=-1)
    s = 0.4
    theta = torch.tensor([[1.0, s, 0.0], [0.0, 1.0, 0.0]]).expand(50, 2, 3)
    grid = torch.nn.functional.affine_grid(theta, list(wide.shape), align_corners=False)
    sheared = torch.nn.functional.grid_sample(wide + 1, grid, align_corners=False) - 1
    before, after = slant(wide).deg2rad().tan(), slant(sheared).deg2rad().tan()
    assert ((after - before).abs() - s).abs().mean() < 0.03
    assert (after > before).all() or (after < before).all()


def test_grey_ink_and_place_do_not_matter_and_blank_paper_has_none():
    x = bar(3, 30, 10)
    moved = torch.roll(x, (5, -7), (2, 3))
    assert float(slant(moved)) == pytest.approx(float(slant(x)), abs=1e-3)
    assert float(thickness(moved)) == pytest.approx(float(thickness(x)), abs=1e-4)
    slants, widths = measure_style(np.zeros((3, 28, 28), np.uint8))
    assert slants.tolist() == [0, 0, 0]
    assert widths.tolist() == [0, 0, 0]


def test_thicker_strokes_measure_thicker():
    images = split_mnist().validation.images[:200]
    x = torch.from_numpy(images).float()[:, None]
    dilated = torch.nn.functional.max_pool2d(x, 3, 1, 1)[:, 0].to(torch.uint8).numpy()
    _, thin = measure_style(images)
    _, thick = measure_style(dilated)
    assert (thick > thin).mean() > 0.98
    assert 1.8 < (thick - thin).mean() < 2 * 2**0.5  # two pixels, or along a diagonal 2.8
