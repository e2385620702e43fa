"""What a run makes small: the loss of its model's prediction, of images with or without hands."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from inkseed.diffusion.denoiser import Noising
from inkseed.diffusion.loss import TrainingLoss
from inkseed.diffusion.predictions import denoiser_from
from inkseed.diffusion.training_times import times_from
from inkseed.errors import InkseedError
from inkseed.model.config import ModelConfig
from inkseed.nn.precision import autocast
from inkseed.training.batches import Batch
from inkseed.training.bends import bent
from inkseed.training.fellows import HandDigits, with_free
from inkseed.training.recipes import Recipe

TEMPERATURE = 0.1  # of the contrast between hands


@dataclass(frozen=True)
class Drawn:
    """A batch with everything that is random in its step, so that a device has but to compute."""

    batch: Batch  # some of its condition is dropped already
    noising: Noising

    def to(self, device: torch.device) -> "Drawn":
        """The same on another device."""
        return Drawn(self.batch.to(device), self.noising.to(device))


@dataclass(frozen=True)
class Objective:
    """The loss of a run's batches.

    Attributes:
        loss: times, noise and dropped conditions, and what its denoiser makes small.
        encoder: reads the digits of a hand; None for networks without hands.
        contrast: how much telling hands apart counts beside drawing.
    """

    loss: TrainingLoss
    encoder: Callable[[Tensor], Tensor] | None = None
    contrast: float = 0.0

    def draw(self, batch: Batch, generator: torch.Generator) -> Drawn:
        """Draw all that is random, on the CPU, whatever the device and the number of processes."""
        noising, told = self.loss.draw(batch.x, batch.condition, generator, batch.others)
        return Drawn(replace(batch, condition=told), noising)

    def __call__(self, drawn: Drawn, part: slice = slice(None)) -> Tensor:
        """The scalar loss of the images in `part`; hands are read for all, and told apart."""
        x, told, hands = drawn.batch.x, drawn.batch.condition, drawn.batch.hands
        apart, others = x.new_zeros(()), drawn.batch.others[:, None]
        if told.bend is not None:
            x = bent(x, told.bend)
        if hands is not None and self.encoder is not None and told.bend is not None:
            hand, apart = self._hands(x, hands, told.bend * others)
            free = told.free_label[: len(hand), None]
            hand = with_free(hand.masked_fill(free, torch.nan), len(x))
            # an image that passes for another writer's is not told how that came about
            told_bend = told.bend.masked_fill(others, 0.0)
            told = replace(told, hand=hand, bend=told_bend)
        return self.loss.denoiser.loss(x[part], drawn.noising[part], told[part]) + apart

    def _hands(self, x: Tensor, digits: HandDigits, bend: Tensor) -> tuple[Tensor, Tensor]:
        """The hands of the first images, (h, length + 1), and the loss of telling them apart.

        `bend` (N, 6) is how the digits of an image's hand are bent, 0 where they are not.
        An image's own code is to be more like its hand than like any other's (InfoNCE: van den Oord
        et al., arXiv 1807.03748). Images of several digits have no code.
        """
        assert self.encoder is not None
        given = len(digits.counts)
        hands = digits.read(self.encoder, bent(digits.digits, bend[digits.owner]))
        if not self.contrast or x.shape[-2:] != digits.digits.shape[-2:]:
            return hands, x.new_zeros(())
        with autocast(x.device):
            own = self.encoder(x[:given]).float()
        own = nn.functional.layer_norm(own, own.shape[1:])
        alike = own @ hands[:, :-1].T / (own.shape[1] * TEMPERATURE)
        right = torch.arange(given, device=x.device)
        return hands, self.contrast * nn.functional.cross_entropy(alike, right)


def objective_of(
    network: Callable[..., Tensor],
    config: ModelConfig,
    recipe: Recipe,
    encoder: Callable[[Tensor], Tensor] | None = None,
) -> Objective:
    """The objective of `network`, which predicts what the model's configuration says.

    `encoder` is the network's own, unless one is given: a compiled network shows none.

    Raises InkseedError for an impossible prediction, schedule or choice of times.
    """
    denoiser = denoiser_from(network, config.schedule, config.prediction)
    times = times_from(recipe.times or denoiser.usual_times, recipe.p_mean, recipe.p_std)
    loss = TrainingLoss(denoiser, times, recipe.drop_prob)
    if recipe.hands and encoder is None:
        encoder = getattr(network, "encoder", None)
        if encoder is None:
            raise InkseedError("recipe: hands need a network that knows them: hand = 64 in it")
    return Objective(loss, encoder if recipe.hands else None, recipe.contrast)
