"""Make one number of a set again, and compare it with what is there, byte for byte."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from inkseed.errors import InkseedError
from inkseed.model.model import Model
from inkseed.outline import Outlined
from inkseed.processes import one_thread
from inkseed.sets.labelled_number import LabelledNumber
from inkseed.sets.making import Maker
from inkseed.sets.manifest import checksum, read_row
from inkseed.sets.plan import Plan
from inkseed.sets.settings import SetSettings


@dataclass(frozen=True, repr=False, eq=False)
class Regenerated(Outlined):
    """A number that was made again.

    Attributes:
        number: what was made.
        row: what the manifest says of it.
        same: whether its pixels are those that the manifest has the checksum of.
        same_file: whether they are those in the set's files too; None if the set is unfinished.
    """

    number: LabelledNumber
    row: dict[str, Any]
    same: bool
    same_file: bool | None


def regenerate(path: Path, settings: SetSettings, model: Model, index: int) -> Regenerated:
    """Draw number `index` of a set again, with those that were drawn beside it.

    Raises InkseedError for a number that the set has not, or if the model is not the set's.
    """
    maker = Maker.of(path, settings, model)
    plan = Plan(settings)
    shard = plan.shard_of(index)
    part = maker.folder.part(shard)
    if not part.exists():
        raise InkseedError(
            f"number {index:,} is not drawn yet: inkseed dataset goes on with the set"
        )
    row = read_row(part, index)
    (block,) = (each for each in plan.blocks(shard) if index in each)
    with one_thread():
        drawn = maker.artist.draw(shard, block)[index - block.start].number
    there = None
    if maker.folder.is_finished:
        there = maker.folder.stored(index).image
    return Regenerated(
        number=drawn,
        row=row,
        same=checksum(drawn.image) == row["sha256"],
        same_file=None if there is None else bool(np.array_equal(there, drawn.image)),
    )
