"""Is a synthetic digit as good as a real one? Figures with intervals, each beside its floor."""

from inkseed.evaluate.evaluation import Evaluation, evaluate
from inkseed.evaluate.sets import EvaluatedSet, read_sets

__all__ = ["EvaluatedSet", "Evaluation", "evaluate", "read_sets"]
