"""What a strategy is given, and what it returns."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from inkseed.diffusion.condition import Condition
from inkseed.errors import InkseedError
from inkseed.noise.run import Run
from inkseed.outline import Outlined
from inkseed.rng import Key, normals


class Start(NamedTuple):
    """What a strategy returns: where the images begin.

    Attributes:
        z: unit noise (N, C, H, W).
        keys: the streams that z came from; the sampler draws its own noise from them too. None if z
            is made in another way: the sampler then uses the images' own streams.
        x: the finished images (N, C, H, W) in [-1, 1], if the strategy has drawn them already.
    """

    z: Tensor
    keys: Sequence[Key] | None = None
    x: Tensor | None = None


@dataclass(frozen=True, repr=False)
class Task(Outlined):
    """What a strategy is given: N images to find a starting noise for.

    A strategy sees a request batch by batch, and must give each image the same noise whatever else
    is in its batch. So draw from the stream of its number, or of numbers that belong to it.

    Attributes:
        condition: what the denoiser is told of each image.
        labels: int64 (N,), indices into `class_names`.
        class_names: the labels as people write them.
        seed: the request's.
        numbers: the images' numbers in the request.
        shape: (C, H, W) of an image.
        sampler: draws images under the request's settings.
        candidates: how many noises a search may try for each image.
        budget: the most network evaluations that one image may cost; None is no limit.
        begin: the place of the first of them in the request.
    """

    condition: Condition
    labels: np.ndarray
    class_names: tuple[str, ...]
    seed: int
    numbers: Sequence[int]
    shape: tuple[int, int, int]
    sampler: Run
    candidates: int
    budget: int | None = None
    begin: int = 0

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def rows(self) -> list[int]:
        """The images' places in the request, from 0."""
        return list(range(self.begin, self.begin + len(self)))

    def gaussian(self, numbers: Sequence[int] | None = None) -> Tensor:
        """Unit Gaussian noise (N, C, H, W) from the images' streams, or from those of `numbers`."""
        wanted = self.numbers if numbers is None else numbers
        return self.noise([(k,) for k in wanted])

    def noise(self, keys: Sequence[Key]) -> Tensor:
        """Unit Gaussian noise (M, C, H, W) from the streams that `keys` name, on the CPU."""
        return torch.from_numpy(normals(self.seed, keys, self.shape))

    @property
    def keys(self) -> list[Key]:
        """The keys of the images' own streams."""
        return [(k,) for k in self.numbers]

    def tries(self, count: int | None = None) -> "Tries":
        """`count` Gaussian noises for each image, by default `candidates`.

        The first of each is the image's own, as `gaussian()` gives it.
        """
        count = self.candidates if count is None else count
        keys: list[Key] = [(k,) if j == 0 else (k, j) for k in self.numbers for j in range(count)]
        z = self.noise(keys)
        condition = self.condition.repeat(count)
        return Tries(z, keys, condition, np.repeat(self.labels, count), count)


@dataclass(frozen=True, repr=False)
class Tries(Outlined):
    """Several candidates for each image: row i * count + j is candidate j of image i.

    Attributes:
        z: unit noise (N * count, C, H, W).
        keys: the stream that each came from.
        condition: what the denoiser is told, row by row.
        labels: int64 (N * count,), indices into the task's class names.
        count: how many candidates each image has.
    """

    z: Tensor
    keys: list[Key]
    condition: Condition
    labels: np.ndarray
    count: int

    def __getitem__(self, rows: slice) -> "Tries":
        """Some of the rows."""
        part = self.z[rows], self.keys[rows], self.condition[rows], self.labels[rows]
        return Tries(*part, self.count)

    def best(self, scores: Tensor, x: Tensor | None = None) -> Start:
        """Keep the candidate of the highest score for each image, the first of equal ones.

        Args:
            scores: one for each row; NaN never wins.
            x: the finished images of all rows, if they have been drawn.

        Returns:
            The chosen noise, with its keys and images.

        Raises:
            InkseedError: for another number of scores.
        """
        table = comparable(torch.as_tensor(scores))
        if table.shape != (len(self.z),):
            raise InkseedError(
                f"give one score for each of {len(self.z)} tries, not {tuple(table.shape)}"
            )
        table = table.view(-1, self.count)
        rows = table.argmax(1) + torch.arange(len(table)) * self.count
        chosen = [self.keys[row] for row in rows.tolist()]
        return Start(self.z[rows], chosen, None if x is None else x[rows])


def comparable(scores: Tensor) -> Tensor:
    """Scores without gradients, NaN lowest."""
    return scores.detach().nan_to_num(nan=-torch.inf, posinf=torch.inf, neginf=-torch.inf)


Strategy = Callable[[Task], Tensor | Start]
"""A strategy for the starting noise: unit noise (N, C, H, W) alone, or a `Start`."""
