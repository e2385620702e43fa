"""What a training step minimises, whatever the network predicts."""

from dataclasses import dataclass

import torch
from torch import Tensor

from inkseed.diffusion.condition import Condition
from inkseed.diffusion.denoiser import NetworkDenoiser
from inkseed.diffusion.training_times import TrainingTimes

EVERY = slice(None)


@dataclass(frozen=True)
class TrainingLoss:
    """Draws times, noise and dropped conditions for a batch, and takes the denoiser's own loss.

    `drop_prob` is the chance that an image loses its condition, which guidance needs.
    """

    denoiser: NetworkDenoiser
    times: TrainingTimes
    drop_prob: float

    def __call__(
        self,
        x_0: Tensor,
        condition: Condition,
        generator: torch.Generator | None = None,
        part: slice = EVERY,
    ) -> Tensor:
        """The loss, a scalar, of clean images x_0 (N, C, H, W) with their conditions.

        All randomness comes from `generator`, on the CPU whatever the device; None is torch's own.
        It is drawn for all images, but only those in `part` are evaluated, so that processes can
        share a batch without changing it.
        """
        t = self.times(self.denoiser.schedule, len(x_0), generator)[part]
        eps = torch.randn(x_0.shape, generator=generator, dtype=x_0.dtype).to(x_0.device)[part]
        told = condition.drop(self.drop_prob, generator)[part]
        return self.denoiser.loss(x_0[part], eps, t, told)
