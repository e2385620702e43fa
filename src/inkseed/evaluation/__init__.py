"""Is a synthetic digit as good as a real one? Figures with intervals, each beside its baseline."""

from inkseed.evaluation.evaluation import Evaluation, evaluate
from inkseed.evaluation.sets import EvaluatedSet, read_sets

__all__ = ["EvaluatedSet", "Evaluation", "evaluate", "read_sets"]
