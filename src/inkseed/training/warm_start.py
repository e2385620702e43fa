"""Fine-tuning: a new run that begins at a trained model's weights, whatever the new labels are."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch

from inkseed.data.style import REACH
from inkseed.errors import InkseedError
from inkseed.model.config import ModelConfig
from inkseed.model.model import Model
from inkseed.nn import Network, network_from

OF_IMAGES = ("places", "waves")  # settings of a network that its images decide, not its past
LABELS = "label.weight"  # a row for each class (or each digit of several places), one for none
SPREAD = 3.0  # deviations from the mean that next to all data lie within
SCALES = "style_moments"  # a row for each style, in alphabetical order

Moments = Mapping[str, Sequence[float]]


def start_from(model: Model, config: ModelConfig) -> tuple[Network, ModelConfig]:
    """A network for `config` with the weights of `model`, and the configuration that it has then.

    The model's network, schedule and prediction replace those in `config`, and its training tells
    what it went on from. Labels that both know keep what the model learned of them; new ones begin
    as no label does. A label of several digits keeps what was learned of each of them. Styles keep
    the scales that they were taught by, where these can tell those of the new data apart.
    Raises InkseedError for labels that cannot be exchanged.
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
    own = {key: config.network[key] for key in OF_IMAGES if key in config.network}
    kept = {k: v for k, v in model.config.network.items() if k not in OF_IMAGES}
    taught = kept.get("styles") or {}
    if taught:
        own["styles"] = scales(taught, config.styles)
    config = replace(
        config.trained({"from": begun}),
        network={**kept, "n_classes": len(config.class_names), **own},
        schedule=model.config.schedule,
        prediction=model.config.prediction,
    )
    network = network_from(config.network)
    weights, fresh = model.network.state_dict(), network.state_dict()
    if known != wanted:
        if LABELS not in weights:
            raise InkseedError(
                "the model's network cannot learn other labels than its own: train without --from"
            )
        nothing = weights[LABELS][-1]
        rows = [weights[LABELS][known.index(each)] if each in known else nothing for each in wanted]
        weights[LABELS] = torch.stack([*rows, nothing])
    if taught:  # the weights may hold the scales in half precision: what is kept is kept so
        same = [own["styles"][name] == taught[name] for name in sorted(taught)]
        weights[SCALES] = torch.where(torch.tensor(same)[:, None], weights[SCALES], fresh[SCALES])
    known_here = {k: v for k, v in weights.items() if k in fresh and v.shape == fresh[k].shape}
    network.load_state_dict({**fresh, **known_here})
    return network, config


def scales(taught: Moments, data: Moments) -> dict[str, Sequence[float]]:
    """The (mean, deviation) that the network is to scale each style by, as taught or the data's.

    A network tells styles apart within `REACH` deviations of its own. Where the new data lie in
    there, its function stays what it was. Elsewhere it would see no difference between styles that
    differ: such a style is scaled by the new data's moments, and has to be learned again.
    """
    found = {}
    for name, (mean, deviation) in taught.items():
        own_mean, own_deviation = data[name]
        within = abs(own_mean - mean) + SPREAD * own_deviation <= REACH * deviation
        found[name] = taught[name] if within else data[name]
    return found


def symbols(names: Sequence[str], places: int) -> tuple[str, ...]:
    """What the rows of a table of labels stand for: the classes, or the digits of their places."""
    if places == 1:
        return tuple(names)
    return tuple(name[-1] for name in names[: round(len(names) ** (1 / places))])
