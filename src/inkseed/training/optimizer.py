"""What moves the weights: AdamW; or Muon for inner matrices, and AdamW for the rest."""

from collections.abc import Mapping

import torch
from torch import Tensor

from inkseed.nn import Network
from inkseed.training.muon import Muon
from inkseed.training.recipes import Recipe

MOMENTS = ("exp_avg", "exp_avg_sq")


class Optimizer:
    """The optimisers of a recipe for a network's parameters, as one.

    Under "muon" the `edges` of the network, its first and last layers and its embeddings, stay with
    AdamW. The learning rate is one for both: Muon's steps are scaled to the mean square of AdamW's.
    """

    def __init__(self, recipe: Recipe, network: Network) -> None:
        self.parameters = {k: p for k, p in network.named_parameters() if p.requires_grad}
        device = next(network.parameters()).device
        edges = getattr(network, "edges", ())
        matrices = {
            name: parameter
            for name, parameter in self.parameters.items()
            if recipe.optimizer == "muon"
            and parameter.ndim in (2, 4)
            and name.split(".")[0] not in edges
        }
        self.others = {k: p for k, p in self.parameters.items() if k not in matrices}
        self.rate = torch.zeros((), device=device)
        self.captured = device.type == "cuda"  # as part of a graph, which holds no plain number
        self.adamw = torch.optim.AdamW(
            self.others.values(),
            self.rate if self.captured else recipe.learning_rate,
            (0.9, recipe.adam_beta2),
            weight_decay=recipe.weight_decay,
            fused=True,
            capturable=self.captured,
        )
        self.muon = Muon(matrices, recipe.weight_decay)

    def at(self, rate: float) -> None:
        """Set the learning rate of the steps to come."""
        self.rate.fill_(rate)
        if not self.captured:
            for group in self.adamw.param_groups:
                group["lr"] = rate

    def step(self) -> None:
        """Move all weights by their gradients."""
        self.adamw.step()
        self.muon.step(self.rate)

    def zero_grad(self) -> None:
        """Clear the gradients."""
        for parameter in self.parameters.values():
            parameter.grad = None

    def tensors(self) -> dict[str, Tensor]:
        """The optimisers' state as one flat dict, for a training state."""
        found = {
            f"adam.{key}.{name}": value
            for name, parameter in self.others.items()
            for key, value in self.adamw.state[parameter].items()
        }
        return found | {f"muon.{name}": each for name, each in self.muon.tensors().items()}

    def shapes(self) -> dict[str, torch.Size]:
        """The shapes of what `tensors` returns once a step has been taken."""
        found = {
            f"adam.{key}.{name}": parameter.shape if key in MOMENTS else torch.Size()
            for name, parameter in self.others.items()
            for key in (*MOMENTS, "step")
        }
        return found | {f"muon.{name}": each.shape for name, each in self.muon.tensors().items()}

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Restore what `tensors` returned."""
        for name, parameter in self.others.items():
            # the fused update reads raw memory: moments must be laid out like their parameter
            moments = {
                key: torch.empty_like(parameter).copy_(tensors[f"adam.{key}.{name}"])
                for key in MOMENTS
            }
            step = tensors[f"adam.step.{name}"].to(parameter.device)
            self.adamw.state[parameter] = {"step": step, **moments}
        for name, momentum in self.muon.tensors().items():
            momentum.copy_(tensors[f"muon.{name}"])
