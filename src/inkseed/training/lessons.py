"""What each step of a run learns from: noisy images, or states on a teacher's paths."""

from collections.abc import Callable

from inkseed.model.model import Model
from inkseed.rng import Purpose, stream
from inkseed.training.batches import Batches, Examples
from inkseed.training.objective import Drawn, Objective
from inkseed.training.paths import Paths
from inkseed.training.recipes import Recipe

Lessons = Callable[[int], Drawn]
"""The batch of step k, whatever came before."""


def lessons_of(
    recipe: Recipe,
    of_pass: Callable[[int], Examples],
    styled: bool,
    objective: Objective,
    teacher: Model | None,
    choosing: bool = False,
) -> Lessons:
    """The lessons of a run or, if `choosing`, those by which it chooses among averages.

    Args:
        recipe: the run's.
        of_pass: the examples of pass k.
        styled: whether slant and thickness are told.
        objective: draws what is random in noisy images.
        teacher: whose paths to learn from; None learns from images.
        choosing: whether all that is random is drawn for the choice.
    """
    key = (recipe.seed, Purpose.CHOICE_ORDER if choosing else Purpose.ORDER)
    learns = teacher is None
    batches = Batches(of_pass, styled, recipe.batch_size, key, recipe.hands, bends=learns)
    if teacher is not None:
        purpose = Purpose.CHOICE_PATHS if choosing else Purpose.PATHS
        return Paths(teacher, batches, recipe, purpose)
    purpose = Purpose.CHOICE_LOSS if choosing else Purpose.LOSS
    return lambda step: objective.draw(batches[step], stream(recipe.seed, purpose, step))
