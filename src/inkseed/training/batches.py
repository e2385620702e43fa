"""The order in which a run sees its images: pass after pass, in equal batches."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from inkseed.data.labelled import LabelledImages, to_tensor
from inkseed.data.style import measure_style
from inkseed.diffusion.condition import Condition
from inkseed.outline import Outlined
from inkseed.rng import Purpose, stream


@dataclass(frozen=True, repr=False)
class Examples(Outlined):
    """Labelled images with their slant and thickness, given or measured when first needed."""

    images: LabelledImages
    known_style: tuple[np.ndarray, np.ndarray] | None = None

    @cached_property
    def style(self) -> tuple[np.ndarray, np.ndarray]:
        """Slant in degrees and thickness in pixels, (N,) each."""
        return self.known_style or measure_style(self.images.images)

    def condition(self, styled: bool) -> Condition:
        """The condition that describes each image: its label and, if `styled`, its style."""
        label = torch.from_numpy(self.images.labels.astype(np.int64))
        style = torch.from_numpy(np.stack(self.style, 1)).float() if styled else None
        return Condition.of(label, style)


class Batches:
    """The endless sequence of a run's images: one shuffled pass after another, in equal batches.

    `of_pass(k)` gives the examples of pass k, the same number in each; the last are cached.
    """

    def __init__(
        self,
        of_pass: Callable[[int], Examples],
        styled: bool,
        batch_size: int,
        key: tuple[int, Purpose],
    ) -> None:
        self.of_pass, self.styled, self.batch_size, self.key = of_pass, styled, batch_size, key
        self.size = len(of_pass(0).images)
        self._last: tuple[int, np.ndarray, Condition, Tensor] | None = None

    def __getitem__(self, step: int) -> tuple[Tensor, Condition]:
        """Batch number `step`, independent of earlier ones: float32 (B, 1, H, W) and condition."""
        places = torch.arange(step * self.batch_size, (step + 1) * self.batch_size)
        x, conditions = [], []
        for number in (places // self.size).unique().tolist():
            images, own, order = self._pass(number)
            indices = order[places[places // self.size == number] % self.size]
            x.append(to_tensor(images[indices.numpy()]))
            conditions.append(own[indices])
        return torch.cat(x), Condition.cat(conditions)

    def _pass(self, number: int) -> tuple[np.ndarray, Condition, Tensor]:
        """The images, conditions and order of a pass."""
        if self._last is None or self._last[0] != number:
            examples = self.of_pass(number)
            order = torch.randperm(self.size, generator=stream(*self.key, number))
            told = examples.condition(self.styled)
            self._last = (number, examples.images.images, told, order)
        return self._last[1:]
