"""The model that a user holds: a trained network with its schedule and its classes."""

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from inkseed.checkpoint import save_tensors
from inkseed.diffusion.counter import Counter
from inkseed.diffusion.denoiser import Denoiser, NetworkDenoiser
from inkseed.diffusion.guidance import Guidance, warn_untaught
from inkseed.diffusion.predictions import denoiser_from
from inkseed.errors import InkseedError
from inkseed.labels import class_indices
from inkseed.model.config import ModelConfig
from inkseed.model.drawing import check_request, draw
from inkseed.model.hand import AnyHand, Hand, knows_hands, no_hands, tell_hands
from inkseed.model.request import Request, classes_of, condition_of
from inkseed.model.run import BoundRequest
from inkseed.model.samples import Samples
from inkseed.model.sampling import Sampling, SamplingOptions, settle
from inkseed.model.style import draw_styles
from inkseed.model.taught import as_taught
from inkseed.nn import Network
from inkseed.nn.precision import fast_precision, place
from inkseed.noise import Strategy
from inkseed.samplers import Sampler


class Model:
    """A trained network with its schedule and its class names; `inkseed.load` makes one.

    `denoiser` may be replaced by one of your own, a function of (x_t, t, condition). Called by
    itself it computes in float32; in a request, in the request's precision.
    """

    path: Path | None = None  # the file that it was loaded from
    weights_sha256: str | None = None  # of that file

    def __init__(self, network: Network, config: ModelConfig, device: torch.device) -> None:
        self.network = place(network, device).eval()
        self.network.requires_grad_(False)
        self.config, self.device = config, device
        self.image_size, self.class_names = config.image_size, config.class_names
        self.styles, self.knows_hands = config.styles, knows_hands(self.network)
        own = denoiser_from(self.network, config.schedule, config.prediction, mixed_precision=False)
        self.denoiser: Denoiser = own
        self.schedule = own.schedule

    def __repr__(self) -> str:
        millions = sum(each.numel() for each in self.network.parameters()) / 1e6
        names = ", ".join(self.class_names[:3] + ("...",) * (len(self.class_names) > 3))
        return (
            f"Model({type(self.network).__name__} of {millions:.1f} million parameters, draws "
            f"{names} at {self.shape[1]}x{self.shape[2]}, on {self.device})"
        )

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W) of an image."""
        return (self.network.in_channels, *self.image_size)

    def indices(self, names: Sequence[str]) -> list[int]:
        """Labels as people write them -> class indices. Raises InkseedError for an unknown one."""
        return class_indices(names, self.class_names)

    def hand_of(self, images: np.ndarray) -> Hand:
        """The hand of one writer's digits, uint8 (k, 28, 28), ink 255, for `sample` and `write`.

        1 to 1,000 digits of any labels, in MNIST's form; `inkseed.data.read_digits` reads pictures.
        Raises InkseedError for anything else, or if this model knows no hand.
        """
        if not self.knows_hands:
            raise InkseedError(no_hands())
        return Hand(images)

    def compile(self) -> "Model":
        """Compile the network for bulk work and return the model: minutes once, faster afterwards.

        Needs a C++ compiler. In float32, pixels stay within a grey level or two of 255; in bfloat16
        one image in six has pixels that change by more than 8 (docs/samplers.md). Raises
        InkseedError if the denoiser is your own: compile first, then wrap it.
        """
        if not isinstance(self.denoiser, NetworkDenoiser):
            raise InkseedError("the denoiser is your own: compile the model first, then wrap it")
        self.denoiser.network = torch.compile(self.network, dynamic=False)
        return self

    def uncompiled(self) -> "Model":
        """Return the model uncompiled, for batches of many sizes; a denoiser of your own stays."""
        plain = copy(self)
        if isinstance(self.denoiser, NetworkDenoiser):
            plain.denoiser = self.denoiser.uncompiled()
        return plain

    def settings(
        self,
        guide_w: float | None = None,
        sampler: str | Sampler | None = None,
        steps: int | None = None,
        spacing: str | None = None,
        guide_interval: tuple[float, float | None] | None = None,
        guidance: Guidance | None = None,
        precision: str | None = None,
    ) -> Sampling:
        """Settle how a request would be drawn.

        A setting that is None is the model's own; under another sampler, the sampler's own steps
        and spacing.

        Args:
            guide_w: the strength of guidance; 0 is off.
            sampler: a sampler's name, or a function.
            steps: how many steps the sampler takes.
            spacing: how the steps are spaced.
            guide_interval: the noise-to-signal ratios between which to guide.
            guidance: a guidance of your own, in place of `guide_w`.
            precision: "float32" or "bfloat16".

        Returns:
            All settings, with none left open.

        Raises:
            InkseedError: for an impossible setting.
        """
        return self.settle(
            SamplingOptions(guide_w, sampler, steps, spacing, guide_interval, guidance, precision)
        )

    def settle(self, asked: SamplingOptions) -> Sampling:
        """`settings`, from one value."""
        how = settle(self.config.sampling, self.schedule, asked, fast_precision(self.device))
        return as_taught(how, asked, self.network, self.denoiser)

    def sample(
        self,
        labels: Sequence[int],
        seed: int = 0,
        guide_w: float | None = None,
        sampler: str | Sampler | None = None,
        steps: int | None = None,
        *,
        spacing: str | None = None,
        guide_interval: tuple[float, float | None] | None = None,
        guidance: Guidance | None = None,
        precision: str | None = None,
        hand: AnyHand | Sequence[AnyHand | None] | None = None,
        slant: float | Sequence[float] | None = None,
        thickness: float | Sequence[float] | None = None,
        noise: str | Tensor | Strategy = "gaussian",
        candidates: int | None = None,
        budget: int | None = None,
        first: int = 0,
        batch_size: int | None = None,
        trace: bool = False,
        on_evaluations: Callable[[int], object] | None = None,
    ) -> Samples:
        """Draw one image for each label, in order.

        Args:
            labels: class indices.
            seed: decides all noise. Image k begins with the stream (seed, first + k).
            guide_w: the strength of guidance; 0 is off. None here and below: see `settings`.
            sampler: a name in `inkseed.samplers.SAMPLERS`, or a function with the signature of
                `inkseed.samplers.Sampler`.
            steps: how many steps the sampler takes from noise to image.
            spacing: how the steps are spaced, a name in `inkseed.registry.SPACINGS`.
            guide_interval: (low, high): guide only where the noise-to-signal ratio sigma / alpha
                lies between them. A `high` of None is no upper end.
            guidance: a function from a denoiser to a denoiser, in place of `guide_w`.
            precision: "float32" or "bfloat16"; by default bfloat16 where the device is fast in it.
            hand: a hand, as `hand_of` and `inkseed.load_hand` give it, one for all images or one
                each; None leaves it to the model, like `slant`.
            slant: degrees to the right, one for all images or one each; NaN leaves it free. None
                leaves it to the model: free or, if its settings say `one_hand`, drawn per image:
                the hand or, where the model knows none, the style.
            thickness: width of the strokes in pixels, given like `slant`.
            noise: the name of a strategy, a function of a `Task`, or unit noise (N, C, H, W).
            candidates: how many noises a search tries for each image; None is 10.
            budget: the most network evaluations that one image may cost; None is no limit.
            first: the number of the first image.
            batch_size: how many images at a time; None is 64 (1,024 on a GPU), fewer if large.
            trace: keep each state on the way, and the x_0 predicted at the state before it.
            on_evaluations: called with the number of network evaluations in each batch.

        Returns:
            The images, with everything that made them.

        Raises:
            InkseedError: for no labels, a label that is not a class, a bad setting, or a strategy
                that would exceed the budget.
        """
        request = Request(
            labels,
            seed=seed,
            sampling=SamplingOptions(
                guide_w, sampler, steps, spacing, guide_interval, guidance, precision
            ),
            style={"slant": slant, "thickness": thickness},
            noise=noise,
            candidates=candidates,
            budget=budget,
            first=first,
            batch_size=batch_size,
            trace=trace,
            hand=hand,
        )
        return self.sample_request(request, on_evaluations)

    def sample_request(
        self, request: Request, on_evaluations: Callable[[int], object] | None = None
    ) -> Samples:
        """Draw a request, as `sample` does from keywords."""
        run = self.bind(request, on_evaluations)
        if run.sampling.guidance is None and not run.sampling.taught:
            warn_untaught(self.config.drop_prob, run.sampling.guide_w)
        return replace(draw(run), weights_sha256=self.weights_sha256)

    def bind(
        self, request: Request, on_evaluations: Callable[[int], object] | None = None
    ) -> BoundRequest:
        """Return a run, which draws the request's images, or any noise under its settings.

        No network runs yet. Raises InkseedError for what the model cannot draw, or memory not hold.
        """
        how = self.settle(request.sampling)
        check_request(request, self.network, self.shape, how.steps)
        style = {name: value for name, value in request.style.items() if value is not None}
        hands = request.hands(drawn=how.one_hand and self.knows_hands)
        if how.one_hand and not self.knows_hands:
            style = {**draw_styles(self.styles, request.seed, request.numbers), **style}
        condition = condition_of(classes_of(request, len(self.class_names)), self.styles, style)
        return BoundRequest(
            request=request,
            own=self.denoiser,
            schedule=self.schedule,
            sampling=how,
            condition=replace(condition, hand=tell_hands(self.network, hands)),
            hands=hands,
            class_names=self.class_names,
            shape=self.shape,
            device=self.device,
            on_evaluations=on_evaluations,
        )

    def cost(
        self,
        guide_w: float | None = None,
        sampler: str | Sampler | None = None,
        steps: int | None = None,
        noise: str | Strategy = "gaussian",
        candidates: int | None = None,
        *,
        spacing: str | None = None,
        guide_interval: tuple[float, float | None] | None = None,
        guidance: Guidance | None = None,
        precision: str | None = None,
    ) -> int:
        """Count the network evaluations that an image would cost, without running the network.

        Exact for strategies and denoisers whose cost does not depend on the images, such as all
        bundled ones. A denoiser of your own without a network of inkseed's does run,
        for one image.

        Args:
            guide_w: this and all others as in `sample`.
            sampler: a sampler's name, or a function.
            steps: how many steps the sampler takes.
            noise: the name of a strategy, or a function of a `Task`.
            candidates: how many noises a search tries.
            spacing: how the steps are spaced.
            guide_interval: where to guide.
            guidance: a guidance of your own.
            precision: checked, but makes no difference.

        Returns:
            Network evaluations per image.

        Raises:
            InkseedError: for a request that `sample` would refuse.
        """
        asked = SamplingOptions(
            guide_w, sampler, steps, spacing, guide_interval, guidance, precision
        )
        return self.cost_of(Request([0], sampling=asked, noise=noise, candidates=candidates))

    def cost_of(self, request: Request) -> int:
        """`cost` of a request, per image."""
        with Counter(dry=True):
            return draw(self.bind(request)).nfe

    def save(self, path: str | Path) -> None:
        """Write the weights and the configuration to a safetensors file, whole or not at all."""
        save_tensors(path, self.network.state_dict(), self.config.plain())
