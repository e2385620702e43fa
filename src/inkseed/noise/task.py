"""What a strategy is given, and what it gives back."""

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
    """Where images begin: their unit noise (N, C, H, W), and what else a strategy has settled.

    `keys` name the streams that z is the Gaussian noise of, and that the sampler draws its own
    noise from. None: z is no stream's, and the sampler draws from the images' own.
    `x` are the finished images (N, C, H, W) in [-1, 1], from strategies that draw them themselves.
    """

    z: Tensor
    keys: Sequence[Key] | None = None
    x: Tensor | None = None


@dataclass(frozen=True, repr=False)
class Task(Outlined):
    """Images to find a starting noise for: row i is image `numbers[i]` of the request.

    A strategy sees one batch of a request at a time, and must give an image the same noise whatever
    else is in its batch: draw from the streams of its number, or of numbers that belong to it.
    """

    condition: Condition  # what the denoiser is told: labels, and styles where asked for
    labels: np.ndarray  # int64 (N,): indices into class_names
    class_names: tuple[str, ...]
    seed: int
    numbers: Sequence[int]
    shape: tuple[int, int, int]  # (C, H, W)
    sampler: Run
    candidates: int  # how many a search may try for each image
    budget: int | None = None  # evaluations that an image may cost in all; None: any number
    first: int = 0  # the number of the request's first image

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def rows(self) -> list[int]:
        """Where the images stand in the request, from 0."""
        return [k - self.first for k in self.numbers]

    def gaussian(self, numbers: Sequence[int] | None = None) -> Tensor:
        """The unit Gaussian noise of the images' own streams, (N, C, H, W); or of others'."""
        wanted = self.numbers if numbers is None else numbers
        return self.noise([(k,) for k in wanted])

    def noise(self, keys: Sequence[Key]) -> Tensor:
        """Unit Gaussian noise (M, C, H, W) of the streams that `keys` name, on the CPU."""
        return torch.from_numpy(normals(self.seed, keys, self.shape))

    @property
    def keys(self) -> list[Key]:
        """The images' own streams."""
        return [(k,) for k in self.numbers]

    def tries(self, count: int | None = None) -> "Tries":
        """`count` Gaussian noises for each image, by default `candidates` of them.

        The first is the image's own, `gaussian()`'s.
        """
        count = self.candidates if count is None else count
        keys: list[Key] = [(k,) if j == 0 else (k, j) for k in self.numbers for j in range(count)]
        z = self.noise(keys)
        condition = self.condition.repeat(count)
        return Tries(z, keys, condition, np.repeat(self.labels, count), count)


@dataclass(frozen=True, repr=False)
class Tries(Outlined):
    """Several candidates for each image, image by image: row i * count + j is try j of image i."""

    z: Tensor  # (N * count, C, H, W)
    keys: list[Key]
    condition: Condition
    labels: np.ndarray
    count: int

    def __getitem__(self, rows: slice) -> "Tries":
        """Some of the tries."""
        part = self.z[rows], self.keys[rows], self.condition[rows], self.labels[rows]
        return Tries(*part, self.count)

    def best(self, scores: Tensor, x: Tensor | None = None) -> Start:
        """Each image's try of the highest score (M,); of equal ones the first. NaN never wins.

        `x` are the finished images of all tries, where they have been drawn. Raises InkseedError
        for another number of scores.
        """
        table = comparable(torch.as_tensor(scores))
        if table.shape != (len(self.z),):
            raise InkseedError(f"{len(self.z)} tries need a score each, not {tuple(table.shape)}")
        table = table.view(-1, self.count)
        rows = table.argmax(1) + torch.arange(len(table)) * self.count
        chosen = [self.keys[row] for row in rows.tolist()]
        return Start(self.z[rows], chosen, None if x is None else x[rows])


def comparable(scores: Tensor) -> Tensor:
    """Scores without gradients, NaN below all others."""
    return scores.detach().nan_to_num(nan=-torch.inf, posinf=torch.inf, neginf=-torch.inf)


Strategy = Callable[[Task], Tensor | Start]
"""A strategy for the starting noise: unit noise (N, C, H, W) alone, or a `Start`."""
