"""Fine-tuning: start a run from a trained model's weights, whatever the new labels are."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch

from inkseed.data.style import REACH
from inkseed.errors import InkseedError
from inkseed.model.config import ModelConfig
from inkseed.model.model import Model
from inkseed.nn import Network, network_from

OF_THE_RUN = ("places", "waves", "guide")  # settings of a network that depend on what it is for
LABELS = "label.weight"  # a row per class (or digit of several places), and one for none
SPREAD = 3.0  # deviations from the mean, within which nearly all data lie
SCALES = "style_moments"  # a row for each style, in alphabetical order

Moments = Mapping[str, Sequence[float]]


def start_from(
    model: Model, config: ModelConfig, teaches: bool = False
) -> tuple[Network, ModelConfig]:
    """A network for `config` with the weights of `model`, and its configuration.

    The model's network, schedule and prediction replace those in `config`, whose `training` then
    records the model; a student of the model keeps the kind of its own prediction. Labels that the
    model knows keep what it learned; new ones start as the null label. A label of several digits
    keeps what was learned of each digit. Styles keep their scales, if those can distinguish the
    styles of the new data. Raises InkseedError for labels that cannot be exchanged.
    """
    known = symbols(model.class_names, model.config.network.get("places", 1))
    wanted = symbols(config.class_names, config.network.get("places", 1))
    before = model.config.training
    earlier = before.get("from", {}).get("images_seen", 0)
    begun = {
        "sha256": model.weights_sha256,
        "recipe": before.get("recipe"),
        "images_seen": before.get("images_seen", 0) + earlier,
    }
    own = {key: config.network[key] for key in OF_THE_RUN if key in config.network}
    kept = {k: v for k, v in model.config.network.items() if k not in OF_THE_RUN}
    taught = kept.get("styles") or {}
    if taught:
        own["styles"] = scales(taught, config.styles)
    prediction = dict(model.config.prediction)
    if teaches:
        own["name"], prediction["name"] = config.network["name"], config.prediction["name"]
    config = replace(
        config.trained({"from": begun}),
        network={**kept, "n_classes": len(config.class_names), **own},
        schedule=model.config.schedule,
        prediction=prediction,
    )
    network = network_from(config.network)
    weights, fresh = model.network.state_dict(), network.state_dict()
    if known != wanted:
        if LABELS not in weights:
            raise InkseedError(
                "the model's network can learn no labels but its own: train without --from"
            )
        nothing = weights[LABELS][-1]
        rows = [weights[LABELS][known.index(each)] if each in known else nothing for each in wanted]
        weights[LABELS] = torch.stack([*rows, nothing])
    if taught:  # kept scales keep the precision that they have in the weights
        same = [own["styles"][name] == taught[name] for name in sorted(taught)]
        weights[SCALES] = torch.where(torch.tensor(same)[:, None], weights[SCALES], fresh[SCALES])
    known_here = {k: v for k, v in weights.items() if k in fresh and v.shape == fresh[k].shape}
    network.load_state_dict({**fresh, **known_here})
    return network, config


def scales(taught: Moments, data: Moments) -> dict[str, Sequence[float]]:
    """The (mean, deviation) by which the network scales each style: as `taught`, or the data's.

    A network can distinguish styles within `REACH` deviations of its mean. If the new data lie
    within, it keeps its scale. Otherwise it would see no difference between different styles; such
    a style is scaled by the new data's moments, and has to be learned again.
    """
    found = {}
    for name, (mean, deviation) in taught.items():
        own_mean, own_deviation = data[name]
        within = abs(own_mean - mean) + SPREAD * own_deviation <= REACH * deviation
        found[name] = taught[name] if within else data[name]
    return found


def symbols(names: Sequence[str], places: int) -> tuple[str, ...]:
    """What the rows of a label table stand for: classes, or the digits of several places."""
    if places == 1:
        return tuple(names)
    return tuple(name[-1] for name in names[: round(len(names) ** (1 / places))])
