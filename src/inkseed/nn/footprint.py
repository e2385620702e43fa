"""How much memory and work a network takes for an image, found out on one small image."""

from collections.abc import Callable
from typing import Any, cast

import torch
from torch import Tensor, nn

from inkseed.nn.network import Network

SIDE = 32  # pixels of the image that is tried, at most: memory grows with the pixels
DRAWING = 0.5  # of what all layers put out is there at once (measured: a quarter to two fifths)
LEARNING = 2.2  # times what they put out, with gradients (measured: 1.3 to 2.1)
FLOAT = 4  # bytes


def layer_bytes(network: Network, shape: tuple[int, int, int]) -> int:
    """The bytes of what all layers put out for one image (C, H, W) in float32.

    0 if nobody knows: a network of one's own may take other inputs, or have no layers.
    """
    return _over_layers(network, shape, lambda layer, read, output: FLOAT * output.numel())


def multiplications(network: Network, shape: tuple[int, int, int]) -> int:
    """How many numbers its layers multiply by weights for one image (C, H, W).

    0 if nobody knows. torch's FlopCounterMode finds out as much, after seconds of imports.
    """

    def count(layer: nn.Module, read: Any, output: Tensor) -> int:
        weight = getattr(layer, "weight", None)
        if not isinstance(weight, Tensor) or weight.ndim < 2:  # a mere scale
            return 0
        rows = read[0] if getattr(layer, "transposed", False) else output
        return int(rows.numel()) * weight[0].numel()

    return _over_layers(network, shape, count)


@torch.no_grad()
def _over_layers(
    network: Network,
    shape: tuple[int, int, int],
    of: Callable[[nn.Module, Any, Tensor], int],
) -> int:
    """The sum over all layers of something that grows with the pixels; 0 if nobody knows."""
    module, sizes = cast(nn.Module, network), []

    def note(layer: nn.Module, read: Any, output: Any) -> None:
        sizes.append(of(layer, read, output) if isinstance(output, Tensor) else 0)

    channels, height, width = shape
    tried = (channels, min(height, SIDE), min(width, SIDE))
    device = next(network.parameters()).device
    x, none = torch.zeros(1, *tried, device=device), torch.zeros(1, device=device)
    layers = [each for each in module.modules() if not any(True for _ in each.children())]
    hooks = [each.register_forward_hook(note) for each in layers]
    learning = module.training
    try:
        module.eval()  # so that no running mean moves
        module(x, none.long(), none, none)
    except Exception:  # a network of the user's own
        return 0
    finally:
        module.train(learning)
        for hook in hooks:
            hook.remove()
    return round(sum(sizes) * height * width / (tried[1] * tried[2]))
