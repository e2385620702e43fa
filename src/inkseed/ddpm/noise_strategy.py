"""The report's classes and functions, under its own names, thin over the rooms above.

Randomness: `generator` arguments are optional here and fall back on torch's own generator, because
the report's signatures have no seed. Everything else in inkseed takes a seed.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from torch import Tensor

from inkseed.checks import brief, whole_number
from inkseed.ddpm.simple_diffusion import SimpleDiffusion, image_shape, normal
from inkseed.diffusion.schedule import MAX_STEPS, times
from inkseed.errors import InkseedError
from inkseed.files import check_writable
from inkseed.model.weights import DEFAULT_MODEL
from inkseed.nn import ContextUnet
from inkseed.noise.stability import cosine
from inkseed.samplers import Step, ddim, invert
from inkseed.writing.number import Number, write

__all__ = ["NoiseStrategyDiffusion", "SimpleDiffusion", "generate_samples"]

CANDIDATES_AT_ONCE = 50
MOST_CANDIDATES = 10**7


class NoiseStrategyDiffusion(SimpleDiffusion):
    """The report's noise selection: of K starting noises, keep the most stable under inversion.

    `way` says how noise becomes an image and an image noise again. "ddim" (the default, as in the
    paper behind the idea, Qi et al., arXiv 2407.14041) walks `steps` steps of DDIM there and of its
    inversion back. "report" is the report's listing: the stochastic chain there, and fresh noise
    added step by step back, of which no more than chance can resemble the start (docs/report.md).
    Neither is guided. Raises InkseedError for another way.
    """

    def __init__(
        self,
        nn_model: ContextUnet,
        betas: tuple[float, float],
        n_T: int,
        device: str | torch.device,
        drop_prob: float = 0.1,
        way: str = "ddim",
        steps: int = 50,
    ) -> None:
        super().__init__(nn_model, betas, n_T, device, drop_prob)
        if way not in ("ddim", "report"):
            raise InkseedError(f"way must be 'ddim' or 'report', not {brief(way)}")
        self.way, self.steps = way, whole_number(steps, "steps", 1, MAX_STEPS)

    def compute_inversion_stability(
        self,
        noise: Tensor,
        c: Tensor,
        size: tuple[int, int, int],
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """Cosine similarity (N,) of noise (N, C, H, W) with the noise its image is inverted to."""
        x_0 = self.sample_from_noise(noise, c, size, generator)
        return cosine(noise, self.inverse_noise(x_0, c, generator))

    def noise_selection(
        self,
        K: int,
        c: Tensor | int,
        size: tuple[int, int, int],
        device: str | torch.device,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """Of K starting noises for each label, return the most stable: c (N,) -> (N, C, H, W).

        One label may be a number. Candidates are walked together, `CANDIDATES_AT_ONCE` at a time.
        Raises InkseedError for no candidates or no labels.
        """
        K, device = whole_number(K, "K", 1, MOST_CANDIDATES), self._own(device)
        label = self._labels(torch.as_tensor(c).reshape(-1))
        if not len(label):
            raise InkseedError("no label to choose noise for: give c of shape (N,)")
        size = image_shape(size)
        candidates = normal((len(label) * K, *size), generator, device)
        parts = zip(
            candidates.split(CANDIDATES_AT_ONCE),
            label.repeat_interleave(K).split(CANDIDATES_AT_ONCE),
            strict=True,
        )
        scores = [self.compute_inversion_stability(*part, size, generator) for part in parts]
        best = torch.cat(scores).view(-1, K).argmax(1)
        return candidates.view(-1, K, *size)[torch.arange(len(label)), best]

    def sample_from_noise(
        self,
        noise: Tensor,
        c: Tensor,
        size: tuple[int, int, int],
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """The unguided image (N, C, H, W) that `noise` and labels c (N,) become."""
        if tuple(noise.shape[1:]) != image_shape(size) or len(noise) != len(c):
            raise InkseedError(
                f"noise of {len(c)} labels and this size must be {(len(c), *size)}, not "
                f"{tuple(noise.shape)}"
            )
        c = self._labels(c)
        if self.way == "report":
            return self._walk(noise, c, 0.0, generator)
        return self._deterministic(ddim, noise, c)

    def inverse_noise(
        self, x_0: Tensor, c: Tensor, generator: torch.Generator | None = None
    ) -> Tensor:
        """The noise that the image x_0 (N, C, H, W) of labels c is taken back to.

        The report's way is as listed: its kernel repeats the cumulative product on the previous
        state, and its noise is fresh, so nothing of the starting noise is left in the result.
        """
        if self.way == "ddim":
            return self._deterministic(invert, x_0, c)
        x_t = x_0
        for i in range(1, self.n_T + 1):
            alpha, sigma = self.schedule.level(i / self.n_T)
            x_t = alpha * x_t + sigma * normal(x_t.shape, generator, x_t.device)
        return x_t

    def _deterministic(self, walk: Callable[..., Iterator[Step]], x: Tensor, c: Tensor) -> Tensor:
        """Where DDIM or its inversion takes x, over the same times."""
        with self._evaluating():
            for step in walk(self.denoiser, self.schedule, x, c, times(self.schedule, self.steps)):
                x = step.x
            return x


def generate_samples(
    student_id: str = "00297375",
    seed: int = 0,
    guide_w: float | None = None,
    model: str | Path = DEFAULT_MODEL,
    out: str | Path | None = None,
) -> Number:
    """Write the digits of `student_id` with a trained model; save the picture where `out` says.

    Raises InkseedError for anything but 1 to 64 of the characters 0-9, or an unknown model.
    """
    if out is not None:
        check_writable(out, (".png",))
    number = write(student_id, seed, guide_w, model)
    if out is not None:
        number.save(out)
    return number
