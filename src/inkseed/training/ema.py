"""Exponential moving averages of a network's weights, of several lengths at once.

Averaged weights draw better images than the weights themselves; how much better depends on the
length of the average (Karras et al., arXiv 2312.02696).
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor


class WeightAverages:
    """A running average of some weights for each decay; all start from the weights themselves.

    After step i (from 0) an average takes `1 - min(decay, (1 + i) / (10 + i))` of the new weights,
    so that a young average forgets where it started.
    """

    def __init__(self, decays: Sequence[float], weights: Mapping[str, Tensor]) -> None:
        self.averages: dict[float, dict[str, Tensor]] = {
            decay: {name: tensor.detach().clone() for name, tensor in weights.items()}
            for decay in decays
        }

    @torch.no_grad()
    def update(self, step: int, weights: Mapping[str, Tensor]) -> None:
        """Include the weights after step `step`; integers are copied, not averaged."""
        for decay, average in self.averages.items():
            kept = min(decay, (1 + step) / (10 + step))
            floats = [name for name in average if weights[name].is_floating_point()]
            torch._foreach_lerp_(
                [average[name] for name in floats], [weights[name] for name in floats], 1 - kept
            )
            for name in average.keys() - set(floats):
                average[name].copy_(weights[name])

    def tensors(self) -> dict[str, Tensor]:
        """All averages as one flat dict, for a training state."""
        return {
            f"ema.{d}.{k}": v for d, average in self.averages.items() for k, v in average.items()
        }

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Restore what `tensors` returned."""
        for decay, average in self.averages.items():
            for name, tensor in average.items():
                tensor.copy_(tensors[f"ema.{decay}.{name}"])
