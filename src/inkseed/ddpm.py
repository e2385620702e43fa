"""The report's classes and functions, under its own names, thin over the rooms above.

Randomness: `generator` arguments are optional here and fall back on torch's own generator, because
the report's signatures have no seed. Everything else in inkseed takes a seed.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor, nn

from inkseed.denoiser import EpsDenoiser
from inkseed.files import check_writable
from inkseed.guidance import ClassifierFreeGuidance
from inkseed.loss import eps_loss
from inkseed.nn import ContextUnet
from inkseed.noise.stability import cosine
from inkseed.number import Number, write
from inkseed.samplers import Step, ancestral, ddim, invert
from inkseed.schedule import LinearBetas, times
from inkseed.weights import DEFAULT_MODEL

KEPT_EVERY = 20  # of the steps on the way, these are returned, and the last few
KEPT_LAST = 8
CANDIDATES_AT_ONCE = 50


class SimpleDiffusion(nn.Module):
    """Conditional DDPM (arXiv 2006.11239) round a network that predicts noise.

    `betas` is the pair (beta_1, beta_T); `drop_prob` is the chance that training drops a label.
    """

    def __init__(
        self,
        nn_model: ContextUnet,
        betas: tuple[float, float],
        n_T: int,
        device: str | torch.device,
        drop_prob: float = 0.1,
    ) -> None:
        super().__init__()
        self.nn_model = nn_model.to(device)
        self.n_T, self.device, self.drop_prob = n_T, torch.device(device), drop_prob
        self.schedule = LinearBetas(betas, n_T)

    @property
    def denoiser(self) -> EpsDenoiser:
        """The network as it stands now, seen as a denoiser."""
        return EpsDenoiser(self.nn_model, self.schedule)

    def forward(self, x: Tensor, c: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """The scalar loss of equation (1): x (N, C, H, W) in [-1, 1], c (N,) class indices."""
        x, c = x.to(self.device), c.to(self.device)
        return eps_loss(self.denoiser, x, c, self.drop_prob, generator)

    def sample(
        self,
        n_sample: int,
        size: tuple[int, int, int],
        device: str | torch.device,
        guide_w: float = 0.0,
        generator: torch.Generator | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Draw `n_sample` images of `size` (C, H, W), labels cycling through the classes.

        Returns the images (N, C, H, W) and the steps on the way (S, N, C, H, W): every 20th state
        and the last 8, from noise to image. Batch normalisation uses its running statistics.
        """
        label = torch.arange(n_sample, device=device) % self.nn_model.n_classes
        x_T = _normal((n_sample, *size), generator, device)
        kept: list[Tensor] = []

        def keep(i: int, step: Step) -> None:
            if i % KEPT_EVERY == 0 or i > self.n_T - KEPT_LAST:
                kept.append(step.x)

        return self._walk(x_T, label, guide_w, generator, keep), torch.stack(kept)

    def _walk(
        self,
        x_T: Tensor,
        label: Tensor,
        guide_w: float,
        generator: torch.Generator | None,
        on_step: Callable[[int, Step], object] = lambda i, step: None,
    ) -> Tensor:
        """The image at the end of the reverse chain; `on_step` sees step 1, 2, ... on the way."""
        with self._evaluating():
            steps = ancestral(
                ClassifierFreeGuidance(self.denoiser, guide_w),
                self.schedule,
                x_T,
                label,
                times(self.schedule, self.n_T),
                lambda: _normal(x_T.shape, generator, x_T.device),
            )
            for i, step in enumerate(steps, start=1):
                on_step(i, step)
            return step.x

    @contextmanager
    def _evaluating(self) -> Iterator[None]:
        """The network as it is used after training, without gradients."""
        was_training = self.nn_model.training
        self.nn_model.eval()
        try:
            with torch.no_grad():
                yield
        finally:
            self.nn_model.train(was_training)


class NoiseStrategyDiffusion(SimpleDiffusion):
    """The report's noise selection: of K starting noises, keep the most stable under inversion.

    `way` says how noise becomes an image and an image noise again. "ddim" (the default, as in the
    paper behind the idea, Qi et al., arXiv 2407.14041) walks `steps` steps of DDIM there and of its
    inversion back. "report" is the report's listing: the stochastic chain there, and fresh noise
    added step by step back, of which no more than chance can resemble the start (docs/report.md).
    Neither is guided. Raises ValueError for another way.
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
            raise ValueError(f"way must be 'ddim' or 'report', not {way!r}")
        self.way, self.steps = way, steps

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
        """Of K starting noises for one label, c or c (1,), return the most stable, (1, C, H, W).

        Candidates are walked together, `CANDIDATES_AT_ONCE` at a time.
        """
        if K < 1:
            raise ValueError(f"K must be at least 1, not {K}")
        label = torch.as_tensor(c, device=device).reshape(-1)
        if len(label) != 1:
            raise ValueError(f"K noises are compared for one label, not {len(label)}")
        candidates = _normal((K, *size), generator, device)
        scores = [
            self.compute_inversion_stability(part, label.expand(len(part)), size, generator)
            for part in candidates.split(CANDIDATES_AT_ONCE)
        ]
        return candidates[torch.cat(scores).argmax()][None]

    def sample_from_noise(
        self,
        noise: Tensor,
        c: Tensor,
        size: tuple[int, int, int],
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """The unguided image (N, C, H, W) that `noise` and labels c become."""
        if tuple(noise.shape[1:]) != tuple(size):
            raise ValueError(f"noise of {tuple(noise.shape[1:])} does not have the size {size}")
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
            x_t = alpha * x_t + sigma * _normal(x_t.shape, generator, x_t.device)
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


def _normal(
    shape: tuple[int, ...] | torch.Size,
    generator: torch.Generator | None,
    device: str | torch.device,
) -> Tensor:
    return torch.randn(tuple(shape), generator=generator).to(device)
