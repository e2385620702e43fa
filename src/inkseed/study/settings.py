"""The settings of a study, which tell one study from another."""

import hashlib
import inspect
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from inkseed import __version__
from inkseed.errors import InkseedError
from inkseed.noise import find_strategy, strategies
from inkseed.plain import Table, Whole, check
from inkseed.samplers import find_sampler

LAYOUT = 2  # of a folder: since 2, the labels of all seeds together are in MNIST's mix
MOST_IMAGES, MOST_SEEDS, MOST_CANDIDATES = 10_000, 100, 256
FEWEST = 50  # images per row: with fewer, an interval says nothing


@dataclass(frozen=True)
class StudySettings:
    """What to study.

    Attributes:
        model: the model's name or path.
        sha256: of the model's file.
        how: settings for `Model.sample`.
        count: images for each seed.
        seeds: how many seeds.
        candidates: the largest budget is that of best-of-`candidates`.
        strategies: the names of those to compare; None is all.

    Raises:
        InkseedError: for fewer images than an interval needs, and for impossible values.
    """

    model: str
    sha256: str
    how: Table
    count: Annotated[Whole, Field(ge=1, le=MOST_IMAGES)] = 40
    seeds: Annotated[Whole, Field(ge=1, le=MOST_SEEDS)] = 5
    candidates: Annotated[Whole, Field(ge=2, le=MOST_CANDIDATES)] = 8
    strategies: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        check(self)
        if self.count * self.seeds < FEWEST:
            raise InkseedError(f"a study needs {FEWEST} images or more: raise --count or --seeds")

    @property
    def n(self) -> int:
        """Images per row."""
        return self.count * self.seeds

    def as_json(self) -> dict[str, Any]:
        """Plain values, with a digest of the sources, since other code would draw other images."""
        known = strategies() if self.strategies is None else self.strategies
        names = sorted(known)
        digest = hashlib.sha256(__version__.encode())
        for name in names:
            digest.update(_source(find_strategy(name).choose))
        if self.how.get("sampler") is not None:
            digest.update(_source(find_sampler(self.how["sampler"]).walk))
        kept = {"model": self.model, "sha256": self.sha256, "how": self.how, "count": self.count}
        kept |= {"seeds": self.seeds, "candidates": self.candidates, "strategies": names}
        return {"layout": LAYOUT, **kept, "sources": digest.hexdigest()}


def _source(function: Any) -> bytes:
    """The source file of a strategy or sampler, all of which it may use."""
    while isinstance(function, partial):
        function = function.func
    kind: Any = function if inspect.isroutine(function) else type(function)
    try:
        return Path(inspect.getfile(kind)).read_bytes()
    except (OSError, TypeError):  # typed at a prompt: the name must do
        return repr(kind).encode()
