"""The report's `NoiseStrategyDiffusion` and `generate_samples`, thin wrappers of inkseed.

`generator` arguments are optional here and default to torch's own generator, because the report's
signatures have no seed. Everything else in inkseed takes a seed.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from torch import Tensor

from inkseed.checks import brief, whole_number
from inkseed.ddpm.simple_diffusion import SimpleDiffusion, image_shape, normal
from inkseed.diffusion.condition import Condition
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

    Nothing here is guided.

    Args:
        nn_model: the network.
        betas: (beta_1, beta_T), the variances of the first and the last step.
        n_T: the number of steps.
        device: the network is moved there.
        drop_prob: the chance that training hides a label.
        way: how noise becomes an image, and the image noise again. "ddim" is DDIM and its
            inversion, as in the paper behind the idea. "report" is the report's listing: the
            stochastic chain, and back by adding fresh noise step by step, so that any resemblance
            to the starting noise is chance (docs/report.md).
        steps: the number of DDIM steps each way.

    Raises:
        InkseedError: for another `way`, and for impossible settings.

    Source:
        The report, puzzle 2; Qi and others, [2407.14041](https://arxiv.org/abs/2407.14041).
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
        """Return how similar noise is to the inversion of its own image.

        Args:
            noise: unit noise (N, C, H, W).
            c: class indices (N,).
            size: (C, H, W).
            generator: draws fresh noise if `way` is "report"; None is torch's own.

        Returns:
            Cosine similarities (N,).
        """
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
        """Return the most stable of K starting noises for each label.

        Args:
            K: how many candidates per label. They are drawn together, 50 at a time.
            c: class indices (N,), or a single one as a number.
            size: (C, H, W).
            device: where the network is.
            generator: draws the candidates, and fresh noise if `way` is "report"; None is
                torch's own.

        Returns:
            Unit noise (N, C, H, W).

        Raises:
            InkseedError: for no candidates or no labels.
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
        """Return the images that noise becomes, without guidance.

        Args:
            noise: unit noise (N, C, H, W).
            c: class indices (N,).
            size: (C, H, W).
            generator: draws fresh noise if `way` is "report"; None is torch's own.

        Returns:
            Images (N, C, H, W).

        Raises:
            InkseedError: if noise, labels and size do not fit together.
        """
        if tuple(noise.shape[1:]) != image_shape(size) or len(noise) != len(c):
            raise InkseedError(
                f"noise for {len(c)} labels of this size must have shape {(len(c), *size)}, not "
                f"{tuple(noise.shape)}"
            )
        c = self._labels(c)
        if self.way == "report":
            return self._walk(noise, c, 0.0, generator)
        return self._deterministic(ddim, noise, c)

    def inverse_noise(
        self, x_0: Tensor, c: Tensor, generator: torch.Generator | None = None
    ) -> Tensor:
        """Return the noise that images are inverted to.

        If `way` is "report" this is the listing: its kernel applies the cumulative product to the
        previous state, and its noise is fresh, so that nothing of the starting noise is left.

        Args:
            x_0: images (N, C, H, W).
            c: class indices (N,).
            generator: draws fresh noise if `way` is "report"; None is torch's own.

        Returns:
            Noise (N, C, H, W).
        """
        if self.way == "ddim":
            return self._deterministic(invert, x_0, c)
        x_t = x_0
        for i in range(1, self.n_T + 1):
            alpha, sigma = self.schedule.level(i / self.n_T)
            x_t = alpha * x_t + sigma * normal(x_t.shape, generator, x_t.device)
        return x_t

    def _deterministic(self, walk: Callable[..., Iterator[Step]], x: Tensor, c: Tensor) -> Tensor:
        """The result of DDIM or its inversion from x, over the same times."""
        told, grid = Condition.of(c), times(self.schedule, self.steps)
        with self._evaluating():
            for step in walk(self.denoiser, self.schedule, x, told, grid):
                x = step.x
            return x


def generate_samples(
    student_id: str = "00297375",
    seed: int = 0,
    guide_w: float | None = None,
    model: str | Path = DEFAULT_MODEL,
    out: str | Path | None = None,
) -> Number:
    """Write the digits of a student's number with a trained model.

    Args:
        student_id: 1 to 64 of the characters 0-9.
        seed: decides the noise and the style.
        guide_w: the strength of guidance; None is as in `inkseed.write`.
        model: a bundled model's name, or the path of a model file.
        out: a .png file to write the picture to.

    Returns:
        The number: its picture, and each digit's box.

    Raises:
        InkseedError: for anything but 1 to 64 of the characters 0-9, or an unknown model.
    """
    if out is not None:
        check_writable(out, (".png",))
    number = write(student_id, seed, guide_w, model)
    if out is not None:
        number.save(out)
    return number
