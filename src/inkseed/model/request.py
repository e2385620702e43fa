"""What is asked of a model, checked before any work: labels, styles, seeds, noise."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from inkseed.checks import brief, whole_number
from inkseed.data.style import POSITIVE, REACH
from inkseed.diffusion.condition import with_style
from inkseed.errors import InkseedError
from inkseed.noise import SEARCH, Start, Strategy, Task, find_strategy
from inkseed.noise.registry import built
from inkseed.outline import Outlined
from inkseed.registry import home

MOST_IMAGES = 10**9
LAST_SEED = 2**63 - 1
CANDIDATES, MOST_CANDIDATES = 10, 10_000  # of a search, for each image
TRIES_AT_ONCE = 50_000  # their noises lie in memory together
MOST_BUDGET = 10**12
LAST_IMAGE = 2**32 - 1  # an image's number is a 32-bit word of its stream's counter


def check_labels(labels: Any, classes: int) -> np.ndarray:
    """Class indices as int64 (N,). Raises InkseedError for none at all, or what is no class."""
    try:
        wanted = np.asarray(list(labels))
    except (TypeError, ValueError) as error:
        raise InkseedError("labels must be whole numbers, one for each image") from error
    if len(wanted) == 0:
        raise InkseedError("no labels: ask for at least one image")
    if wanted.ndim != 1 or wanted.dtype.kind not in "iu":
        raise InkseedError("labels must be whole numbers, one for each image")
    if wanted.min() < 0 or wanted.max() >= classes:
        raise InkseedError(f"labels must be from 0 to {classes - 1}")
    return wanted.astype(np.int64)


def check_counts(seed: Any, first: Any, batch_size: Any, images: int) -> tuple[int, int, int]:
    """(seed, first, batch_size) of a request for so many images, as Python whole numbers."""
    return (
        whole_number(seed, "seed", 0, LAST_SEED),
        whole_number(first, "first", 0, LAST_IMAGE + 1 - images),
        whole_number(batch_size, "batch_size", 1, MOST_IMAGES),
    )


def condition_of(
    labels: np.ndarray,
    styles: Mapping[str, Sequence[float]],
    asked: Mapping[str, float | Sequence[float] | None],
) -> Tensor:
    """The condition (N,) or (N, 1 + S) of images of these labels and the styles `asked` for.

    `styles` are those that the model knows, with the (mean, deviation) of its data. Raises
    InkseedError for others, or for values too far out for it to draw; NaN leaves free.
    """
    label = torch.from_numpy(labels)
    columns: dict[str, Tensor] = {}
    for name, value in asked.items():
        if value is None:
            continue
        if name not in styles:
            raise InkseedError(f"this model knows no {name}: leave it out, or use another model")
        try:
            column = np.broadcast_to(np.asarray(value, np.float64), len(labels))
        except (TypeError, ValueError) as error:
            raise InkseedError(
                f"{name} must be one number, or one for each of the {len(labels)} images"
            ) from error
        mean, deviation = styles[name]
        low, high = mean - REACH * deviation, mean + REACH * deviation
        if name in POSITIVE:
            low = max(low, mean**2 / high)  # by ratio as far below the mean as above
        if (column < low).any() or (column > high).any():
            raise InkseedError(f"{name} must be from {low:.3g} to {high:.3g}, not {brief(value)}")
        columns[name] = torch.from_numpy(column.astype(np.float32))
    if not columns:
        return label
    free = torch.full((len(labels),), torch.nan)
    return with_style(label, torch.stack([columns.get(name, free) for name in sorted(styles)], 1))


def check_strategy(
    noise: Any, candidates: Any, budget: Any, shape: tuple[int, ...], first: int
) -> tuple[Strategy, int, int | None]:
    """(strategy, candidates, budget) of a request for images of `shape` (N, C, H, W) from `first`.

    `noise` names a strategy, is one, or is the caller's own unit noise. Raises InkseedError for
    what is none of the three, or for candidates where nothing is searched.
    """
    searching = True
    if isinstance(noise, str):
        named = find_strategy(noise)
        strategy, searching = named.choose, named.promise == SEARCH
    elif callable(noise):  # tensors are not
        strategy = built(noise)
    else:
        strategy, searching = OwnNoise(_own_noise(noise, shape), first), False
    if candidates is not None and not searching:
        raise InkseedError("candidates are for noise strategies that search: leave them out")
    tried = CANDIDATES if candidates is None else candidates
    return (
        strategy,
        whole_number(tried, "candidates", 1, MOST_CANDIDATES),
        None if budget is None else whole_number(budget, "budget", 1, MOST_BUDGET),
    )


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
        raise InkseedError(f"noise must be {words} finite numbers, one image a label")
    return own.detach().cpu().float()


@dataclass(frozen=True, repr=False)
class OwnNoise(Outlined):
    """Unit noise (N, C, H, W) that the caller has chosen for images `first` and on."""

    z: Tensor
    first: int

    def __call__(self, task: Task) -> Tensor:
        """The batch's part of it."""
        begin = task.numbers[0] - self.first
        return self.z[begin : begin + len(task)]


def start_of(strategy: Strategy, task: Task) -> Start:
    """What a strategy gives for the task, checked.

    Raises InkseedError where a user's strategy fails, or where what comes is not unit noise for as
    many images as were asked for.
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
        raise InkseedError(
            f"the noise strategy must give a tensor of {words} finite floats: it did not"
        )
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
