"""Strategies for the starting noise: a `Task` in, unit noise out, all evaluations counted."""

from inkseed.noise.registry import (
    CHANGED,
    KINDS,
    SAME,
    SEARCH,
    Named,
    available,
    find_strategy,
    register,
    strategies,
)
from inkseed.noise.streams import Streams
from inkseed.noise.task import Start, Strategy, Task, Tries

__all__ = [
    "CHANGED",
    "KINDS",
    "SAME",
    "SEARCH",
    "Named",
    "Start",
    "Strategy",
    "Streams",
    "Task",
    "Tries",
    "available",
    "find_strategy",
    "register",
    "strategies",
]
