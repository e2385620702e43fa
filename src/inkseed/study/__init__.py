"""A fair study of starting noises: equal evaluations, shared pools, controls, an unseen judge."""

from inkseed.study.study import Study, StudySettings, run_study

__all__ = ["Study", "StudySettings", "run_study"]
