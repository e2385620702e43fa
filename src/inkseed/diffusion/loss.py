"""What a training step minimises, whatever the network predicts."""

from dataclasses import dataclass

import torch
from torch import Tensor

from inkseed.diffusion.condition import Condition
from inkseed.diffusion.denoiser import NetworkDenoiser, Noising
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
        noising, told = self.draw(x_0, condition, generator)
        device = x_0.device
        return self.denoiser.loss(x_0[part], noising[part].to(device), told[part].to(device))

    def draw(
        self,
        like: Tensor,
        condition: Condition,
        generator: torch.Generator | None = None,
        keep: Tensor | None = None,
    ) -> tuple[Noising, Condition]:
        """Everything that is random in a step, on the CPU.

        Args:
            like: images (N, C, H, W), whose shape and type the noise takes.
            condition: what they are.
            generator: draws, on the CPU; None is torch's own.
            keep: bool (N,), the images that never lose their condition.

        Returns:
            What is done to the images, and what the network is told of them.
        """
        t = self.times(self.denoiser.schedule, len(like), generator)
        eps = torch.randn(like.shape, generator=generator, dtype=like.dtype)
        chance = torch.full((len(like),), self.drop_prob)
        if keep is not None:
            chance = chance.masked_fill(keep, 0.0)
        noising = Noising.at(self.denoiser.schedule, t, eps)
        return noising, condition.drop(chance, generator)
