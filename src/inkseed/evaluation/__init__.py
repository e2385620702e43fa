"""Is a synthetic digit as good as a real one? Figures with intervals, each beside its baseline."""

from inkseed.evaluation.evaluation import Evaluation, evaluate
from inkseed.evaluation.intervals import Estimate
from inkseed.evaluation.registry import Seen, register
from inkseed.evaluation.sets import EvaluatedSet, read_sets

__all__ = [
    "Estimate",
    "EvaluatedSet",
    "Evaluation",
    "Seen",
    "evaluate",
    "read_sets",
    "register",
]
