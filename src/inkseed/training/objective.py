"""The loss of a run: that of its model's prediction, at the times that its recipe draws."""

from collections.abc import Callable

from torch import Tensor

from inkseed.diffusion.loss import TrainingLoss
from inkseed.diffusion.predictions import denoiser_from
from inkseed.diffusion.training_times import times_from
from inkseed.model.config import ModelConfig
from inkseed.training.recipes import Recipe


def loss_of_run(
    network: Callable[..., Tensor], config: ModelConfig, recipe: Recipe
) -> TrainingLoss:
    """The loss of `network`, which predicts what the model's configuration says.

    Raises InkseedError or TypeError for an impossible prediction, schedule or choice of times.
    """
    denoiser = denoiser_from(network, config.schedule, config.prediction)
    times = times_from(recipe.times or denoiser.usual_times, recipe.p_mean, recipe.p_std)
    return TrainingLoss(denoiser, times, recipe.drop_prob)
