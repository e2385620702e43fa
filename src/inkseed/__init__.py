"""inkseed turns noise into labelled handwritten digits and numbers by conditional diffusion.

Every name in `__all__` is an attribute after a plain `import inkseed`, and is imported when it is
first used, so that neither `import inkseed` nor `inkseed --help` waits for torch.
"""

TYPE_CHECKING = False  # as type checkers know it: typing takes milliseconds to import
if TYPE_CHECKING:
    from inkseed import data, ddpm, evaluation, judges, nn, noise, samplers, study
    from inkseed.errors import InkseedError, InkseedWarning
    from inkseed.evaluation.evaluation import Evaluation, evaluate
    from inkseed.model.hand import Hand, load_hand
    from inkseed.model.loading import load
    from inkseed.model.model import Model
    from inkseed.model.request import Request
    from inkseed.model.samples import Samples
    from inkseed.model.sampling import SamplingOptions
    from inkseed.training.loop import train
    from inkseed.training.recipes import Recipe, load_recipe
    from inkseed.writing.number import Number, write

__version__ = "0.1.0"

__all__ = [
    "Evaluation",
    "Hand",
    "InkseedError",
    "InkseedWarning",
    "Model",
    "Number",
    "Recipe",
    "Request",
    "Samples",
    "SamplingOptions",
    "data",
    "ddpm",
    "evaluate",
    "evaluation",
    "judges",
    "load",
    "load_hand",
    "load_recipe",
    "nn",
    "noise",
    "samplers",
    "study",
    "train",
    "write",
]

_HOMES = {
    "Evaluation": "inkseed.evaluation.evaluation",
    "Hand": "inkseed.model.hand",
    "InkseedError": "inkseed.errors",
    "InkseedWarning": "inkseed.errors",
    "Model": "inkseed.model.model",
    "Number": "inkseed.writing.number",
    "Recipe": "inkseed.training.recipes",
    "Request": "inkseed.model.request",
    "Samples": "inkseed.model.samples",
    "SamplingOptions": "inkseed.model.sampling",
    "evaluate": "inkseed.evaluation.evaluation",
    "load": "inkseed.model.loading",
    "load_hand": "inkseed.model.hand",
    "load_recipe": "inkseed.training.recipes",
    "train": "inkseed.training.loop",
    "write": "inkseed.writing.number",
}


def __getattr__(name: str) -> object:
    """Import a public name or a subpackage when it is first used."""
    from importlib import import_module

    if name in _HOMES:
        value = getattr(import_module(_HOMES[name]), name)
    elif name in __all__:
        value = import_module(f"inkseed.{name}")
    else:
        raise AttributeError(f"module 'inkseed' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names too, imported or not, for `dir` and completion."""
    return sorted({*globals(), *__all__})
