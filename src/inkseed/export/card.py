"""What the page in a browser is told of a model: a table of plain values, and its weights."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from inkseed.data.mnist import DIGITS
from inkseed.data.pairs import CANVAS, CELL, PAIRS
from inkseed.data.style import POSITIVE
from inkseed.errors import InkseedError
from inkseed.judges import judge_a
from inkseed.model.model import Model
from inkseed.model.sampling import SamplingOptions
from inkseed.nn import PatchUnet
from inkseed.registry import PREDICTIONS
from inkseed.writing.number import guidance_of

SAMPLERS = ("ancestral", "consistency", "ddim", "dpm_solver", "dpm_solver_sde", "heun")
PREDICTED = ("eps", "v", "x0", "edm", "consistency")
MOST_JUMPS, MOST_STEPS = 8, 20  # that the page offers, of a consistency model and of others
MOST_GUIDE_W = 4.0  # that the page offers, unless the network was taught less
IN_CARD = {"frequencies", "style_moments"}  # small, and not to be rounded
LEFT_OUT = ("bend.",)  # what only training needs
PIXELS = CELL * CELL


@dataclass(frozen=True)
class Card:
    """A model as the page has it.

    Attributes:
        facts: plain values for JSON; `tensors` lists what `weights` are, in order.
        weights: all tensors as 16-bit floats, one after the other, little-endian.
    """

    facts: dict[str, Any]
    weights: bytes


def card_of(model: Model, name: str, with_judge: bool = True) -> Card:
    """What the page is told of a model called `name`, with judge A if it can read its digits.

    Raises InkseedError for a model that the page cannot run.
    """
    network = model.network
    if not isinstance(network, PatchUnet):
        raise InkseedError(
            f"the page runs PatchUnet networks only, and {name} is a {type(network).__name__}:"
            " give another --model, such as digits-fast"
        )
    _check(model, name)
    tensors = {
        key: each
        for key, each in network.state_dict().items()
        if key not in IN_CARD and not key.startswith(LEFT_OUT)
    }
    judge = with_judge and model.class_names == DIGITS and model.image_size == (CELL, CELL)
    if judge:
        tensors |= judge_tensors()
    halves = {key: each.float().cpu().half().numpy() for key, each in tensors.items()}
    if not all(np.isfinite(each).all() for each in halves.values()):
        raise InkseedError(f"{name} has weights that 16-bit floats cannot hold")
    facts = {
        "name": name,
        "classes": list(model.class_names),
        "size": list(model.image_size),
        "room": math.ceil(math.prod(model.image_size) * max(_widths(network)) / (PIXELS * 192)),
        "network": _network(network, model),
        "prediction": model.config.prediction,
        "sampling": _sampling(model),
        "styles": [
            {"name": key, "mean": mean, "deviation": deviation, "positive": key in POSITIVE}
            for key, (mean, deviation) in sorted(model.styles.items())
        ],
        "mnist": "MNIST" in str(model.config.training.get("data")),
        "judge": judge,
        "tensors": [[key, each.size] for key, each in halves.items()],
    }
    return Card(facts, b"".join(each.astype("<f2").tobytes() for each in halves.values()))


def judge_tensors() -> dict[str, Tensor]:
    """Judge A's layers, each with the normalisation after it folded in: `judge.0.weight` ...."""
    layers: list[tuple[Tensor, Tensor]] = []
    for layer in judge_a().network:
        if isinstance(layer, torch.nn.Linear):
            layers.append((layer.weight, layer.bias))
        elif isinstance(layer, torch.nn.Conv2d):
            layers.append((layer.weight, torch.zeros(layer.out_channels)))
        elif isinstance(layer, torch.nn.BatchNorm2d):
            state = layer.state_dict()
            scale = state["weight"] / (state["running_var"] + layer.eps).sqrt()
            weight, _ = layers.pop()
            bias = state["bias"] - state["running_mean"] * scale
            layers.append(((weight * scale[:, None, None, None]).contiguous(), bias))
    return {
        f"judge.{k}.{name}": part
        for k, pair in enumerate(layers)
        for name, part in zip(("weight", "bias"), pair, strict=True)
    }


def _check(model: Model, name: str) -> None:
    """Raise InkseedError for a model that the page could not draw with as Python does."""
    how, prediction = model.settings(), model.config.prediction.get("name")
    single = all(len(each) == 1 for each in model.class_names)
    pairs = model.class_names == PAIRS and model.image_size == CANVAS
    if how.sampler not in SAMPLERS:
        problem = f"its sampler {how.sampler} is none of {', '.join(SAMPLERS)}"
    elif prediction not in PREDICTED:
        known = set(PREDICTED) & set(PREDICTIONS.names())
        problem = f"its prediction {prediction} is none of {', '.join(sorted(known))}"
    elif model.shape[0] != 1:
        problem = f"its images have {model.shape[0]} channels, not 1"
    elif not (single or pairs):
        problem = "its labels are neither single characters nor 00 to 99 at 28x56"
    else:
        return
    raise InkseedError(f"the page cannot run {name}: {problem}")


def _widths(network: PatchUnet) -> tuple[int, int]:
    return network.into.out_channels, network.shrink.out_channels


def _network(network: PatchUnet, model: Model) -> dict[str, Any]:
    moments = network.style_moments.tolist()
    names = sorted(model.config.network.get("styles") or {})
    return {
        "widths": list(_widths(network)),
        "blocks": len(network.down_high),
        "places": network.places,
        "base": network.base,
        "waves": network.where.in_features if network.where is not None else 0,
        "hand": len(network.hand_mean) if network.hand is not None else 0,
        "frequencies": network.frequencies.tolist(),
        "styles": [
            {"name": name, "mean": mean, "deviation": deviation}
            for name, (mean, deviation) in zip(names, moments, strict=True)
        ],
    }


def _sampling(model: Model) -> dict[str, Any]:
    """How the page draws: the model's own settings, and the levels of every number of steps."""
    guide_w = guidance_of(model, None)
    own = model.settings(guide_w=guide_w)
    taught = getattr(model.network, "most_guide_w", 0.0)
    least, most = (1, MOST_JUMPS) if own.sampler == "consistency" else (2, MOST_STEPS)
    low, high = own.guide_interval
    counts = sorted({*range(least, most + 1), own.steps})
    return {
        "sampler": own.sampler,
        "eta": model.schedule.eta,
        "steps": own.steps,
        "guideW": guide_w,
        "ownGuideW": model.settings().guide_w,
        "mostGuideW": taught or max(MOST_GUIDE_W, guide_w),
        "taught": own.taught,
        "unguided": model.config.drop_prob == 0 and not taught,
        "interval": [low, None if math.isinf(high) else high],
        "startScale": model.schedule.start_scale,
        "levels": {steps: _levels(model, steps) for steps in counts},
    }


def _levels(model: Model, steps: int) -> list[tuple[float, float, float]]:
    """(t, alpha, sigma) at each time of so many steps."""
    times = model.settle(SamplingOptions(steps=steps)).times(model.schedule)
    return [(float(t), *model.schedule.level(t)) for t in times]
