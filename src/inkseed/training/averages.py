"""After training: save a model for each weight average, and choose one on validation images."""

import copy
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from inkseed.checkpoint import save_tensors
from inkseed.model.config import ModelConfig
from inkseed.model.model import Model
from inkseed.nn import Network
from inkseed.training.batches import Examples
from inkseed.training.data import TrainingData
from inkseed.training.lessons import lessons_of
from inkseed.training.objective import objective_of
from inkseed.training.recipes import Recipe

ROUNDS = 4  # of noise for every validation image, since the averages differ little


def choose_average(
    network: Network,
    config: ModelConfig,
    averages: dict[str, dict[str, Tensor]],
    recipe: Recipe,
    data: TrainingData,
    out: Path,
    teacher: Model | None = None,
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Write each `averages/NAME.safetensors`; return the weights of the lowest validation loss.

    Without validation images that is the first average; without averages, the network's own
    weights. The choice and all losses are returned too, as facts for `ModelConfig.trained`.
    """
    losses = {}
    for name, weights in averages.items():
        save_tensors(out / "averages" / f"{name}.safetensors", weights, config.plain())
        if data.validation is not None:
            twin = with_weights(network, weights)
            losses[name] = _validation_loss(twin, config, recipe, data.validation, teacher)
    chosen = min(losses, key=lambda name: losses[name], default=next(iter(averages), "none"))
    rounded = {name: round(loss, 6) for name, loss in losses.items()}
    facts = {"average": chosen, "validation_loss": rounded}
    return averages.get(chosen, network.state_dict()), facts


def with_weights(network: Network, weights: dict[str, Tensor]) -> Network:
    """A copy of `network` with `weights`."""
    twin = copy.deepcopy(network)
    twin.load_state_dict(weights)
    return twin


@torch.no_grad()
def _validation_loss(
    network: Network,
    config: ModelConfig,
    recipe: Recipe,
    examples: Examples,
    teacher: Model | None,
) -> float:
    """The mean loss on held-out images, with the same noise or paths for all weights."""
    device = next(network.parameters()).device
    objective = objective_of(network.eval(), config, recipe)
    lessons = lessons_of(
        recipe, lambda _: examples, bool(config.styles), objective, teacher, choosing=True
    )
    rounds = ROUNDS if teacher is None else recipe.path_steps
    steps = -(-rounds * len(examples.images) // recipe.batch_size)
    return sum(float(objective(lessons(step).to(device))) for step in range(steps)) / steps
