"""What changes as a run goes on and must outlive the process: weights, averages, optimiser."""

import dataclasses
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from inkseed.checkpoint import load_tensors, save_tensors
from inkseed.errors import InkseedError
from inkseed.model.config import ModelConfig
from inkseed.model.model import Model
from inkseed.model.sampling import settle
from inkseed.nn import Network, network_from
from inkseed.nn.precision import place
from inkseed.rng import Purpose, stream
from inkseed.training.ema import WeightAverages
from inkseed.training.objective import objective_of
from inkseed.training.optimizer import Optimizer
from inkseed.training.paths import FROZEN
from inkseed.training.recipes import Recipe
from inkseed.training.room import check_batch, check_weights
from inkseed.training.warm_start import start_from


@dataclasses.dataclass
class Run:
    """A network in training, and what it needs to continue."""

    network: Network
    averages: WeightAverages
    optimizer: Optimizer
    config: ModelConfig
    device: torch.device
    step: int = 0

    @classmethod
    def fresh(
        cls, recipe: Recipe, config: ModelConfig, device: torch.device, begin: Model | None
    ) -> "Run":
        """A run that has not begun; raises InkseedError for a recipe that describes no network."""
        if begin is None:
            check_weights(config.network, recipe)
        with torch.random.fork_rng(devices=[]):  # torch's initialisers take no generator
            torch.manual_seed(stream(recipe.seed, Purpose.INITIAL).initial_seed())
            if begin is not None:
                network, config = start_from(begin, config, bool(recipe.teacher))
            else:
                network = network_from(config.network)
        denoiser = objective_of(network, config, recipe).loss.denoiser
        settle(config.sampling, denoiser.schedule)
        network = place(network, device)
        if recipe.teacher:
            for name, parameter in network.named_parameters():
                parameter.requires_grad_(name.split(".")[0] not in FROZEN)
        check_batch(network, (network.in_channels, *config.image_size), recipe)
        optimizer = Optimizer(recipe, network)
        averages = WeightAverages(recipe.ema, network.state_dict())
        return cls(network, averages, optimizer, config, device)

    def save(self, path: Path, recipe: Recipe) -> None:
        """Write the state to go on from; raises InkseedError for weights that are not finite."""
        self.describe(recipe)
        tensors = {f"network.{k}": v for k, v in self.network.state_dict().items()}
        if not all(tensor.isfinite().all() for tensor in tensors.values()):
            raise InkseedError(
                f"the weights are not finite after step {self.step}: lower learning_rate, in a new"
                " folder"
            )
        tensors |= self.optimizer.tensors() | self.averages.tensors()
        save_tensors(path, tensors, self.config.plain())

    def describe(self, recipe: Recipe) -> None:
        """Tell the configuration how far the run has come."""
        facts = {
            "settings": dataclasses.asdict(recipe),
            "step": self.step,
            "images_seen": self.step * recipe.batch_size,
            "date": datetime.now(UTC).date().isoformat(),
        }
        self.config = self.config.trained(facts)

    def restore(self, path: Path) -> None:
        """Continue from the state at `path`. Raises InkseedError if it is not this run's."""
        tensors, told = load_tensors(path)
        step = ModelConfig.of(told, str(path)).training.get("step")
        own = {f"network.{name}": each for name, each in self.network.state_dict().items()}
        shapes = {name: each.shape for name, each in (own | self.averages.tensors()).items()}
        shapes |= self.optimizer.shapes()
        if step is None or shapes != {name: each.shape for name, each in tensors.items()}:
            raise InkseedError(
                f"{path} does not fit its run's settings: start again in a new folder"
            )
        self.network.load_state_dict(part_of(tensors, "network"))
        self.optimizer.restore(tensors)
        self.averages.restore(tensors)
        self.step = step


def weights_of_state(tensors: dict[str, Tensor], config: dict[str, Any]) -> dict[str, Tensor]:
    """The weights in a training state to draw with: the first average, if there is one."""
    averages = config["training"]["settings"]["ema"]
    return part_of(tensors, f"ema.{averages[0]}" if averages else "network")


def part_of(tensors: dict[str, Tensor], part: str) -> dict[str, Tensor]:
    """The weights in a training state under the name `part`."""
    prefix = f"{part}."
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
