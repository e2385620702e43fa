"""Fine-tuning: a new run that begins at a trained model's weights, whatever the new labels are."""

from pathlib import Path
from typing import Any

import torch

from inkseed.errors import InkseedError
from inkseed.files import sha256
from inkseed.model import load
from inkseed.nn import ContextUnet, PatchUnet, network_from
from inkseed.weights import find_model

LABELS = "label.weight"  # a row for each class, and one for no label


def start_from(name: str | Path, config: dict[str, Any]) -> ContextUnet | PatchUnet:
    """A network for `config` with the weights of the model `name`; `config` takes its settings.

    The model's network, schedule and prediction replace those in `config`, whose training tells
    what it went on from. Labels that both know keep what the model learned of them; new ones begin
    as no label does.
    Raises InkseedError for a model that is missing, or whose labels cannot be exchanged.
    """
    model = load(name)
    known, wanted = model.class_names, tuple(config["class_names"])
    config["schedule"] = model.config["schedule"]
    config["prediction"] = model.config.get("prediction", {"name": "eps"})
    before = model.config["training"]
    earlier = before.get("from", {}).get("images_seen", 0)
    config["training"]["from"] = {
        "sha256": sha256(find_model(name)),
        "recipe": before.get("recipe"),
        "images_seen": before.get("images_seen", 0) + earlier,
    }
    config["network"] = {**model.config["network"], "n_classes": len(wanted)}
    network = network_from(config["network"])
    weights = model.network.state_dict()
    if known != wanted:
        if LABELS not in weights:
            raise InkseedError(
                f"{name} knows other labels and cannot learn new ones: train without --from"
            )
        nothing = weights[LABELS][-1]
        rows = [weights[LABELS][known.index(each)] if each in known else nothing for each in wanted]
        weights[LABELS] = torch.stack([*rows, nothing])
    network.load_state_dict(weights)
    return network
