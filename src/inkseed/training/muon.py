"""Muon, for all matrices of one shape at once and at a learning rate that a CUDA graph can hold.

torch.optim.Muon, which the tests compare with, takes matrices one by one and its learning rate as a
plain number: on a GPU the first costs hundreds of launches a step, the second cannot be captured.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from inkseed.nn.precision import has_fast_bfloat16

MOMENTUM = 0.95
COEFFICIENTS = (3.4445, -4.7750, 2.0315)
ITERATIONS = 5
MEAN_SQUARE = 0.2  # of AdamW's steps: Muon's are scaled to it


class Muon:
    """Steps of equal size in all directions of weight matrices.

    A convolution counts as the matrix (out, height x width x in), a transposed one as (in, height x
    width x out).

    Source:
        K. Jordan, 2024; scaled to AdamW's steps as in Liu et al.,
        [2502.16982](https://arxiv.org/abs/2502.16982), section 2.2.
    """

    def __init__(self, matrices: Mapping[str, nn.Parameter], weight_decay: float) -> None:
        self.weight_decay = weight_decay
        self.groups: dict[tuple[int, int], dict[str, nn.Parameter]] = {}
        for name, parameter in matrices.items():
            shape = len(parameter), parameter.numel() // len(parameter)
            self.groups.setdefault(shape, {})[name] = parameter
        self.momenta = {
            shape: torch.zeros(len(group), *shape, device=next(iter(group.values())).device)
            for shape, group in self.groups.items()
        }

    @torch.no_grad()
    def step(self, rate: Tensor) -> None:
        """Move the matrices by their gradients, at the learning rate `rate`, a scalar."""
        for shape, group in self.groups.items():
            gradients = torch.stack([_as_matrix(each.grad) for each in group.values()])
            momentum = self.momenta[shape].lerp_(gradients, 1 - MOMENTUM)
            update = orthogonal(gradients.lerp(momentum, MOMENTUM))
            update *= -rate * MEAN_SQUARE * max(shape) ** 0.5
            parameters: list[Tensor] = [*group.values()]
            steps: Any = [_like(u, p) for u, p in zip(update.unbind(), parameters, strict=True)]
            torch._foreach_mul_(parameters, 1 - rate * self.weight_decay)
            torch._foreach_add_(parameters, steps)

    def tensors(self) -> dict[str, Tensor]:
        """The momentum of each matrix, by the parameter's name."""
        return {
            name: momentum
            for shape, group in self.groups.items()
            for name, momentum in zip(group, self.momenta[shape].unbind(), strict=True)
        }


def orthogonal(matrices: Tensor) -> Tensor:
    """The nearest orthogonal matrices to (N, rows, columns), roughly: singular values near 1.

    Source:
        The quintic Newton-Schulz iteration of K. Jordan, 2024, in bfloat16 where that is fast: a
        processor without units for it takes twenty times as long as in float32.
    """
    x = matrices.bfloat16() if has_fast_bfloat16(matrices.device) else matrices
    tall = x.shape[-2] > x.shape[-1]
    x = x.mT if tall else x
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    first, second, third = COEFFICIENTS
    for _ in range(ITERATIONS):
        gram = x @ x.mT
        x = first * x + (second * gram + third * gram @ gram) @ x
    return (x.mT if tall else x).to(matrices.dtype)


def _as_matrix(weights: Tensor | None) -> Tensor:
    """(a, b, H, W) -> (a, H x W x b)."""
    assert weights is not None
    flat = weights if weights.ndim == 2 else weights.permute(0, 2, 3, 1)
    return flat.reshape(len(weights), -1)


def _like(matrix: Tensor, parameter: Tensor) -> Tensor:
    """A matrix in the shape of the parameter that it moves."""
    if parameter.ndim == 2:
        return matrix
    a, b, height, width = parameter.shape
    return matrix.view(a, height, width, b).permute(0, 3, 1, 2)
