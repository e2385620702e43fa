"""A fair study of starting noises: equal cost, shared pools, controls, an unseen judge."""

from inkseed.study.result import Study
from inkseed.study.settings import StudySettings
from inkseed.study.study import run_study

__all__ = ["Study", "StudySettings", "run_study"]
