"""What a strategy draws with: a request with everything settled except the noise."""

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor

from inkseed.diffusion.condition import Condition
from inkseed.diffusion.denoiser import Denoiser
from inkseed.diffusion.schedule import Schedule
from inkseed.rng import Key


class Run(Protocol):
    """Noise in, images out; `inkseed.model.run` implements it.

    `plain` is the conditional denoiser, `denoiser` the same under the request's guidance. Row i is
    drawn under row i of `condition`, by default that of the task's own images, and the sampler
    takes its own noise from the stream `keys[i]`. All tensors passed in and returned are on the
    CPU.
    """

    plain: Denoiser
    denoiser: Denoiser
    schedule: Schedule
    device: torch.device

    @property
    def seed(self) -> int:
        """The request's seed."""

    @property
    def batch_size(self) -> int:
        """How many rows are drawn at a time."""

    @property
    def steps(self) -> int:
        """How many steps the sampler takes."""

    @property
    def spacing(self) -> str:
        """How the steps are spaced."""

    @property
    def times(self) -> Tensor:
        """The request's times, float64 (steps + 1,), from 1 to 0."""

    def check_posterior_mean(self, what: str) -> None:
        """Raise InkseedError if `what` needs a denoiser that predicts E[x_0 | x_t] and has none."""

    def images(self, z: Tensor, keys: Sequence[Key], condition: Condition | None = None) -> Tensor:
        """Unit noise (M, C, H, W) -> images in [-1, 1], not clipped."""

    def guesses(
        self,
        z: Tensor,
        keys: Sequence[Key],
        steps: int | None,
        condition: Condition | None = None,
    ) -> Tensor:
        """The x_0 predicted after `steps` steps; for None, the finished images."""

    def ddim(self, z: Tensor, steps: int, condition: Condition | None = None) -> Tensor:
        """Unit noise (M, C, H, W) -> images by unguided DDIM; `undo` is its inverse."""

    def undo(self, x: Tensor, steps: int, condition: Condition | None = None) -> Tensor:
        """Images (M, C, H, W), as `ddim` left them -> the unit noise that DDIM inverts them to."""
