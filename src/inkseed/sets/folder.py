"""The folder of a set: its settings, its files, its manifest; what is there and what is not yet.

settings.json              what decides every byte, written first
numbers.txt                a copy of the file that the template names, if it names one
manifest/000000.parquet    a row an image; a shard exists once this is there
train/, validation/, test/ the files, as the format has them; without splits, all is train/
rejected/                  what judge A rejected, if that is kept: first/, second/ and third/, laid
                           out as train/, validation/ and test/ are, and their own manifest/
summary.json               written last, when all is finished
"""

from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from inkseed.checks import brief
from inkseed.errors import InkseedError, warn
from inkseed.files import (
    failing,
    json_text,
    real,
    write_atomically,
    write_files,
    write_json,
    write_text,
)
from inkseed.held import alone_in, clear_unfinished, is_free
from inkseed.plain import read_json
from inkseed.sets.drawing import DrawnNumber
from inkseed.sets.formats.parts import is_joined
from inkseed.sets.formats.registry import find_format
from inkseed.sets.labelled_number import LabelledNumber
from inkseed.sets.manifest import Rows, read_counts, read_files, write_rows
from inkseed.sets.plan import Plan, Shard
from inkseed.sets.settings import FILE, NUMBERS, SPLITS, SetSettings, read_settings
from inkseed.sets.templates import template_file
from inkseed.writing.reading import DIGIT_CONFIDENCE

MANIFEST, REJECTED, SUMMARY = "manifest", "rejected", "summary.json"
# What is rejected of each split: loaders take any folder called train, however deep, for training.
APART = dict(zip(SPLITS, ("first", "second", "third"), strict=True))


