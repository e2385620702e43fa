"""The report's `SimpleDiffusion`: a loss to train with, a sampler, and a model file."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from inkseed.checkpoint import save_tensors
from inkseed.checks import brief, real_number, whole_number
from inkseed.ddpm.plain_loop import plain_config, plain_network
from inkseed.ddpm.tables import report_tables
from inkseed.diffusion.condition import Condition
from inkseed.diffusion.guidance import ClassifierFreeGuidance, warn_untaught
from inkseed.diffusion.loss import TrainingLoss
from inkseed.diffusion.predictions import EpsDenoiser
from inkseed.diffusion.schedule import MAX_STEPS, LinearBetas, times
from inkseed.diffusion.training_times import Uniform
from inkseed.errors import InkseedError
from inkseed.files import check_writable
from inkseed.model.drawing import check_batch
from inkseed.model.sampling import LEAST_GUIDE_W, MOST_GUIDE_W
from inkseed.nn import ContextUnet
from inkseed.nn.device import find_device
from inkseed.samplers import Step, ancestral
from inkseed.training.recipes import MAX_SIDE

KEPT_EVERY = 20  # every so many steps are returned, and the last few
KEPT_LAST = 8
MOST_IMAGES = 10**7
MNIST_SIZE = (28, 28)


class SimpleDiffusion(nn.Module):
    """Conditional DDPM around a network that predicts noise: the report's class.

    The report's tables (`sqrt_alpha_bar`, `oneover_sqrt_alpha_bar` and the others in
    `inkseed.ddpm.tables`) are buffers that follow the device and are not part of the state dict.

    Args:
        nn_model: the network.
        betas: (beta_1, beta_T), the variances of the first and the last step.
        n_T: the number of steps.
        device: the network is moved there.
        drop_prob: the chance that training hides a label.

    Raises:
        InkseedError: for a device that this machine lacks, and for impossible settings.

    Source:
        The report, equations (1) to (3); DDPM, [2006.11239](https://arxiv.org/abs/2006.11239).
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
        self.device = find_device(device)
        self.nn_model = nn_model
        self.n_T = whole_number(n_T, "n_T", 2, MAX_STEPS)
        self.drop_prob = real_number(drop_prob, "drop_prob", 0, 1)
        try:
            beta_1, beta_T = (float(beta) for beta in betas)
        except (TypeError, ValueError) as error:
            raise InkseedError(f"betas must be (beta_1, beta_T), not {brief(betas)}") from error
        self.betas = (beta_1, beta_T)
        self.schedule = LinearBetas(self.betas, self.n_T)
        self.image_size = MNIST_SIZE  # (height, width) that `forward` saw last
        for name, table in report_tables(self.schedule).items():
            self.register_buffer(name, table, persistent=False)
        self.to(self.device)  # "cuda" becomes "cuda:0"

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> "SimpleDiffusion":
        """Keep `device` right after `to`, `cuda` and the like."""
        super()._apply(fn, recurse)
        self.device = self.get_buffer("sqrt_alpha_bar").device
        return self

    @property
    def denoiser(self) -> EpsDenoiser:
        """The network as a denoiser."""
        return EpsDenoiser(self.nn_model, self.schedule)

    def forward(self, x: Tensor, c: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Return the training loss of equation (1).

        Args:
            x: images (N, C, H, W) in [-1, 1].
            c: class indices (N,).
            generator: draws times, noise and hidden labels; None is torch's own.

        Returns:
            A scalar.

        Raises:
            InkseedError: for x or c of another shape or type, and for an index beyond the last
                class.
        """
        c = self._labels(c)
        if x.ndim != 4 or not x.is_floating_point() or len(x) != len(c):
            raise InkseedError(
                f"x must be images (N, C, H, W) in [-1, 1], one for each of {len(c)} labels, not "
                f"{x.dtype} of {tuple(x.shape)}"
            )
        self.image_size = (x.shape[2], x.shape[3])
        loss_of = TrainingLoss(self.denoiser, Uniform(), self.drop_prob)
        return loss_of(x.to(self.device), Condition.of(c), generator)

    def sample(
        self,
        n_sample: int,
        size: tuple[int, int, int],
        device: str | torch.device,
        guide_w: float = 0.0,
        generator: torch.Generator | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Draw images, with labels cycling through the classes.

        Batch normalisation uses its running statistics. Guidance with a `drop_prob` of 0 gives an
        `InkseedWarning`, since the network never learned to draw without a label.

        Args:
            n_sample: how many images.
            size: (C, H, W).
            device: where the network is.
            guide_w: the strength of guidance; 0 is off.
            generator: draws all noise; None is torch's own.

        Returns:
            The images (N, C, H, W), and the states on the way (S, N, C, H, W): every 20th and the
                last 8, from noise to image.

        Raises:
            InkseedError: for no images, for more than fit in memory, and for a device that the
                network is not on.

        Source:
            The report, equations (2) and (3).
        """
        n_sample = whole_number(n_sample, "n_sample", 1, MOST_IMAGES)
        guide_w = real_number(guide_w, "guide_w", LEAST_GUIDE_W, MOST_GUIDE_W)
        warn_untaught(self.drop_prob, guide_w)
        device = self._own(device)
        shape = image_shape(size)
        kept_of_each = self.n_T // KEPT_EVERY + KEPT_LAST
        check_batch(self.nn_model, shape, n_sample, 2 * kept_of_each)  # once more while stacked
        label = torch.arange(n_sample, device=device) % self.nn_model.n_classes
        x_T = normal((n_sample, *shape), generator, device)
        kept: list[Tensor] = []

        def keep(i: int, step: Step) -> None:
            if i % KEPT_EVERY == 0 or i > self.n_T - KEPT_LAST:
                kept.append(step.x)

        return self._walk(x_T, label, guide_w, generator, keep), torch.stack(kept)

    def save(
        self,
        path: str | Path,
        *,
        class_names: Sequence[str] | None = None,
        image_size: int | tuple[int, int] | None = None,
    ) -> None:
        """Write a model file for `inkseed.load` and every `--model`.

        Args:
            path: a .safetensors file.
            class_names: the labels in the order of their classes. By default 0 to 9, or 00 to 99
                for 100 classes.
            image_size: a side, or (height, width). By default that of the last training batch, or
                MNIST's 28x28.

        Raises:
            InkseedError: for a network that is not a ContextUnet, weights that are not finite,
                names or a size that do not fit, and another suffix.
        """
        path = check_writable(path, (".safetensors",))
        network = plain_network(self.nn_model)
        size = self.image_size if image_size is None else image_size
        told: tuple[Any, ...] = (self.betas, self.n_T, self.drop_prob, size, class_names)
        save_tensors(path, network.state_dict(), plain_config(network, *told).plain())

    def _labels(self, c: Tensor) -> Tensor:
        """Class indices (N,), checked and moved to the network's device."""
        if c.ndim != 1 or c.is_floating_point() or c.dtype == torch.bool:
            raise InkseedError(
                f"labels must be whole numbers of shape (N,), not {c.dtype} of {tuple(c.shape)}"
            )
        last = self.nn_model.n_classes - 1
        # not on a GPU, where the check would delay training, and torch itself stops
        if c.device.type == "cpu" and len(c) and not (0 <= int(c.min()) <= int(c.max()) <= last):
            raise InkseedError(f"labels must be from 0 to {last}, not {int(c.min())} to {c.max()}")
        return c.to(self.device).long()

    def _own(self, device: str | torch.device) -> torch.device:
        """The network's device. Raises InkseedError if another one is asked for."""
        asked = find_device(device)
        if asked.type != self.device.type or asked.index not in (None, self.device.index):
            raise InkseedError(f"the network is on {self.device}, not {asked}: use {self.device}")
        return self.device

    def _walk(
        self,
        x_T: Tensor,
        label: Tensor,
        guide_w: float,
        generator: torch.Generator | None,
        on_step: Callable[[int, Step], object] = lambda i, step: None,
    ) -> Tensor:
        """The images at the end of the reverse chain; `on_step` gets each step and its number."""
        with self._evaluating():
            steps = ancestral(
                ClassifierFreeGuidance(self.denoiser, guide_w),
                self.schedule,
                x_T,
                Condition.of(label),
                times(self.schedule, self.n_T),
                lambda: normal(x_T.shape, generator, x_T.device),
            )
            for i, step in enumerate(steps, start=1):
                on_step(i, step)
            return step.x

    @contextmanager
    def _evaluating(self) -> Iterator[None]:
        """A context with the network in eval mode, without gradients."""
        was_training = self.nn_model.training
        self.nn_model.eval()
        try:
            with torch.no_grad():
                yield
        finally:
            self.nn_model.train(was_training)


def image_shape(size: tuple[int, int, int]) -> tuple[int, int, int]:
    """`size` if it is three whole numbers (C, H, W). Raises InkseedError for anything else."""
    if not isinstance(size, Sequence) or len(size) != 3:
        raise InkseedError(f"size must be (C, H, W), such as (1, 28, 28), not {brief(size)}")
    channels, height, width = (whole_number(side, "size", 1, MAX_SIDE) for side in size)
    return channels, height, width


def normal(
    shape: tuple[int, ...] | torch.Size,
    generator: torch.Generator | None,
    device: str | torch.device,
) -> Tensor:
    """Unit Gaussian noise on `device`, drawn on the CPU; a `generator` of None is torch's own."""
    return torch.randn(tuple(shape), generator=generator).to(device)
