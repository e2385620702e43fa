"""Whether a run fits in memory: weights, with all that is kept of them, and a batch of images."""

import math
import os
from collections.abc import Mapping
from typing import Any

import torch

from inkseed import memory
from inkseed.data.pairs import CANVAS
from inkseed.nn import Network, network_from
from inkseed.nn.footprint import FLOAT, LEARNING, layer_bytes
from inkseed.training.recipes import Recipe

MOMENTS = 2  # of AdamW for each weight; Muon has one
COMPOSING, RESIZING = 5_000, 10_000  # bytes an image, measured
PATHS = 2  # the states as they are walked, and as they are mixed
RESIZED = 14  # bytes a pixel of an image that is resized


def check_weights(settings: Mapping[str, Any], recipe: Recipe) -> None:
    """Raise InkseedError unless the run of a network with these settings can hold its weights.

    The network is not built: it would take its memory. Saving a state writes it from a copy.
    """
    with torch.device("meta"):
        network = network_from(settings)
    held = kept_bytes(network, recipe)
    count = sum(each.numel() for each in network.parameters())
    with_averages = f" and {len(recipe.ema)} averages" if recipe.ema else ""
    memory.require(
        2 * held,
        f"a network of {count / 1e6:,.1f} million weights with its optimiser{with_averages}",
        "take a smaller network or fewer averages",
    )


def check_batch(network: Network, shape: tuple[int, int, int], recipe: Recipe) -> None:
    """Raise InkseedError unless this process can learn from its share of a batch of (C, H, W).

    What a batch takes on a GPU is left to torch, which says so and stops.
    """
    if next(network.parameters()).device.type != "cpu":
        return
    count = recipe.batch_size // int(os.environ.get("WORLD_SIZE", "1"))  # as torchrun sets it
    each = LEARNING * layer_bytes(network, shape) + 1
    if recipe.teacher:  # whose paths are walked whole, and then mixed
        each += PATHS * FLOAT * math.prod(shape) * recipe.path_steps
    memory.require_each(
        count, each, f"a batch of {count:,} images", fixed=2 * kept_bytes(network, recipe)
    )


def check_composites(count: int, size: tuple[int, int]) -> None:
    """Raise InkseedError unless a pass of so many two-digit images fits in memory."""
    each = COMPOSING
    if size != CANVAS:
        each += RESIZING + RESIZED * size[0] * size[1]
    memory.require_each(count, each, f"a pass of {count:,} images of {size[0]}x{size[1]}")


def kept_bytes(network: Network, recipe: Recipe) -> int:
    """The bytes of a network's weights, their averages, their gradients and the optimiser's."""
    weights = sum(each.nbytes for each in network.state_dict().values())
    learned = sum(each.nbytes for each in network.parameters())
    return weights * (1 + len(recipe.ema)) + learned * (1 + MOMENTS)
