"""Training recipes: the bundled TOML files beside this one, or a user's own."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from inkseed.checks import brief
from inkseed.errors import InkseedError
from inkseed.named_files import RECIPES
from inkseed.plain import Flag, Real, Table, Whole, build, check, read_toml
from inkseed.training.recipes.renamed import RENAMED

TWO_DIGITS = "pairs"
MOST = 10**7
MOST_EPOCHS, MOST_AT_ONCE, MOST_IMAGES = 100_000, 2**16, 10**6
MOST_AVERAGES = 20
MAX_SIDE = 256  # pixels
OF_THE_DATA = ("in_channels", "n_classes", "styles")  # settings of a network

CountOrNone = Annotated[Whole, Field(ge=0, le=MOST)]
Part = Annotated[Real, Field(ge=0, le=1)]
Decay = Annotated[Real, Field(gt=0, lt=1)]
Side = Annotated[Whole, Field(ge=4, le=MAX_SIDE, multiple_of=4)]


@dataclass(frozen=True)
class Recipe:
    """What decides a training run, apart from the machine.

    The tables `network`, `schedule`, `prediction` and `sampling` go into the model's configuration,
    to which the data add classes, sizes and moments.

    Attributes:
        network: its `name` in `inkseed.nn.NETWORKS`, and the arguments of its class.
        schedule: its `name` in `inkseed.registry.SCHEDULES`, and the arguments of its class.
        prediction: its `name` in `inkseed.registry.PREDICTIONS`, and the arguments of its class.
        epochs: passes over the images; the last is rounded up to whole batches.
        batch_size: images per step, over all processes.
        learning_rate: the highest that is reached.
        drop_prob: chance that an image loses its label, and its style with it.
        sampling: the model's defaults for drawing, named as in `Model.sample`, and `one_hand`.
        optimizer: "adamw", or "muon" with AdamW for whatever is not a matrix.
        styles: whether slant (degrees) and thickness (pixels) are learned too.
        hands: whether hands are learned too, from images whose writers are known.
        contrast: how much telling hands apart counts beside drawing.
        times: how a step draws its times, "uniform" or "log_normal"; "" is the prediction's usual.
        p_mean: mean of log(sigma / alpha) for log_normal times.
        p_std: its deviation.
        warm_up: steps over which the learning rate rises from 0.
        decay_start: fraction of the run after which it falls linearly to 0.
        weight_decay: for AdamW and Muon.
        adam_beta2: Adam's memory; 0.99 suits short runs.
        max_grad_norm: longer gradients are clipped to this; 0 is no clipping.
        ema: decay per step of each weight average, 20 at most; the validation loss chooses one.
        start: the model to start from, if `train` is given none; "" starts from scratch.
        teacher: the model to learn from, which is the start too; "" learns from images. Images then
            are states on its paths.
        path_steps: how many steps a teacher's path has.
        data: "mnist", "mnist_parts_a_b", or "pairs" of MNIST digits.
        images: how many of MNIST's images to use, the first ones; 0 is all.
        size: (height, width) of two-digit images in pixels, each divisible by 4.
        layout: for two-digit images, the settings of `inkseed.data.pairs.Layout`.
        held_out_labels: labels of two-digit images that training never sees.
        pictures: how often in a run a grid of samples is drawn.
        seed: decides the initial weights and everything drawn at random.

    Raises:
        InkseedError: for an impossible value.
    """

    network: Table
    schedule: Table
    prediction: Table
    epochs: Annotated[Whole, Field(ge=1, le=MOST_EPOCHS)]
    batch_size: Annotated[Whole, Field(ge=1, le=MOST_AT_ONCE)]
    learning_rate: Annotated[Real, Field(ge=1e-12, le=1)]
    drop_prob: Part
    sampling: Table = field(default_factory=dict)
    optimizer: Literal["adamw", "muon"] = "adamw"
    styles: Flag = False
    hands: Flag = False
    contrast: Annotated[Real, Field(ge=0, le=1)] = 0.0
    times: str = ""
    p_mean: Annotated[Real, Field(ge=-10, le=10)] = -0.7
    p_std: Annotated[Real, Field(ge=1e-3, le=10)] = 1.4
    warm_up: CountOrNone = 0
    decay_start: Part = 0.0
    weight_decay: Annotated[Real, Field(ge=0, le=10)] = 0.0
    adam_beta2: Annotated[Real, Field(ge=0, le=0.999999)] = 0.999
    max_grad_norm: Annotated[Real, Field(ge=0)] = 0.0
    ema: Annotated[tuple[Decay, ...], Field(max_length=MOST_AVERAGES)] = ()
    start: str = ""
    teacher: str = ""
    path_steps: Annotated[Whole, Field(ge=2, le=1000)] = 10
    data: Literal["mnist", "mnist_parts_a_b", "pairs"] = "mnist"
    images: Annotated[Whole, Field(ge=0, le=MOST_IMAGES)] = 0
    size: tuple[Side, Side] = (28, 56)
    layout: Table = field(default_factory=dict)
    held_out_labels: tuple[str, ...] = ()
    pictures: Annotated[Whole, Field(ge=1, le=1000)] = 20
    seed: Annotated[Whole, Field(ge=0, le=2**63 - 1)] = 0

    def __post_init__(self) -> None:
        check(self)
        if given := sorted(set(OF_THE_DATA) & set(self.network)):
            raise InkseedError(f"leave {given[0]} out of [network]: the data decide it")
        if len(set(self.ema)) < len(self.ema):
            raise InkseedError(f"ema must be different decays, not {brief(self.ema)}")
        if self.hands and not self.network.get("hand"):
            raise InkseedError("hands need a network that knows them: set hand = 64 in [network]")
        if self.teacher and self.start:
            raise InkseedError("a run starts at its teacher: leave out start")
        if bool(self.teacher) != (self.prediction.get("name") == "consistency"):
            raise InkseedError('a teacher and the prediction "consistency" need each other')
        if self.data != TWO_DIGITS and (self.layout or self.held_out_labels):
            raise InkseedError(f'layout and held_out_labels are for data = "{TWO_DIGITS}"')


def load_recipe(name: str | Path) -> Recipe:
    """Read a bundled recipe by its name, or a TOML file by its path.

    Args:
        name: a bundled recipe, for example "quick", or the path of a TOML file.

    Returns:
        The recipe, checked.

    Raises:
        InkseedError: for an unknown name, a file that is not TOML, and unknown or bad settings.
    """
    path = RECIPES.find(name)
    return recipe_from(read_toml(path), str(path))


def recipe_from(settings: dict[str, Any], origin: str) -> Recipe:
    """Build a recipe from a plain dict; `origin` names it in errors.

    Raises InkseedError for settings that are unknown, renamed, missing or bad.
    """
    for name in settings:
        if name in RENAMED:
            raise InkseedError(f"{origin}: {name!r} is now {RENAMED[name]}: write that")
    return build(Recipe, settings, origin)
