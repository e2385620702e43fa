"""Settings that had other names: refused in a recipe, understood in the folder of an old run."""

from typing import Any

from inkseed.plain import fits

RENAMED = {
    "clip": "max_grad_norm",
    "hold": "decay_start",
    "without": "held_out_labels",
    "noise_levels": "p_mean and p_std",
}
SHORT_MEMORY = 0.99  # Adam's beta2 in old runs with weight decay


def modernised(settings: dict[str, Any]) -> dict[str, Any]:
    """The settings of a run of any version, under the names of this one.

    What is neither old nor new stays, for `recipe_from` to judge. Raises InkseedError where
    noise_levels is no pair.
    """
    found = {RENAMED.get(name, name): value for name, value in settings.items()}
    if "noise_levels" in settings:
        del found[RENAMED["noise_levels"]]
        pair = fits(settings["noise_levels"], tuple[Any, Any], "noise_levels")
        found["p_mean"], found["p_std"] = pair
    if found.get("weight_decay") and "adam_beta2" not in found:
        found["adam_beta2"] = SHORT_MEMORY  # it depended on weight decay, and had no name
    return found
