"""A request to a model, checked before any work is done."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from inkseed.checks import real_numbers, whole_number
from inkseed.data.style import POSITIVE, REACH
from inkseed.diffusion.condition import Condition
from inkseed.errors import InkseedError
from inkseed.model.hand import AnyHand, DrawnHand, Hand
from inkseed.model.sampling import SamplingOptions
from inkseed.noise import SEARCH, Start, Strategy, Task, find_strategy
from inkseed.noise.registry import built
from inkseed.outline import Outlined
from inkseed.registry import home
from inkseed.rng import LAST_IMAGE, LAST_SEED

MOST_IMAGES = 10**9
MOST_AT_ONCE = 2**16  # images in a batch
BATCH_SIZE = 64  # unless the images are large
TIMES_ON_DEVICE = 16  # as many at a time where they are not drawn on the CPU: it would sit idle
PIXELS_AT_ONCE = 2**20  # 64 images of 128x128
CANDIDATES, MOST_CANDIDATES = 10, 10_000  # of a search, for each image
TRIES_AT_ONCE = 50_000  # whose noises are in memory together
MOST_BUDGET = 10**12


@dataclass(frozen=True, repr=False, eq=False)
class Request(Outlined):
    """What is asked of a model: the arguments of `Model.sample` as one value.

    Attributes:
        labels: class indices, kept as int64 (N,).
        seed: decides all noise. Image k begins with the stream (seed, first + k).
        sampling: guidance, sampler, steps, spacing and precision.
        style: slant (degrees) and thickness (pixels) by name, one for all images or one each; NaN
            leaves free.
        noise: the name of a strategy, a function of a `Task`, or unit noise (N, C, H, W).
        candidates: how many noises a search tries for each image; None is 10.
        budget: the most network evaluations that one image may cost; None is no limit.
        first: the number of the first image, or of each.
        batch_size: how many images are drawn at a time; None is 64, on a GPU 1,024, or fewer if
            they are larger than 128x128.
        trace: keep each state on the way.
        hand: a hand for all images, or one (or None, which leaves it to the model) for each.
        begin: the place of the first image in the request that this is a part of.

    Raises:
        InkseedError: for values that no model could draw. `Model.bind` refuses what its own model
            cannot.
    """

    labels: Sequence[int] | np.ndarray
    seed: int = 0
    sampling: SamplingOptions = field(default_factory=SamplingOptions)
    style: Mapping[str, float | Sequence[float] | np.ndarray | None] = field(default_factory=dict)
    noise: str | Tensor | Strategy = "gaussian"
    candidates: int | None = None
    budget: int | None = None
    first: int | Sequence[int] = 0
    batch_size: int | None = None
    trace: bool = False
    hand: AnyHand | Sequence[AnyHand | None] | None = None
    begin: int = 0

    def __post_init__(self) -> None:
        labels = _as_labels(self.labels)
        checked: dict[str, Any] = {
            "labels": labels,
            "seed": whole_number(self.seed, "seed", 0, LAST_SEED),
            "first": _as_first(self.first, len(labels)),
            "begin": whole_number(self.begin, "begin", 0, MOST_IMAGES),
        }
        if self.batch_size is not None:
            checked["batch_size"] = whole_number(self.batch_size, "batch_size", 1, MOST_AT_ONCE)
        if self.candidates is not None:
            tried = whole_number(self.candidates, "candidates", 1, MOST_CANDIDATES)
            checked["candidates"] = tried
        if self.budget is not None:
            checked["budget"] = whole_number(self.budget, "budget", 1, MOST_BUDGET)
        if self.hand is not None:
            checked["hand"] = _as_hand(self.hand, len(labels))
        for name, value in checked.items():
            object.__setattr__(self, name, value)

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def numbers(self) -> Sequence[int]:
        """The images' numbers, each with a stream of its own."""
        if isinstance(self.first, int):
            return range(self.first, self.first + len(self))
        return self.first

    def rows(self, shape: tuple[int, int, int], device: str = "cpu") -> int:
        """How many images (C, H, W) a kind of device draws at a time, all candidates with them."""
        asked = self.batch_size
        if asked is None:
            asked = min(BATCH_SIZE, max(1, PIXELS_AT_ONCE // math.prod(shape)))
            asked *= 1 if device == "cpu" else TIMES_ON_DEVICE
        return min(asked, max(1, TRIES_AT_ONCE // (self.candidates or CANDIDATES)))

    def hands(self, drawn: bool) -> tuple[AnyHand | None, ...]:
        """The hand that each image is to be in; what is left free is None, unless it is `drawn`."""
        if isinstance(self.hand, Hand | DrawnHand | None):
            asked: Sequence[AnyHand | None] = [self.hand] * len(self)
        else:
            asked = self.hand
        own = (DrawnHand(self.seed, k) if drawn else None for k in self.numbers)
        return tuple(free if each is None else each for each, free in zip(asked, own, strict=True))


def _as_labels(labels: Any) -> np.ndarray:
    """Class indices as int64 (N,). Raises InkseedError for none, or if they are not integers."""
    try:
        wanted = np.asarray(labels if isinstance(labels, np.ndarray) else list(labels))
    except (TypeError, ValueError) as error:
        raise InkseedError("labels must be whole numbers, one for each image") from error
    if len(wanted) == 0:
        raise InkseedError("no labels: ask for at least one image")
    if wanted.ndim != 1 or wanted.dtype.kind not in "iu":
        raise InkseedError("labels must be whole numbers, one for each image")
    return wanted.astype(np.int64)


def _as_first(first: Any, count: int) -> int | tuple[int, ...]:
    """The first image's number, or every image's. Raises InkseedError for anything else."""
    if not isinstance(first, list | tuple | range):
        return whole_number(first, "first", 0, LAST_IMAGE + 1 - count)
    each = tuple(whole_number(number, "first", 0, LAST_IMAGE) for number in first)
    if len(set(each)) < count or len(each) != count:
        raise InkseedError(
            f"first must be one number, or another one for each of the {count} images"
        )
    return each


def _as_hand(hand: Any, count: int) -> AnyHand | tuple[AnyHand | None, ...]:
    """One hand, or one for each image. Raises InkseedError for anything else."""
    if isinstance(hand, Hand | DrawnHand):
        return hand
    if isinstance(hand, list | tuple) and len(hand) == count:
        each = tuple(hand)
        if all(isinstance(one, Hand | DrawnHand | None) for one in each):
            return each
    raise InkseedError(
        f"hand must be one hand, or one for each of the {count} images: model.hand_of makes one"
    )


def classes_of(request: Request, classes: int) -> np.ndarray:
    """The request's labels, int64 (N,). Raises InkseedError for one that is not a class."""
    labels = np.asarray(request.labels)
    if labels.min() < 0 or labels.max() >= classes:
        raise InkseedError(f"labels must be from 0 to {classes - 1}")
    return labels


def condition_of(
    labels: np.ndarray,
    styles: Mapping[str, Sequence[float]],
    asked: Mapping[str, float | Sequence[float] | np.ndarray],
) -> Condition:
    """The condition of images of these labels (N,) and the styles `asked` for.

    `styles` are those that the model knows, with the (mean, deviation) of its data. Raises
    InkseedError for others, or for values too far out for it to draw; NaN leaves free.
    """
    label = torch.from_numpy(labels)
    columns: dict[str, Tensor] = {}
    for name, value in asked.items():
        if name not in styles:
            raise InkseedError(
                f"this model takes no {name}: leave it out, or use one that does, such as digits"
            )
        column = real_numbers(value, name, len(labels))
        mean, deviation = styles[name]
        low, high = mean - REACH * deviation, mean + REACH * deviation
        if name in POSITIVE:
            low = max(low, mean**2 / high)  # by ratio as far below the mean as above
        if len(beyond := column[(column < low) | (column > high)]):
            raise InkseedError(f"{name} must be from {low:.3g} to {high:.3g}, not {beyond[0]:g}")
        columns[name] = torch.from_numpy(column.astype(np.float32))
    if not columns:
        return Condition.of(label)
    free = torch.full((len(labels),), torch.nan)
    return Condition.of(label, torch.stack([columns.get(name, free) for name in sorted(styles)], 1))


def strategy_of(request: Request, shape: tuple[int, ...]) -> Strategy:
    """The strategy for a request for images of `shape` (N, C, H, W).

    Raises InkseedError for noise that is not a name, a function or an array, and for candidates
    without a search.
    """
    noise, searching = request.noise, True
    if isinstance(noise, str):
        named = find_strategy(noise)
        strategy, searching = named.choose, named.kind == SEARCH
    elif callable(noise):  # tensors are not
        strategy = built(noise)
    else:
        strategy, searching = OwnNoise(_own_noise(noise, shape), request.begin), False
    if request.candidates is not None and not searching:
        raise InkseedError("candidates are for noise strategies that search: leave them out")
    return strategy


def _own_noise(noise: Any, shape: tuple[int, ...]) -> Tensor:
    words = "x".join(map(str, shape))
    try:
        own = torch.as_tensor(noise)
    except (TypeError, ValueError, RuntimeError) as error:
        raise InkseedError(
            f"noise must be the name of a strategy, a function, or {words} numbers"
        ) from error
    real = not own.is_complex() and own.dtype != torch.bool
    if not real or tuple(own.shape) != shape or not torch.isfinite(own).all():
        raise InkseedError(f"noise must be {words} finite numbers, one image per label")
    return own.detach().cpu().float()


@dataclass(frozen=True, repr=False)
class OwnNoise(Outlined):
    """Unit noise (N, C, H, W) of the caller's own, for the images of a request from `begin` on."""

    z: Tensor
    begin: int = 0

    def __call__(self, task: Task) -> Tensor:
        """The rows of the batch."""
        return self.z[task.begin - self.begin :][: len(task)]


def start_of(strategy: Strategy, task: Task) -> Start:
    """What a strategy returns for a task, checked.

    Raises InkseedError if a user's strategy fails, or does not return unit noise for each image.
    """
    try:
        found = strategy(task)
    except (InkseedError, MemoryError):
        raise
    except (Exception, SystemExit) as error:
        if home(strategy).startswith("inkseed."):
            raise  # our own mistake
        words = f"{type(error).__name__}: {error}"
        raise InkseedError(f"the noise strategy failed: {words}") from error
    start = found if isinstance(found, Start) else Start(found)
    shape = (len(task), *task.shape)
    if not _is_float(start.z, shape) or not (start.x is None or _is_float(start.x, shape)):
        words = "x".join(map(str, shape))
        raise InkseedError(f"the noise strategy must return a tensor of {words} finite floats")
    if start.keys is not None and not _are_keys(start.keys, len(task)):
        raise InkseedError(
            f"the noise strategy must name {len(task)} streams by keys such as (7,) or (7, 1)"
        )
    x = None if start.x is None else start.x.detach().cpu().float()
    return Start(start.z.detach().cpu().float(), start.keys, x)


def _is_float(tensor: Any, shape: tuple[int, ...]) -> bool:
    if not isinstance(tensor, Tensor) or tuple(tensor.shape) != shape:
        return False
    return tensor.is_floating_point() and bool(tensor.isfinite().all())


def _are_keys(keys: Any, count: int) -> bool:
    try:
        return len(keys) == count and all(
            isinstance(key, tuple)
            and len(key) in (1, 2)
            and all(0 <= int(part) <= LAST_IMAGE for part in key)
            for key in keys
        )
    except (TypeError, ValueError):
        return False
