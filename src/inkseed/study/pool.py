"""Pools: several starting noises per image, all drawn and scored once, for all selectors."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from inkseed.data.labelled import to_uint8
from inkseed.evaluation.sets import digits_to_labels
from inkseed.model.drawing import check_finite
from inkseed.model.model import Model
from inkseed.model.request import Request
from inkseed.model.sampling import SamplingOptions
from inkseed.noise import judge_a
from inkseed.noise.stability import ddim_stability, renoise_stability
from inkseed.outline import Outlined

SCORES = ("stability", "renoise", "judge", "ink")


@dataclass(frozen=True, repr=False)
class Pool(Outlined):
    """K candidates for each of N images; candidate 0 starts from the image's own noise."""

    labels: np.ndarray  # int64 (N,): the digits requested
    images: np.ndarray  # uint8 (N, K, H, W)
    scores: Mapping[str, np.ndarray]  # by the names in SCORES, float64 (N, K)

    def prefix(self, candidates: int) -> "Pool":
        """The pool with only the first `candidates`: what a smaller search would have seen."""
        scores = {name: score[:, :candidates] for name, score in self.scores.items()}
        return Pool(self.labels, self.images[:, :candidates], scores)

    def pick(self, score: np.ndarray) -> np.ndarray:
        """Each image's candidate with the highest score (N, K): uint8 (N, H, W)."""
        best = np.nan_to_num(score, nan=-np.inf, neginf=-np.inf).argmax(1)
        return self.images[np.arange(len(self.labels)), best]

    def arrays(self) -> dict[str, np.ndarray]:
        """The pool as named arrays, for an .npz."""
        return {"labels": self.labels, "images": self.images, **self.scores}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> "Pool":
        """A pool from what `arrays` returned."""
        return cls(arrays["labels"], arrays["images"], {name: arrays[name] for name in SCORES})

    @classmethod
    def join(cls, pools: "list[Pool]") -> "Pool":
        """The pools of several seeds as one."""
        parts = [pool.arrays() for pool in pools]
        return cls.from_arrays({key: np.concatenate([p[key] for p in parts]) for key in parts[0]})


def draw_pool(
    model: Model,
    digits: np.ndarray,
    seed: int,
    candidates: int,
    how: Mapping[str, Any],
    tell: Callable[[int], object] | None = None,
) -> Pool:
    """Draw `candidates` images for each digit, from the noises that strategies try.

    `how` has settings of `Model.sample`. Of the scores, `judge` is judge A's log-probability of the
    digit and `ink` the mean ink of the image; the stabilities are those of
    `inkseed.noise.stability`.
    """
    images, scores = [], []
    request = Request(digits_to_labels(model, digits), seed, SamplingOptions(**how))
    run = model.bind(request, tell)
    for task in run.tasks():
        tries = task.tries(candidates)
        x = run.images(tries.z, tries.keys, tries.condition)
        check_finite(x[::candidates])
        found = (
            ddim_stability(run, tries.z, tries.condition),
            renoise_stability(run, tries),
            judge_a.log_probability(task, x, tries.labels),
            (x.clamp(-1, 1).mean((1, 2, 3)) + 1) / 2,
        )
        images.append(to_uint8(x))
        scores.append(torch.stack(found))
    shape = (len(digits), candidates)
    table: Tensor = torch.cat(scores, 1).double()
    return Pool(
        labels=digits,
        images=np.concatenate(images).reshape(*shape, *model.image_size),
        scores={name: row.reshape(shape) for name, row in zip(SCORES, table.numpy(), strict=True)},
    )


def pool_cost(model: Model, how: Mapping[str, Any], candidates: int) -> int:
    """Network evaluations of a pool per image: each candidate is drawn in three ways."""
    draw = model.cost(**how)
    names = ("stability", "stability_renoise")
    scored = sum(model.cost(**how, noise=name, candidates=candidates) - draw for name in names)
    return candidates * draw + scored
