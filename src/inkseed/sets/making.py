"""Make a set: draw the shards that are missing, by this process's share of the work, and finish."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from inkseed.checks import whole_number
from inkseed.errors import InkseedError
from inkseed.model.model import Model
from inkseed.sets.drawing import Artist, Tell
from inkseed.sets.folder import SetFolder
from inkseed.sets.hands import Hands, read_hands
from inkseed.sets.plan import Plan, Shard
from inkseed.sets.settings import SetSettings
from inkseed.sets.templates import template_sha256

RANKS = (("RANK", "WORLD_SIZE"), ("SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_COUNT"))
FIRST = "SLURM_ARRAY_TASK_MIN"  # a job array may begin at 1


class Share(NamedTuple):
    """Which part of the work is this process's: shards `place`, `place` + `of`, and so on."""

    place: int = 0
    of: int = 1

    def shards(self, missing: Sequence[Shard]) -> list[Shard]:
        """Its shards, of those that are missing; by their own numbers, whatever is missing now."""
        return [shard for shard in missing if shard.number % self.of == self.place]


def share_from(environment: Mapping[str, str] = os.environ) -> Share:
    """This process's share, as torchrun or a job array of SLURM tells it; all if neither does.

    Raises InkseedError if what they tell makes no sense.
    """
    for place, of in RANKS:
        if place in environment and of in environment:
            try:
                count, number = int(environment[of]), int(environment[place])
                first = int(environment.get(FIRST, 0)) if place.startswith("SLURM") else 0
            except ValueError as error:
                raise InkseedError(f"{place} and {of} must be whole numbers") from error
            whole_number(count, of, 1, 10**6)
            return Share(whole_number(number - first, place, 0, count - 1), count)
    return Share()


class Maker:
    """What draws shards of one set into its folder. Opening it loads nothing that was not given."""

    def __init__(self, folder: SetFolder, model: Model, hands: Hands | None) -> None:
        self.folder = folder
        self.artist = Artist(folder.plan, model, hands)
        settings = folder.plan.settings
        settled = model.settle(settings.sampling)
        told = settled.facts()
        self.how = {
            "sampler": told["sampler"],
            "steps": settled.steps,
            "guide_w": settled.guide_w,
            "strategy": settings.noise,
            "weights_sha256": settings.weights_sha256,
        }

    @classmethod
    def of(cls, path: Path, settings: SetSettings, model: Model) -> "Maker":
        """Read the hands, and check all that can be checked before a digit is drawn.

        Raises InkseedError if the settings are not those of this model and these hands.
        """
        if model.weights_sha256 != settings.weights_sha256:
            raise InkseedError(
                f"{settings.model} is not the model that this set was begun with: give that one by"
                " --model"
            )
        if template_sha256(settings.template) != settings.template_sha256:
            raise InkseedError(
                f"{settings.template} is not the file that this set was begun with: put that one"
                " there"
            )
        hands = None
        if settings.hands_from is not None:
            hands = read_hands(Path(settings.hands_from), model)
            if hands.names != settings.hands:
                raise InkseedError(
                    f"the hands in {settings.hands_from} are not those that this set was begun with"
                )
        return cls(SetFolder(path, Plan(settings)), model, hands)

    def make(self, shard: Shard, tell: Tell | None = None) -> None:
        """Draw a shard and write it, unless another process has done so by now."""
        if self.folder.part(shard).exists():
            return
        blocks = self.folder.plan.blocks(shard)
        drawn = [each for block in blocks for each in self.artist.draw(shard, block, tell)]
        self.folder.commit(shard, drawn, self.how)

    @property
    def mean_images(self) -> float:
        """Images of the model that a number takes, on average, more or less."""
        numbers = self.folder.plan.settings.numbers
        return self.artist.stride * (1 + numbers.shortest / numbers.longest) / 2
