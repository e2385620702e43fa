"""A run: a request bound to a model, with everything settled except the noise."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from copy import copy
from dataclasses import InitVar, dataclass

import numpy as np
import torch
from torch import Tensor

from inkseed.diffusion.condition import Condition
from inkseed.diffusion.counter import Counter
from inkseed.diffusion.denoiser import Denoiser, in_float32
from inkseed.diffusion.schedule import Schedule, times
from inkseed.errors import InkseedError
from inkseed.model.hand import AnyHand
from inkseed.model.request import CANDIDATES, Request, strategy_of
from inkseed.model.sampling import Sampling
from inkseed.model.taught import names_posterior_means, needs_posterior_mean
from inkseed.nn.precision import computing_in
from inkseed.noise import Task
from inkseed.outline import Outlined
from inkseed.registry import home
from inkseed.rng import Key
from inkseed.samplers import Step, ddim, invert
from inkseed.samplers.fresh_noise import SamplerNoise


@dataclass(repr=False, eq=False)
class BoundRequest(Outlined):
    """Noise in, images out, under the settings of one request.

    `model.bind(request)` makes one. `plain` is the conditional denoiser, and `denoiser` the same
    under the request's guidance. Every evaluation of either is counted in `evaluations`, and
    computed in the request's precision; `ddim` and `undo` always use float32, since in bfloat16
    they would not undo each other. Rows are drawn `batch_size` at a time, so there may be any
    number. All tensors passed in and returned are on the CPU. Row i is drawn under row i of
    `condition`, by default that of the request's own images, and the sampler takes its own noise
    from the stream `keys[i]`.
    """

    request: Request
    own: InitVar[Denoiser]  # the model's denoiser, uncounted
    schedule: Schedule
    sampling: Sampling
    condition: Condition  # of the request's images, in order
    class_names: tuple[str, ...]
    shape: tuple[int, int, int]  # (C, H, W) of an image
    device: torch.device
    on_evaluations: Callable[[int], object] | None = None
    hands: Sequence[AnyHand | None] = ()  # that the condition tells of, one for each image

    def __post_init__(self, own: Denoiser) -> None:
        self.strategy = strategy_of(self.request, (len(self.request), *self.shape))
        self.counter = Counter(self.on_evaluations)
        self._counting = _Counting(self.counter, self.sampling.precision)
        self._denoises = names_posterior_means(own)
        plain = self.counter.watch(own)
        self.plain = self._counted(plain)
        self.denoiser = self._counted(
            self.counter.watch(self.sampling.guided(plain, self.schedule))
        )

    @property
    def seed(self) -> int:
        """The request's seed."""
        return self.request.seed

    @property
    def candidates(self) -> int:
        """How many noises a search may try for each image."""
        asked = self.request.candidates
        return CANDIDATES if asked is None else asked

    @property
    def batch_size(self) -> int:
        """How many rows are drawn at a time."""
        return self.request.rows(self.shape, self.device.type)

    @property
    def evaluations(self) -> int:
        """Network evaluations that drawing has cost so far."""
        return self.counter.evaluations

    @property
    def steps(self) -> int:
        """How many steps the sampler takes."""
        return self.sampling.steps

    @property
    def spacing(self) -> str:
        """How the steps are spaced."""
        return self.sampling.spacing

    @property
    def times(self) -> Tensor:
        """The request's times, float64 (steps + 1,), from 1 to 0."""
        return self.sampling.times(self.schedule)

    def check_posterior_mean(self, what: str) -> None:
        """Raise InkseedError if `what` needs one and the denoiser is none: a consistency model."""
        if not self._denoises:
            raise needs_posterior_mean(what)

    def counting(self) -> AbstractContextManager[None]:
        """A context in which all evaluations are counted here, backward passes included.

        The methods open it themselves. Open it around several calls if gradients flow between them.
        """
        return self._counting.open()

    def tasks(self) -> Iterator[Task]:
        """The request batch by batch, as noise strategies see it."""
        labels = np.asarray(self.request.labels)
        for begin in range(0, len(labels), self.batch_size):
            rows = slice(begin, min(begin + self.batch_size, len(labels)))
            part = copy(self)  # with the same counter
            part.condition = self.condition[rows]
            yield Task(
                condition=part.condition,
                labels=labels[rows],
                class_names=self.class_names,
                seed=self.seed,
                numbers=self.request.numbers[rows],
                shape=self.shape,
                sampler=part,
                candidates=self.candidates,
                budget=self.request.budget,
                begin=self.request.begin + begin,
            )

    def states(
        self, z: Tensor, keys: Sequence[Key], condition: Condition | None = None
    ) -> Iterator[Step]:
        """Yield the states from unit noise z (N, C, H, W) to images, in one batch.

        Raises InkseedError for a sampler that yields nothing or states of another shape, and for a
        user's own that fails.
        """
        walked = self._walk(z, keys, self._condition(condition, len(z)))
        while True:
            with self.counting():
                step = next(walked, None)
            if step is None:
                return
            yield step

    def images(self, z: Tensor, keys: Sequence[Key], condition: Condition | None = None) -> Tensor:
        """Unit noise (M, C, H, W) -> images in [-1, 1], not clipped."""
        return self.guesses(z, keys, None, condition)

    def guesses(
        self,
        z: Tensor,
        keys: Sequence[Key],
        steps: int | None,
        condition: Condition | None = None,
    ) -> Tensor:
        """The x_0 predicted after `steps` steps; for None, the finished images.

        Raises InkseedError for fewer than one step.
        """
        if steps is not None and steps < 1:
            raise InkseedError(f"a guess needs 1 step or more, not {steps}")
        told, found = self._condition(condition, len(z)), []
        with self.counting():
            for rows in self._batches(len(z)):
                walked = self._walk(z[rows], keys[rows], told[rows])
                for taken, step in enumerate(walked, start=1):
                    last = step.x if steps is None else step.x_0
                    if taken == steps:
                        break
                found.append(last)
        return torch.cat(found)

    def ddim(self, z: Tensor, steps: int, condition: Condition | None = None) -> Tensor:
        """Unit noise (M, C, H, W) -> images by unguided DDIM in float32; `undo` is its inverse."""
        scale = self.schedule.start_scale
        return self._along(ddim, scale * z, steps, condition)

    def undo(self, x: Tensor, steps: int, condition: Condition | None = None) -> Tensor:
        """Images (M, C, H, W), as `ddim` left them -> the unit noise that DDIM inverts them to."""
        return self._along(invert, x, steps, condition) / self.schedule.start_scale

    def _walk(self, z: Tensor, keys: Sequence[Key], condition: Condition) -> Iterator[Step]:
        noise = SamplerNoise(self.seed, keys, z.shape[1:], self.device)
        walk, step = self.sampling.walk, None
        try:
            for step in walk(
                self.denoiser,
                self.schedule,
                self.schedule.start_scale * z.to(self.device),
                condition.to(self.device),
                self.times,
                noise,
            ):
                if step.x.shape != z.shape or step.x_0.shape != z.shape:
                    raise InkseedError("the sampler yielded images of another shape than x_T")
                yield Step(step.t, step.x.cpu(), step.x_0.cpu())
        except (InkseedError, MemoryError):
            raise
        except Exception as error:
            if home(walk).startswith("inkseed."):
                raise  # our own mistake
            raise InkseedError(f"the sampler failed: {type(error).__name__}: {error}") from error
        if step is None:
            raise InkseedError(
                "the sampler yielded no step: it must yield one for each time but the first"
            )

    def _along(
        self,
        walk: Callable[..., Iterator[Step]],
        x: Tensor,
        steps: int,
        condition: Condition | None,
    ) -> Tensor:
        self.check_posterior_mean("the inversion of DDIM")
        grid = times(self.schedule, steps, self.spacing)
        told, denoiser, found = self._condition(condition, len(x)), in_float32(self.plain), []
        with self.counting():
            for rows in self._batches(len(x)):
                start, part = x[rows].to(self.device), told[rows].to(self.device)
                for step in walk(denoiser, self.schedule, start, part, grid):
                    last = step.x
                found.append(last.cpu())
        return torch.cat(found)

    def _condition(self, condition: Condition | Tensor | None, count: int) -> Condition:
        """The condition of `count` rows. Raises InkseedError if it has another number of rows."""
        told = self.condition if condition is None else condition
        if not isinstance(told, Condition | Tensor) or len(told) != count:
            raise InkseedError(f"give the condition of the {count} noises, with a row for each")
        return Condition.of(told)

    def _counted(self, denoiser: Denoiser) -> Denoiser:
        """The same denoiser, counted and in the request's precision wherever it is called."""

        def counted(x_t: Tensor, t: Tensor, condition: Condition) -> Tensor:
            with self.counting():
                return denoiser(x_t, t, condition)

        return counted

    def _batches(self, count: int) -> list[slice]:
        return [slice(k, k + self.batch_size) for k in range(0, count, self.batch_size)]


class _Counting:
    """Opens a counter and sets the precision; opening it again inside does nothing."""

    def __init__(self, counter: Counter, precision: str) -> None:
        self.counter, self.precision, self.is_open = counter, precision, False

    @contextmanager
    def open(self) -> Iterator[None]:
        if self.is_open:
            yield
            return
        self.is_open = True
        try:
            with self.counter, computing_in(self.precision):
                yield
        finally:
            self.is_open = False
