"""Fine-tuning: a new run that begins at a trained model's weights, whatever the new labels are."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from inkseed.errors import InkseedError
from inkseed.files import sha256
from inkseed.model.loading import load
from inkseed.model.weights import find_model
from inkseed.nn import Network, network_from

OF_IMAGES = ("places", "waves")  # settings of a network that its images decide, not its past
LABELS = "label.weight"  # a row for each class (or each digit of several places), one for none


def start_from(name: str | Path, config: dict[str, Any]) -> Network:
    """A network for `config` with the weights of the model `name`; `config` takes its settings.

    The model's network, schedule and prediction replace those in `config`, whose training tells
    what it went on from. Labels that both know keep what the model learned of them; new ones begin
    as no label does. A label of several digits keeps what was learned of each of them.
    Raises InkseedError for a model that is missing, or whose labels cannot be exchanged.
    """
    model = load(name)
    places = config["network"].get("places", 1)
    known = symbols(model.class_names, model.config["network"].get("places", 1))
    wanted = symbols(config["class_names"], places)
    config["schedule"] = model.config["schedule"]
    config["prediction"] = model.config.get("prediction", {"name": "eps"})
    before = model.config["training"]
    earlier = before.get("from", {}).get("images_seen", 0)
    config["training"]["from"] = {
        "sha256": sha256(find_model(name)),
        "recipe": before.get("recipe"),
        "images_seen": before.get("images_seen", 0) + earlier,
    }
    own = {key: config["network"][key] for key in OF_IMAGES if key in config["network"]}
    kept = {k: v for k, v in model.config["network"].items() if k not in OF_IMAGES}
    config["network"] = {**kept, "n_classes": len(config["class_names"]), **own}
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
    fresh = network.state_dict()
    known_here = {k: v for k, v in weights.items() if k in fresh and v.shape == fresh[k].shape}
    network.load_state_dict({**fresh, **known_here})
    return network


def symbols(names: Sequence[str], places: int) -> tuple[str, ...]:
    """What the rows of a table of labels stand for: the classes, or the digits of their places."""
    if places == 1:
        return tuple(names)
    return tuple(name[-1] for name in names[: round(len(names) ** (1 / places))])
