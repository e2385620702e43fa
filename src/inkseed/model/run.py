"""A request's sampler with everything settled but the noise: what a strategy may draw with."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from inkseed.diffusion.denoiser import Denoiser, in_float32
from inkseed.diffusion.schedule import Schedule, times
from inkseed.errors import InkseedError
from inkseed.model.sampling import Sampling
from inkseed.registry import home
from inkseed.rng import Key
from inkseed.samplers import Step, ddim, invert
from inkseed.samplers.fresh_noise import SamplerNoise


class BoundSampler:
    """Noise in, images out, by the denoisers, the sampler and the steps of one request.

    `plain` is the conditional denoiser and `denoiser` the same under the request's guidance; one
    ledger counts both. Both compute in the request's precision, but for `ddim` and `undo`: these
    undo each other in float32 alone. Rows are drawn `batch_size` at a time, so any number may be
    asked for. All tensors that come and go lie on the CPU. Row i of what is drawn belongs to row i
    of `condition` and, where the sampler draws noise on its way, to the sampler's stream of
    `keys[i]`.
    """

    def __init__(
        self,
        plain: Denoiser,
        denoiser: Denoiser,
        schedule: Schedule,
        how: Sampling,
        seed: int,
        device: torch.device,
        batch_size: int,
    ) -> None:
        self.plain, self.denoiser, self.schedule, self.how = plain, denoiser, schedule, how
        self.seed, self.device, self.batch_size = seed, device, batch_size

    @property
    def steps(self) -> int:
        """How many steps the sampler takes."""
        return self.how.steps

    @property
    def spacing(self) -> str:
        """How they are spaced."""
        return self.how.spacing

    @property
    def times(self) -> Tensor:
        """The request's times, float64 (steps + 1,), from 1 to 0."""
        return self.how.times(self.schedule)

    def walk(self, z: Tensor, condition: Tensor, keys: Sequence[Key]) -> Iterator[Step]:
        """The request's states from unit noise z (N, C, H, W) to images, in one batch, on the CPU.

        Raises InkseedError for a sampler that yields nothing, or no state of z's shape, and for a
        user's own that fails.
        """
        noise, walk = SamplerNoise(self.seed, keys, z.shape[1:], self.device), self.how.walk
        step = None
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
                    raise InkseedError("the sampler yielded images of another shape than x_T's")
                yield Step(step.t, step.x.cpu(), step.x_0.cpu())
        except (InkseedError, MemoryError):
            raise
        except Exception as error:
            if home(walk).startswith("inkseed."):
                raise  # our own mistake
            raise InkseedError(f"the sampler failed: {type(error).__name__}: {error}") from error
        if step is None:
            raise InkseedError("the sampler yielded no step: it must yield one for each time")

    def images(self, z: Tensor, condition: Tensor, keys: Sequence[Key]) -> Tensor:
        """Unit noise (M, C, H, W) -> the request's images in [-1, 1], not clipped."""
        return self.guesses(z, condition, keys, None)

    def guesses(
        self, z: Tensor, condition: Tensor, keys: Sequence[Key], steps: int | None
    ) -> Tensor:
        """What the images look like after `steps` steps: the guess x_0 there; None: at the end.

        Raises InkseedError for fewer than one step.
        """
        if steps is not None and steps < 1:
            raise InkseedError(f"a guess needs a step or more, not {steps}")
        found = []
        for rows in self._batches(len(z)):
            walked = self.walk(z[rows], condition[rows], keys[rows])
            for taken, step in enumerate(walked, start=1):
                last = step.x if steps is None else step.x_0
                if taken == steps:
                    break
            found.append(last)
        return torch.cat(found)

    def ddim(self, z: Tensor, condition: Tensor, steps: int) -> Tensor:
        """Unit noise (M, C, H, W) -> images by unguided DDIM in float32; `undo` is its inverse."""
        scale = self.schedule.start_scale
        return self._along(ddim, scale * z, condition, steps)

    def undo(self, x: Tensor, condition: Tensor, steps: int) -> Tensor:
        """Images (M, C, H, W), as `ddim` left them -> the unit noise that DDIM inverts them to."""
        return self._along(invert, x, condition, steps) / self.schedule.start_scale

    def _along(self, walk, x: Tensor, condition: Tensor, steps: int) -> Tensor:  # type: ignore[no-untyped-def]
        grid = times(self.schedule, steps, self.how.spacing)
        denoiser = in_float32(self.plain)
        found = []
        for rows in self._batches(len(x)):
            start, label = x[rows].to(self.device), condition[rows].to(self.device)
            for step in walk(denoiser, self.schedule, start, label, grid):
                last = step.x
            found.append(last.cpu())
        return torch.cat(found)

    def _batches(self, count: int) -> list[slice]:
        return [slice(k, k + self.batch_size) for k in range(0, count, self.batch_size)]
