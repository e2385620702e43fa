"""What a training step makes small, whatever the network predicts."""

from dataclasses import dataclass

import torch
from torch import Tensor

from inkseed.diffusion.condition import Condition
from inkseed.diffusion.denoiser import NetworkDenoiser
from inkseed.diffusion.training_times import TrainingTimes

EVERY = slice(None)


@dataclass(frozen=True)
class TrainingLoss:
    """A batch gets times, noise and dropped conditions; its loss is its denoiser's own.

    `drop_prob` is the chance that an image loses its condition, so that guidance has something to
    compare with.
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
        """The scalar loss of clean images x_0 (N, C, H, W) with their conditions.

        All randomness comes from `generator`, on the CPU whatever the device; None is torch's own.
        Only the images in `part` are evaluated, though randomness is drawn for all: a batch that
        processes share is the same batch.
        """
        t = self.times(self.denoiser.schedule, len(x_0), generator)[part]
        eps = torch.randn(x_0.shape, generator=generator, dtype=x_0.dtype).to(x_0.device)[part]
        told = condition.drop(self.drop_prob, generator)[part]
        return self.denoiser.loss(x_0[part], eps, t, told)
