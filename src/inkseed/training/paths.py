"""Distillation: states on a guided teacher's deterministic paths, each with where its path ends.

A student that names the end from any state needs one evaluation where its teacher takes many
(trajectory regression: Hu et al., arXiv 2509.24526; Luhman and Luhman, arXiv 2101.02388). Guidance
becomes an input (Meng et al., arXiv 2210.03142).
"""

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from inkseed.diffusion.condition import Condition
from inkseed.diffusion.denoiser import Noising
from inkseed.diffusion.guidance import ClassifierFreeGuidance, GuidanceInterval
from inkseed.errors import InkseedError
from inkseed.model.loading import load
from inkseed.model.model import Model
from inkseed.model.sampling import SamplingOptions
from inkseed.nn.precision import computing_in, fast_precision
from inkseed.rng import Purpose, stream
from inkseed.samplers import dpm_solver
from inkseed.training.batches import Batch, Batches
from inkseed.training.fellows import with_free
from inkseed.training.objective import Drawn
from inkseed.training.recipes import Recipe

PREDICTION = "edm"  # of a teacher: its student's network is built like it
UNGUIDED = 0.25  # of the paths, exactly; the others' log(1 + w) is uniform
FROZEN = ("encoder", "bend")  # parts of the network that stay the teacher's


@dataclass(frozen=True)
class _Round:
    """A batch of paths, ready to be learned from in as many steps as a path has."""

    number: int
    states: Tensor  # (steps * B, C, H, W), the first states of all paths first
    ends: Tensor  # (B, C, H, W)
    condition: Condition  # of B paths
    order: Tensor  # of all states


def load_teacher(recipe: Recipe, device: torch.device) -> Model | None:
    """The teacher that a recipe names, on a device; None for a recipe without one.

    Raises InkseedError for a teacher that does not predict as EDM's network does, such as another
    student, and for one without hands where the student is to learn them.
    """
    if not recipe.teacher:
        return None
    teacher = load(recipe.teacher, device)
    if teacher.config.prediction.get("name") != PREDICTION:
        raise InkseedError(f'a teacher predicts as "{PREDICTION}" does: name one such as digits')
    if recipe.hands and not teacher.knows_hands:
        raise InkseedError("the teacher knows no hands: set hands = false in the recipe")
    return teacher


class Paths:
    """What the steps of a student's training learn from: each a batch of states, well mixed.

    Args:
        teacher: walks the paths, at its own spacing and guidance interval.
        batches: conditions come from their images and hands.
        recipe: the student's.
        purpose: what is random in a path is drawn for.
    """

    def __init__(
        self, teacher: Model, batches: Batches, recipe: Recipe, purpose: Purpose = Purpose.PATHS
    ) -> None:
        self.teacher, self.batches, self.recipe = teacher, batches, recipe
        self.purpose, self.steps = purpose, recipe.path_steps
        self.encoder = getattr(teacher.network, "encoder", None)
        own = teacher.settings()
        asked = SamplingOptions(sampler="dpm_solver", steps=self.steps, spacing=own.spacing)
        how = teacher.settle(asked)
        self.times, self.interval = how.times(teacher.schedule), how.guide_interval
        self.most_guide_w = float(recipe.network.get("guide", 0.0))
        self._last: _Round | None = None

    def __call__(self, step: int) -> Drawn:
        """The batch of step `step`, whatever came before, on the teacher's device."""
        number, place = divmod(step, self.steps)
        if self._last is None or self._last.number != number:
            self._last = self._walk(number)
        found, n = self._last, len(self._last.ends)
        rows = found.order[place * n : (place + 1) * n]
        path, t = rows % n, self.times[rows.cpu() // n]  # as `states` lie: all paths, time by time
        x, end = found.states[rows], found.ends[path]
        at = Noising.at(self.teacher.schedule, t, x)
        eps = (x - at.alpha * end) / at.sigma  # for which, in the loss, x_0 is the path's end
        return Drawn(Batch(end, found.condition[path]), replace(at, eps=eps))

    @torch.no_grad()
    def _walk(self, number: int) -> _Round:
        batch, device = self.batches[number], self.teacher.device
        generator = stream(self.recipe.seed, self.purpose, number)
        n, schedule = len(batch.x), self.teacher.schedule
        z = torch.randn(batch.x.shape, generator=generator)
        guide_w = self.strengths(n, generator)
        told = batch.condition.drop(0.0, generator).to(device)  # styles are hidden, labels never
        order = torch.randperm(n * self.steps, generator=generator)
        with computing_in(fast_precision(device)):
            told = replace(told, hand=self._hands(batch, n))
            own, w = self.teacher.denoiser, guide_w.to(device)
            denoiser = GuidanceInterval(
                ClassifierFreeGuidance(own, w[:, None, None, None]),
                own,
                schedule,
                *self.interval,
            )
            start = (schedule.start_scale * z).to(device)
            steps = dpm_solver(denoiser, schedule, start, told, self.times)
            *states, end = start, *(step.x for step in steps)
        told = replace(told, guide_w=w)
        return _Round(number, torch.cat(states), end.clamp(-1, 1), told, order.to(device))

    def strengths(self, count: int, generator: torch.Generator) -> Tensor:
        """guide_w of so many paths, (count,)."""
        even = torch.rand(count, generator=generator) * math.log1p(self.most_guide_w)
        unguided = torch.rand(count, generator=generator) < UNGUIDED
        return torch.expm1(even).masked_fill(unguided, 0.0)

    def _hands(self, batch: Batch, count: int) -> Tensor | None:
        """Hands of the first paths by the teacher's encoder, a row of NaN for all others."""
        if batch.hands is None or self.encoder is None:
            return None
        return with_free(batch.hands.to(self.teacher.device).read(self.encoder), count)
