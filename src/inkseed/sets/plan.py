"""The plan of a set: its splits, its shards, and what each number says.

All of it follows from the settings, so that any process knows it without asking another.
"""

import hashlib
from bisect import bisect
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise

from inkseed.errors import InkseedError
from inkseed.rng import Purpose, uniforms
from inkseed.sets.number_kinds import Lines
from inkseed.sets.settings import SPLITS, SetSettings

ENOUGH = 100  # strings in the smallest split, for no two splits to share any
MOST_TRIES = 10_000  # labels drawn for one number, until one belongs to its split


@dataclass(frozen=True)
class Shard:
    """Numbers that are drawn and written together: [start, stop) of the set, of one split."""

    number: int
    split: str
    start: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.start


class Plan:
    """What follows from a set's settings. Raises InkseedError for splits that cannot be."""

    def __init__(self, settings: SetSettings) -> None:
        self.settings = settings
        self.parts = [part for part in settings.split if part] or [1]
        self.splits = [
            name for name, part in zip(SPLITS, settings.split, strict=False) if part
        ] or [SPLITS[0]]  # without splits, all is to train on
        ends = [round(settings.count * end / sum(self.parts)) for end in accumulate(self.parts)]
        self.ranges = dict(zip(self.splits, map(range, [0, *ends], ends), strict=False))
        if empty := [name for name in self.splits if not len(self.ranges[name])]:
            raise InkseedError(f"the split {empty[0]} has no number: raise --count")

    @cached_property
    def shards(self) -> list[Shard]:
        """All shards, in the order of the set."""
        size, found = self.settings.shard_size, []
        for split, own in self.ranges.items():
            borders = [*range(own.start, own.stop, size), own.stop]
            found += [(split, *pair) for pair in pairwise(borders)]
        return [Shard(number, *each) for number, each in enumerate(found)]

    def blocks(self, shard: Shard) -> list[range]:
        """The numbers of a shard that are drawn together: none depends on another block."""
        block = self.settings.block
        return [
            range(first, min(first + block, shard.stop))
            for first in range(shard.start, shard.stop, block)
        ]

    def shard_of(self, index: int) -> Shard:
        """The shard of a number. Raises InkseedError for one that the set has not."""
        for shard in self.shards:
            if shard.start <= index < shard.stop:
                return shard
        raise InkseedError(
            f"the set has numbers 0 to {self.settings.count - 1:,}, and no {index:,}"
        )

    @cached_property
    def strings_apart(self) -> bool:
        """Whether no label is in two splits: if the smallest has enough different ones."""
        least = min(self.parts) / sum(self.parts)
        return len(self.parts) > 1 and self.settings.numbers.size * least >= ENOUGH

    def labels(self, split: str, indices: Sequence[int]) -> list[str]:
        """What these numbers of a split say."""
        template, found = self.settings.numbers, dict.fromkeys(indices, "")
        if isinstance(template, Lines):
            lines = self._lines[split]
            begin = self.ranges[split].start
            return [lines.label(index - begin, ()) for index in indices]
        left = list(indices)
        for attempt in range(MOST_TRIES):
            keys = [(index, attempt) for index in left]
            drawn = uniforms(self.settings.seed, Purpose.LABEL, keys, template.draws).tolist()
            for index, u in zip(left, drawn, strict=True):
                found[index] = template.label(index, u)
            if not self.strings_apart:
                break
            left = [index for index in left if self.split_of(found[index]) != split]
            if not left:
                break
        else:
            raise InkseedError(
                f"the template has no label for the split {split}: leave out --split"
            )
        return list(found.values())

    def split_of(self, label: str) -> str:
        """Which split a label belongs to, where splits share none."""
        digest = hashlib.sha256(f"{self.settings.seed} {label}".encode()).digest()
        place = int.from_bytes(digest[:8]) * sum(self.parts) >> 64
        return self.splits[bisect(list(accumulate(self.parts)), place)]

    @cached_property
    def _lines(self) -> dict[str, Lines]:
        """The lines of a file that each split has."""
        template = self.settings.numbers
        assert isinstance(template, Lines)
        if not self.strings_apart:
            return dict.fromkeys(self.splits, template)
        found: dict[str, list[str]] = {name: [] for name in self.splits}
        for line in template.lines:
            found[self.split_of(line)].append(line)
        return {name: Lines(tuple(lines)) for name, lines in found.items()}
