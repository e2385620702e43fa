"""The settings of a set, which with an index decide every byte of it."""

import json
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from inkseed.errors import InkseedError
from inkseed.model.sampling import SamplingOptions
from inkseed.plain import Flag, Real, Table, Whole, build, check, read_json
from inkseed.rng import LAST_IMAGE, LAST_SEED
from inkseed.sets.fit import Fit
from inkseed.sets.formats.registry import Shape
from inkseed.sets.look import Look
from inkseed.sets.templates import Template, template

FILE = "settings.json"
NUMBERS = "numbers.txt"  # a set's own copy of the file that its template names
VERSION = 1  # what an older inkseed drew, this one would draw otherwise
MOST_SHARDS = 999_000  # files are named after them, in six digits
SPLITS = ("train", "validation", "test")
BLOCK = 64  # numbers that are drawn together: full batches, whatever their length
WHERE = {"model", "hands_from"}  # where things lay: what they are, their hashes say
Range = tuple[Real, Real]
Text = Annotated[str, Field(max_length=4096)]


@dataclass(frozen=True)
class SetSettings:
    """What makes one set of labelled numbers another than the next.

    Attributes:
        template: as typed.
        count: numbers in all.
        seed: decides labels, hands, styles, noise and gaps.
        format: of the files.
        model: a bundled model's name, or a model file, as typed.
        weights_sha256: of that file.
        guide_w: the strength of guidance; None here and below leaves it to the model.
        sampler: its name, or a file that registers one.
        steps: how many steps the sampler takes.
        spacing: how they are spaced.
        guide_interval: the noise-to-signal ratios between which to guide.
        precision: what the network computes in.
        noise: the strategy for the starting noise.
        candidates: how many noises a search tries.
        device: what kind of device the network computes on.
        slant: the range of each number's slant; None leaves it to its hand.
        thickness: the range of its strokes' width.
        repeats: how often a digit repeats the one before it; None is chance.
        template_sha256: of the file of numbers, if the template names one.
        hands_from: the folder of hands, as typed; None draws a fresh hand for each number.
        hands: the names of its hands.
        check: whether judge A redraws what it doubts.
        keep_rejected: whether numbers are also kept as judge A rejected them.
        split: how many parts of the whole are for training, validation and test; () for no splits.
        shard_size: numbers in a shard.
        block: numbers that are drawn together.
        look: how the images look: their size and whatever is done to them.
        version: of the way in which a set follows from its settings.

    Raises:
        InkseedError: for values that no set can have.
    """

    template: Text
    count: Annotated[Whole, Field(ge=1, le=10**9)]
    seed: Annotated[Whole, Field(ge=0, le=LAST_SEED)]
    format: Text
    model: Text
    weights_sha256: Text
    guide_w: Real | None = None
    sampler: Text | None = None
    steps: Whole | None = None
    spacing: Text | None = None
    guide_interval: tuple[Real, Real | None] | None = None
    precision: Text = "float32"
    noise: Text = "gaussian"
    candidates: Whole | None = None
    device: Text = "cpu"
    slant: Range | None = None
    thickness: Range | None = None
    repeats: Annotated[Real, Field(ge=0, le=1)] | None = None
    template_sha256: Text | None = None
    hands_from: Text | None = None
    hands: tuple[Text, ...] = ()
    check: Flag = False
    keep_rejected: Flag = False
    split: tuple[Whole, ...] = ()
    shard_size: Annotated[Whole, Field(ge=1, le=10**6)] = 1024
    block: Annotated[Whole, Field(ge=1, le=10**4)] = BLOCK
    look: Table = field(default_factory=dict)
    version: Whole = VERSION

    def __post_init__(self) -> None:
        object.__setattr__(self, "look", json.loads(json.dumps(self.look)))  # lists for tuples
        check(self)
        if self.version != VERSION:
            raise InkseedError(
                f"this set follows rules {self.version}, and this inkseed {VERSION}: go on with the"
                " inkseed that began it"
            )
        if self.split and (len(self.split) != 3 or min(self.split) < 0 or self.split[0] < 1):
            raise InkseedError("--split has three parts, such as 80/10/10, the first above 0")
        if self.keep_rejected and not self.check:
            raise InkseedError("--keep-rejected keeps what --check rejects: give that, too")
        if self.count > MOST_SHARDS * self.shard_size:
            raise InkseedError(f"a set has {MOST_SHARDS:,} shards at most: raise --shard-size")
        if self.count * self.numbers.longest > LAST_IMAGE + 1:
            raise InkseedError(
                f"a set has {LAST_IMAGE + 1:,} digits at most, counting every number as long as the"
                " longest: lower --count"
            )

    @cached_property
    def numbers(self) -> Template:
        """The template itself."""
        return template(self.template, self.repeats)

    @cached_property
    def looks(self) -> Look:
        """How images look."""
        told = {**self.look}
        if "fit" in told:
            told["fit"] = build(Fit, told["fit"], "fit")
        return build(Look, told, "look")

    @property
    def shape(self) -> Shape:
        """What a format is asked whether it can hold."""
        look, numbers = self.looks, self.numbers
        return Shape(
            count=self.count,
            height=look.fit.height,
            width=look.fit.width,
            colour=look.colour,
            dark=look.dark,
            longest=numbers.longest,
            shortest=numbers.shortest,
        )

    @property
    def sampling(self) -> SamplingOptions:
        """How digits are drawn."""
        return SamplingOptions(
            self.guide_w,
            self.sampler,
            self.steps,
            self.spacing,
            self.guide_interval,
            None,
            self.precision,
        )

    def plain(self) -> dict[str, Any]:
        """The same as plain data."""
        return {each.name: getattr(self, each.name) for each in fields(self)}

    def differences(self, other: "SetSettings") -> list[str]:
        """The names of the settings that make the two sets different."""
        where = WHERE
        if self.template_sha256 is not None and self.template_sha256 == other.template_sha256:
            where = WHERE | {"template"}  # which names a file
        names = [each.name for each in fields(self) if each.name not in where]
        return [name for name in names if getattr(self, name) != getattr(other, name)]


def read_settings(folder: Path) -> SetSettings:
    """The settings of the set in a folder, whose numbers are those of its own copy of a file.

    Raises InkseedError if there is none.
    """
    if not (folder / FILE).is_file():
        raise InkseedError(f"there is no set in {folder}: inkseed dataset makes one")
    told = read_json(folder / FILE)
    if (folder / NUMBERS).is_file():
        told["template"] = f"file:{folder / NUMBERS}"
    return build(SetSettings, told, str(folder / FILE))
