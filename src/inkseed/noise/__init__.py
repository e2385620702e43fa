"""Strategies for the starting noise: a `Task` in, unit noise out, every evaluation counted."""

from inkseed.noise.registry import (
    CHANGED,
    PROMISES,
    SAME,
    SEARCH,
    Named,
    available,
    find_strategy,
    register,
    strategies,
)
from inkseed.noise.task import Start, Strategy, Task, Tries

__all__ = [
    "CHANGED",
    "PROMISES",
    "SAME",
    "SEARCH",
    "Named",
    "Start",
    "Strategy",
    "Task",
    "Tries",
    "available",
    "find_strategy",
    "register",
    "strategies",
]
