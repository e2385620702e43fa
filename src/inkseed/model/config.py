"""A model's configuration: all that its file says besides the weights, as one value."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Annotated, Any

from pydantic import Field

from inkseed.data.style import POSITIVE
from inkseed.errors import InkseedError
from inkseed.labels import check_class_name
from inkseed.plain import Real, Table, Whole, build, check, check_entries

MAX_SIDE = 1024  # pixels

Side = Annotated[Whole, Field(ge=4, le=MAX_SIDE, multiple_of=4)]
Moments = tuple[Real, Annotated[Real, Field(gt=0)]]
Count = Annotated[Whole, Field(ge=0, le=2**63 - 1)]
BEGUN = {"recipe": str | None, "images_seen": Count}
TRAINING = {"recipe": str, "data": str, "settings": Table, "step": Count, "images_seen": Count}


@dataclass(frozen=True)
class ModelConfig:
    """All that a model file says of a model besides its weights.

    Attributes:
        network: its `name` in `inkseed.nn.NETWORKS`, and the arguments of its class.
        schedule: its `name` in `inkseed.registry.SCHEDULES`, and the arguments of its class.
        image_size: (height, width) in pixels, each divisible by 4.
        class_names: the labels, in the order of their classes.
        prediction: its `name` in `inkseed.registry.PREDICTIONS`, and the arguments of its class.
        sampling: the model's defaults for drawing; the sampler decides what it leaves out.
        styles: each style's (mean, deviation) in the data, in degrees or pixels.
        training: how it was trained: recipe, data, settings, images seen, losses; what is not in
            `TRAINING` may be anything.

    Raises:
        InkseedError: for values that cannot describe a model.
    """

    network: Table
    schedule: Table
    image_size: tuple[Side, Side]
    class_names: tuple[str, ...]
    prediction: Table = field(default_factory=lambda: {"name": "eps"})
    sampling: Table = field(default_factory=dict)
    styles: dict[str, Moments] = field(default_factory=dict)
    training: Table = field(default_factory=dict)

    def __post_init__(self) -> None:
        check(self)
        for name in self.class_names:
            check_class_name(name)
        count = len(set(self.class_names))
        if not count == len(self.class_names) == self.network.get("n_classes"):
            raise InkseedError(
                "class_names must be as many different labels as the network has classes"
            )
        check_entries(self.training, {**TRAINING, "from": Table}, "training")
        check_entries(self.training.get("from", {}), BEGUN, "training.from")
        for name in POSITIVE & self.styles.keys():
            if (mean := self.styles[name][0]) <= 0:
                raise InkseedError(
                    f"{name} is {mean:g} on average, as of blank images: train the model on others"
                )
        taught = self.network.get("styles")
        if self.styles and not (isinstance(taught, dict) and taught.keys() == self.styles.keys()):
            raise InkseedError("styles must be those that the network takes")

    @classmethod
    def of(cls, plain: Mapping[str, Any], origin: str) -> "ModelConfig":
        """The configuration in a file's plain data; `origin` names the file in errors.

        Raises InkseedError for data that cannot describe a model.
        """
        told = {each.name: plain[each.name] for each in fields(cls) if each.name in plain}
        match told:
            case {"network": {"styles": dict() as taught}} if not told.get("styles"):
                told["styles"] = taught  # older files have only those that the network scales by
        return build(cls, told, origin)

    def plain(self) -> dict[str, Any]:
        """The same as plain data, for a file."""
        return asdict(self)

    def trained(self, facts: Mapping[str, Any]) -> "ModelConfig":
        """The same, with more facts about its training."""
        return replace(self, training={**self.training, **facts})

    @property
    def drop_prob(self) -> float | None:
        """How often training dropped a label; None if unknown."""
        match self.training:
            case {"settings": {"drop_prob": int() | float() as drop_prob}}:
                return drop_prob
        return None
