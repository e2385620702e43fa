"""What a step of training sees: images in the order of the run, what they are, and their hands."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from threading import Lock

import numpy as np
import torch
from torch import Tensor

from inkseed.data.labelled import LabelledImages, to_tensor
from inkseed.data.style import measure_style
from inkseed.diffusion.condition import Condition
from inkseed.outline import Outlined
from inkseed.rng import Purpose, state, stream
from inkseed.training.bends import draw_bends
from inkseed.training.fellows import Fellows, HandDigits

WITH_HAND, TOLD_BEND = 2, 8  # one image in so many
PASSES = 2  # in memory: a batch may lie in both


@dataclass(frozen=True, repr=False)
class Examples(Outlined):
    """Labelled images, and what is known of them or measured when asked.

    Attributes:
        images: the images.
        known_style: slant in degrees and thickness in pixels, (N,) each; None: they are measured.
        parts: the digits that each was made of, indices (N, k) into those that hands are drawn
            from; None: each is one of them, in the same order.
        digits: single digits, which hands are drawn from; None: the images themselves.
    """

    images: LabelledImages
    known_style: tuple[np.ndarray, np.ndarray] | None = None
    parts: np.ndarray | None = None
    digits: LabelledImages | None = None

    @cached_property
    def style(self) -> tuple[np.ndarray, np.ndarray]:
        """Slant in degrees and thickness in pixels, (N,) each."""
        return self.known_style or measure_style(self.images.images)

    def condition(self, styled: bool) -> Condition:
        """The condition that describes each image: its label and, if `styled`, its style."""
        label = torch.from_numpy(self.images.labels.astype(np.int64))
        style = torch.from_numpy(np.stack(self.style, 1)).float() if styled else None
        return Condition.of(label, style)

    def made_of(self) -> np.ndarray:
        """The digits that each image was made of, int64 (N, k)."""
        return np.arange(len(self.images))[:, None] if self.parts is None else self.parts


@dataclass(frozen=True)
class Batch:
    """B images float32 (B, 1, H, W), what they are and, where hands are learned, their hands."""

    x: Tensor
    condition: Condition
    hands: HandDigits | None = None

    @property
    def others(self) -> Tensor:
        """Which images pass for another writer's, bent with their hands: bool (B,)."""
        row = torch.arange(len(self.x), device=self.x.device)
        given = 0 if self.hands is None else len(self.hands.counts)
        return (row < given) & (row % 2 == 0)

    def to(self, device: torch.device) -> "Batch":
        """The same on another device."""
        x = self.x.to(device, memory_format=torch.channels_last)
        hands = None if self.hands is None else self.hands.to(device)
        return Batch(x, self.condition.to(device), hands)


class Batches:
    """The endless sequence of a run's images: one shuffled pass after another, in equal batches.

    Args:
        of_pass: the examples of pass k, as many in each pass; those of the last two are kept.
        styled: whether slant and thickness are told.
        batch_size: images in a batch.
        key: the run's seed, and the purpose of their order.
        hands: whether half of each batch comes with hands.
        bends: whether some of those that have hands are to be bent.
    """

    def __init__(
        self,
        of_pass: Callable[[int], Examples],
        styled: bool,
        batch_size: int,
        key: tuple[int, Purpose],
        hands: bool = False,
        bends: bool = True,
    ) -> None:
        self.of_pass, self.styled, self.batch_size, self.key = of_pass, styled, batch_size, key
        self.bends = bends
        first = of_pass(0)
        self.size = len(first.images)
        self.fellows = Fellows(first.digits or first.images) if hands else None
        self._pass = lru_cache(PASSES)(self._begin_pass)
        self._one_at_a_time = Lock()  # several threads may make batches

    def __getitem__(self, step: int) -> Batch:
        """Batch number `step`, whatever came before."""
        places = torch.arange(step * self.batch_size, (step + 1) * self.batch_size)
        x, conditions, parts = [], [], []
        for number in (places // self.size).unique().tolist():
            with self._one_at_a_time:
                examples, own, order = self._pass(number)
            indices = order[places[places // self.size == number] % self.size]
            x.append(to_tensor(examples.images.images[indices.numpy()]))
            conditions.append(own[indices])
            if self.fellows is not None:
                parts.append(examples.made_of()[indices.numpy()])
        batch = Batch(torch.cat(x), Condition.cat(conditions))
        if self.fellows is None:
            return batch
        return self._with_hands(batch, np.concatenate(parts), step)

    def _with_hands(self, batch: Batch, parts: np.ndarray, step: int) -> Batch:
        """The first half gets hands; half of those, and an eighth of all, are to be bent.

        Bent together with its hand, an image passes for another writer's, of whom nothing is told
        but the hand; bent alone it is told how. Neither keeps its style, which was measured before.
        """
        assert self.fellows is not None
        seed, n = self.key[0], len(batch.x)
        given = n // WITH_HAND
        hands = self.fellows.draw(parts[:given], state(seed, Purpose.FELLOWS, self.key[1], step))
        whole = replace(batch, hands=hands)
        if not self.bends:
            return whole
        turn = batch.x.shape[-1] == batch.x.shape[-2]  # a line of digits stays level
        bend = draw_bends(n, turn, stream(seed, Purpose.BENDS, self.key[1], step))
        moved = whole.others | (torch.arange(n) >= n - n // TOLD_BEND)
        bend = bend * moved[:, None]
        style = batch.condition.style
        if style is not None:
            style = style.masked_fill(moved[:, None], torch.nan)
        return replace(whole, condition=replace(batch.condition, style=style, bend=bend))

    def _begin_pass(self, number: int) -> tuple[Examples, Condition, Tensor]:
        """Images, what they are, and order of a pass."""
        examples = self.of_pass(number)
        order = torch.randperm(self.size, generator=stream(*self.key, number))
        return examples, examples.condition(self.styled), order
