"""The optimiser: AdamW, or Muon for the matrices inside a network and AdamW for the rest.

Muon (K. Jordan, 2024; arXiv 2502.16982) takes steps of equal size in all directions of a weight
matrix. Both use AdamW's learning rate: torch scales Muon's steps to the same mean square.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from inkseed.nn import Network
from inkseed.training.recipes import Recipe


class Optimizer:
    """The optimisers of a recipe for a network's parameters, as one.

    Under "muon" a convolution is treated as the matrix (out, height x width x in), a transposed one
    as (in, height x width x out). The `edges` of the network, its first and last layers and its
    embeddings, stay with AdamW.
    """

    def __init__(self, recipe: Recipe, network: Network) -> None:
        self.parameters = dict(network.named_parameters())
        self.matrices: dict[str, nn.Parameter] = {}
        if recipe.optimizer == "muon":
            edges = getattr(network, "edges", ())
            self.matrices = {
                name: nn.Parameter(_as_matrix(parameter.data))
                for name, parameter in self.parameters.items()
                if parameter.ndim in (2, 4) and name.split(".")[0] not in edges
            }
        self.others = {k: p for k, p in self.parameters.items() if k not in self.matrices}
        rate, decay = recipe.learning_rate, recipe.weight_decay
        betas = (0.9, recipe.adam_beta2)
        self.adamw = torch.optim.AdamW(
            self.others.values(), rate, betas, weight_decay=decay, fused=True
        )
        self.all: list[torch.optim.Optimizer] = [self.adamw]
        if self.matrices:
            self.muon = torch.optim.Muon(
                self.matrices.values(), rate, decay, adjust_lr_fn="match_rms_adamw"
            )
            self.all.append(self.muon)

    def step(self, rate: float) -> None:
        """Update all weights by their gradients, at the learning rate `rate`."""
        for name, matrix in self.matrices.items():
            parameter = self.parameters[name]
            # looked up each time, since sharing a network among processes moves its weights
            matrix.data = _as_matrix(parameter.data)
            matrix.grad = None if parameter.grad is None else _as_matrix(parameter.grad)
        for each in self.all:
            for group in each.param_groups:
                group["lr"] = rate
            each.step()

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
        for name, matrix in self.matrices.items():
            found[f"muon.{name}"] = self.muon.state[matrix]["momentum_buffer"]
        return found

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Restore what `tensors` returned. Raises KeyError if some are missing."""
        for name, parameter in self.others.items():
            # the fused update reads raw memory: moments must be laid out like their parameter
            moments = {
                key: torch.empty_like(parameter).copy_(tensors[f"adam.{key}.{name}"])
                for key in ("exp_avg", "exp_avg_sq")
            }
            step = tensors[f"adam.step.{name}"].to(parameter.device)
            self.adamw.state[parameter] = {"step": step, **moments}
        for name, matrix in self.matrices.items():
            momentum = torch.empty_like(matrix).copy_(tensors[f"muon.{name}"])
            self.muon.state[matrix] = {"momentum_buffer": momentum}


def _as_matrix(weights: Tensor) -> Tensor:
    """(a, b, H, W) -> (a, H x W x b), the same memory, which must be in `place`'s layout."""
    return weights if weights.ndim == 2 else weights.permute(0, 2, 3, 1).view(len(weights), -1)
