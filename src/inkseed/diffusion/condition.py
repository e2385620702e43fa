"""What an image is to be: its label and, if the model takes them, its style and its hand."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from inkseed.outline import Outlined

STYLE_DROP, ATTRIBUTE_DROP = 0.5, 0.2


@dataclass(frozen=True, repr=False, eq=False)
class Condition(Outlined):
    """What N images are to be, a row for each; every part may be left free.

    Attributes:
        label: int64 (N,), class indices; any index where the label is free.
        free_label: bool (N,), whether the label is left free.
        style: float32 (N, S), the attributes in their units, NaN where one is free; None for
            models that take none.
        hand: float32 (N, H), a row of NaN where it is free; None for models that take none.
        bend: float32 (N, 6), how an image was bent in training, 0 where it was not; else None.
        guide_w: float32 (N,), the strength of guidance, for models that take it as an input; None
            is 0. It says how an image is drawn rather than what it is to be, so nothing drops it.
    """

    label: Tensor
    free_label: Tensor
    style: Tensor | None = None
    hand: Tensor | None = None
    bend: Tensor | None = None
    guide_w: Tensor | None = None

    @classmethod
    def of(cls, told: "Condition | Tensor", style: Tensor | None = None) -> "Condition":
        """A condition as it is, or a new one from labels (N,), -1 where free, and styles (N, S)."""
        return told if isinstance(told, Condition) else cls(told.clamp(min=0), told < 0, style)

    @classmethod
    def cat(cls, conditions: Sequence["Condition"]) -> "Condition":
        """The rows of conditions that have the same parts, one condition after the other."""
        parts = [each._parts() for each in conditions]
        return cls(**{name: torch.cat([each[name] for each in parts]) for name in parts[0]})

    def __len__(self) -> int:
        return len(self.label)

    def __getitem__(self, rows: slice | Tensor | np.ndarray) -> "Condition":
        return Condition(**{name: part[rows] for name, part in self._parts().items()})

    def to(self, device: torch.device) -> "Condition":
        """The same on another device."""
        return Condition(**{name: part.to(device) for name, part in self._parts().items()})

    def repeat(self, count: int) -> "Condition":
        """Each row `count` times, row by row."""
        return self[torch.arange(len(self), device=self.label.device).repeat_interleave(count)]

    def null(self) -> "Condition":
        """The condition that leaves everything free, for as many images."""
        return self._without(torch.ones_like(self.free_label))

    def drop(
        self, drop_prob: float | Tensor, generator: torch.Generator | None = None
    ) -> "Condition":
        """Leave parts free at random, so that a network learns to do without them.

        With probability `drop_prob`, one for all or (N,), an image loses everything: the null of
        classifier-free guidance. Of the others that have a style, half lose the whole style, since
        most requests give a label alone; of the rest each attribute is left free one time in five.
        `generator` is on the CPU; None is torch's own.
        """
        everything = torch.rand(len(self), generator=generator) < drop_prob
        kept = self
        if self.style is not None:
            style = torch.rand(len(self), 1, generator=generator) < STYLE_DROP
            each = torch.rand(*self.style.shape, generator=generator) < ATTRIBUTE_DROP
            kept = replace(self, style=_freed(self.style, style | each))
        return kept._without(everything.to(self.label.device))

    def _without(self, rows: Tensor) -> "Condition":
        """The same, with everything free in these rows, bool (N,)."""
        return replace(
            self,
            free_label=self.free_label | rows,
            style=_freed(self.style, rows[:, None]),
            hand=_freed(self.hand, rows[:, None]),
        )

    def _parts(self) -> dict[str, Tensor]:
        return {name: part for name, part in vars(self).items() if part is not None}


def _freed(part: Tensor | None, where: Tensor) -> Tensor | None:
    return None if part is None else part.masked_fill(where.to(part.device), torch.nan)
