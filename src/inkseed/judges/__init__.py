"""Two small classifiers: A for selectors and filters, B for evaluation. Never mix them."""

from inkseed.judges.judge import JudgeA, JudgeB, judge_a

__all__ = ["JudgeA", "JudgeB", "judge_a"]