class SetFolder:
    """A set on disk. Opening it writes nothing."""

    def __init__(self, path: Path, plan: Plan) -> None:
        self.path, self.plan = path, plan
        self.format = find_format(plan.settings.format)

    def begin(self) -> None:
        """Write the settings, unless they are there; what has lost a file is to be drawn again.

        Raises InkseedError for a folder that holds a set with other settings, or something else,
        or that cannot be written in.
        """
        shape = self.plan.settings.shape
        self.format.check(shape)
        self.plan.settings.looks.fit.check_legible(shape.longest)
        target = real(self.path)
        if not (target / FILE).exists():
            free = not target.exists() or is_free(target)
            if not free and not (target / FILE).exists():  # nor begun by another just now
                raise InkseedError(f"{self.path} is not an empty folder: give another --out")
            try:
                write_text(target / FILE, json_text(self.plan.settings.plain()), exclusive=True)
            except InkseedError as error:
                if not isinstance(error.__cause__, FileExistsError):
                    raise
        self._check_same(read_settings(target))
        numbers = template_file(self.plan.settings.template)
        if numbers is not None and not (target / NUMBERS).exists():
            write_atomically(target / NUMBERS, lambda to: to.write(numbers.read_bytes()))
        self._forget_damaged()
        if self.missing():  # of a finished set shards were removed: it is to be finished again
            with failing(self.path):
                (self.path / SUMMARY).unlink(missing_ok=True)

    def missing(self) -> list[Shard]:
        """The shards that are not there yet."""
        there = {path.name for path in (self.path / MANIFEST).glob("*.parquet")}
        return [shard for shard in self.plan.shards if self.part(shard).name not in there]

    @property
    def is_finished(self) -> bool:
        """Whether all is there."""
        return (self.path / SUMMARY).exists()

    def stored(self, index: int) -> LabelledNumber:
        """A number as the files of a finished set have it.

        Raises InkseedError if they are damaged.
        """
        shard = self.plan.shard_of(index)
        folder = self.path / shard.split
        try:
            numbers = self.format.read(folder)
            return next(islice(numbers, index - self.plan.ranges[shard.split].start, None))
        except MemoryError:
            raise
        except Exception as error:  # whatever a format's reader, or a library of its, runs into
            why = str(error) or type(error).__name__
            raise InkseedError(
                f"{folder} is damaged: remove it, and the same inkseed dataset command draws it"
                f" again ({why})"
            ) from error

    def part(self, shard: Shard, rejected: bool = False) -> Path:
        """A shard's file of the manifest."""
        home = self.path / REJECTED if rejected else self.path
        return home / MANIFEST / f"{shard.number:06d}.parquet"

    def commit(self, shard: Shard, drawn: Sequence[DrawnNumber], how: dict[str, Any]) -> None:
        """Write a shard: its files first, its rows last, which make it exist.

        One that another process has written meanwhile stays: it may even be joined already.
        """
        if self.part(shard).exists():
            return
        rejected = [(each, each.rejected) for each in drawn if each.rejected is not None]

        def fill(made: Path) -> None:
            for home, numbers in (
                (made / shard.split, [each.number for each in drawn]),
                (made / REJECTED / APART[shard.split], [number for _, number in rejected]),
            ):
                if numbers:
                    home.mkdir(parents=True)
                    self.format.write_shard(home, shard.number, numbers)

        files = write_files(self.path, f"shard {shard.number}", fill)
        if rejected:
            first, part = [each.as_rejected() for each, _ in rejected], self.part(shard, True)
            write_rows(part, self.plan, shard, first, how, {})
            files[part.relative_to(self.path).as_posix()] = part.stat().st_size
        write_rows(self.part(shard), self.plan, shard, drawn, how, files)

    def finish(self) -> dict[str, Any] | None:
        """Write what depends on the whole set, and return its summary.

        None if shards are missing, or another process is finishing. It may be stopped at any
        moment, and done again.
        """
        if self.missing():
            return None
        with alone_in(self.path / MANIFEST) as alone:
            if not alone:
                return None
            if not self.is_finished:
                self._finish()
        return read_json(self.path / SUMMARY)

    def _finish(self) -> None:
        settings, plan = self.plan.settings, self.plan
        for split in plan.splits:
            shards = [shard for shard in plan.shards if shard.split == split]
            self.format.finish(self.path / split, Rows([self.part(each) for each in shards]))
            kept = [path for each in shards if (path := self.part(each, True)).exists()]
            if kept:
                self.format.finish(self.path / REJECTED / APART[split], Rows(kept))
        parts = [self.part(shard) for shard in plan.shards]
        told: dict[str, Any] = {
            "numbers": settings.count,
            "splits": {name: len(own) for name, own in plan.ranges.items()},
            "strings_apart": plan.strings_apart,
        }
        if settings.check:
            told |= read_counts(parts, DIGIT_CONFIDENCE)
        clear_unfinished(self.path)
        write_json(self.path / SUMMARY, told)

    def _forget_damaged(self) -> None:
        """Remove the rows of shards that have lost a file, so that they are drawn again."""
        missing = set(self.missing())
        there = [shard for shard in self.plan.shards if shard not in missing]
        damaged = [shard for shard in there if not self._is_whole(shard)]
        for shard in damaged:
            with failing(self.path):
                self.part(shard).unlink(missing_ok=True)
        if damaged:
            what = "a shard" if len(damaged) == 1 else f"{len(damaged):,} shards"
            warn(f"in {self.path} files of {what} are missing or cut short: they are drawn again")

    def _is_whole(self, shard: Shard) -> bool:
        """Whether the files of a shard are there, none of them cut short."""
        for name, size in read_files(self.part(shard)).items():
            path = self.path / name
            try:
                whole = path.stat().st_size == size
            except OSError:
                whole = False
            if not whole and not is_joined(path):
                return False
        return True

    def _check_same(self, there: SetSettings) -> None:
        settings = self.plan.settings
        if names := settings.differences(there):
            name = names[0]
            was, wanted = (brief(getattr(each, name), 300) for each in (there, settings))
            raise InkseedError(
                f"{self.path} holds a set with other settings ({name} is {was} there, and"
                f" {wanted} here): give another --out, or the same settings to go on"
            )
