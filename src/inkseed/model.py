"""What a user holds: a trained network with its schedule and its classes, ready to sample."""

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from inkseed.checkpoint import load_tensors, save_tensors
from inkseed.data.labelled import to_uint8
from inkseed.denoiser import NetworkDenoiser, denoiser_from
from inkseed.errors import InkseedError
from inkseed.guidance import guided
from inkseed.hand import draw_hands
from inkseed.labels import check_class_name
from inkseed.ledger import Ledger
from inkseed.nn import ContextUnet, PatchUnet, network_from
from inkseed.nn.precision import place
from inkseed.noise import Strategy, Task
from inkseed.noise.bound import BoundSampler
from inkseed.request import (
    TRIES_AT_ONCE,
    check_counts,
    check_labels,
    check_strategy,
    condition_of,
    start_of,
)
from inkseed.samplers import Sampler
from inkseed.sampling import Sampling, settle
from inkseed.weights import DEFAULT_MODEL, find_model

BATCH_SIZE = 64
MAX_SIDE = 1024
MOST_NAMED = 12


@dataclass
class Samples:
    """Generated images: uint8 (N, H, W), ink 255, with what made each of them."""

    images: np.ndarray
    labels: np.ndarray  # int64 (N,)
    seeds: np.ndarray  # int64 (N, 2): image k's own stream is (seed, k); a search has others too
    guide_w: np.ndarray  # float64 (N,)
    nfe: int  # network evaluations per image: all that the request cost, shared out, rounded up
    noise: Tensor  # float32 (N, C, H, W): the unit noise each began with
    steps: list[Tensor] = field(default_factory=list)  # the states on the way, if traced
    guesses: list[Tensor] = field(default_factory=list)  # x_0 as told at the state before each


class Model:
    """A denoiser with a name for each class; build it with `inkseed.load`."""

    def __init__(
        self, network: ContextUnet | PatchUnet, config: dict[str, Any], device: torch.device
    ) -> None:
        self.network = place(network, device).eval()
        self.network.requires_grad_(False)
        self.config, self.device = config, device
        self.image_size: tuple[int, int] = tuple(config["image_size"])
        self.class_names: tuple[str, ...] = tuple(config["class_names"])
        self.styles: dict[str, tuple[float, float]] = dict(config["network"].get("styles") or {})
        self.denoiser = denoiser_from(self.network, config)
        self.schedule = self.denoiser.schedule

    def indices(self, names: Sequence[str]) -> list[int]:
        """Labels as people write them -> class indices; raise InkseedError for an unknown one."""
        for name in names:
            if name not in self.class_names:
                known = ", ".join(self.class_names[:MOST_NAMED])
                more = ", ..." if len(self.class_names) > MOST_NAMED else ""
                raise InkseedError(f"this model has no label {name!a}: it has {known}{more}")
        return [self.class_names.index(name) for name in names]

    def compile(self) -> "Model":
        """Compile the network for bulk work, and return the model: minutes once, then faster.

        Needs a C++ compiler. Images may differ in the last bit from those of the plain network.
        """
        self.denoiser.network = torch.compile(self.network, dynamic=False)
        return self

    def uncompiled(self) -> "Model":
        """The same model for batches of many sizes, each of which would be compiled anew."""
        plain = copy(self)
        plain.denoiser = denoiser_from(self.network, self.config)
        return plain

    def settings(
        self,
        guide_w: float | None = None,
        sampler: str | Sampler | None = None,
        steps: int | None = None,
        spacing: str | None = None,
        guide_interval: tuple[float, float] | None = None,
    ) -> Sampling:
        """How a request would be drawn: what is None comes from the model, or from the sampler.

        Raises InkseedError for a setting that cannot be.
        """
        own = self.config.get("sampling", {})
        return settle(own, self.schedule, guide_w, sampler, steps, spacing, guide_interval)

    def sample(
        self,
        labels: Sequence[int],
        seed: int = 0,
        guide_w: float | None = None,
        sampler: str | Sampler | None = None,
        steps: int | None = None,
        *,
        spacing: str | None = None,
        guide_interval: tuple[float, float] | None = None,
        slant: float | Sequence[float] | None = None,
        thickness: float | Sequence[float] | None = None,
        noise: str | Tensor | Strategy = "gaussian",
        candidates: int | None = None,
        budget: int | None = None,
        first: int = 0,
        batch_size: int = BATCH_SIZE,
        trace: bool = False,
        on_evaluations: Callable[[int], object] | None = None,
    ) -> Samples:
        """Draw one image for each label, in order; image k begins with noise of (seed, first + k).

        `sampler` is a name in `inkseed.samplers.SAMPLERS` or a function of that signature; what is
        None is as `settings` says. `guide_interval` confines guidance to ratios sigma / alpha from
        low to high. `slant` (degrees to the right) and `thickness` (pixels) ask for a style, one
        for all images or one each; NaN leaves it free, as None does, unless the model's settings
        say `one_hand`: then it is drawn, as the data have it, for each image. `noise` is the name
        of a strategy for the starting noise, a strategy (a function of a `Task`), or your own unit
        noise (N, C, H, W); `candidates` is how many noises a searching one tries, and `budget`
        the most network evaluations that an image may cost in all. `trace` keeps every state on the
        way, and the guess of x_0 made at the state before it; `on_evaluations` is told of each
        batch of network evaluations.
        Raises InkseedError for an empty request, a label that is not a class, a bad setting, or a
        strategy that would spend more than the budget.
        """
        wanted = check_labels(labels, len(self.class_names))
        seed, first, batch_size = check_counts(seed, first, batch_size, len(wanted))
        how = self.settings(guide_w, sampler, steps, spacing, guide_interval)
        style: dict[str, Any] = {"slant": slant, "thickness": thickness}
        if how.one_hand:
            drawn = draw_hands(self.styles, seed, range(first, first + len(wanted)))
            style = {name: drawn.get(name) if v is None else v for name, v in style.items()}
        condition = condition_of(wanted, self.styles, style)
        strategy, tried, budget = check_strategy(
            noise, candidates, budget, (len(wanted), *self._shape), first
        )
        batch_size = min(batch_size, max(1, TRIES_AT_ONCE // tried))
        ledger = Ledger(on_evaluations)
        plain = ledger.watch(self.denoiser)
        denoiser = guided(plain, how.guide_w, self.schedule, how.guide_interval)
        bound = BoundSampler(*(plain, denoiser, self.schedule, how, seed, self.device, batch_size))
        finals, starts, traces, guesses = [], [], [], []
        for begin in range(0, len(wanted), batch_size):
            batch = slice(begin, min(begin + batch_size, len(wanted)))
            numbers = range(first + batch.start, first + batch.stop)
            task = Task(
                condition=condition[batch],
                labels=wanted[batch],
                class_names=self.class_names,
                seed=seed,
                numbers=numbers,
                shape=self._shape,
                sampler=bound,
                candidates=tried,
                budget=budget,
            )
            ledger.allow(None if budget is None else budget * len(task))
            start = start_of(strategy, task)
            starts.append(start.z)
            states = [] if start.x is None else [start.x]
            told: list[Tensor] = []
            if start.x is None:
                for step in bound.walk(start.z, task.condition, start.keys or task.keys):
                    states = [*states, step.x] if trace else [step.x]
                    told = [*told, step.x_0] if trace else []
            elif trace:
                raise InkseedError("this noise strategy draws the images itself: there is no trace")
            if not torch.isfinite(states[-1]).all():
                raise InkseedError(
                    "the images are not finite: the weights are damaged or guide_w huge"
                )
            finals.append(states[-1])
            traces.append(states if trace else [])
            guesses.append(told)
        return Samples(
            images=to_uint8(torch.cat(finals)),
            labels=wanted,
            seeds=np.stack([np.full(len(wanted), seed), first + np.arange(len(wanted))], 1),
            guide_w=np.full(len(wanted), how.guide_w),
            nfe=-(-ledger.evaluations // len(wanted)),
            noise=torch.cat(starts),
            steps=[torch.cat(states) for states in zip(*traces, strict=True)],
            guesses=[torch.cat(told) for told in zip(*guesses, strict=True)],
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
        guide_interval: tuple[float, float] | None = None,
    ) -> int:
        """Network evaluations that an image would cost: counted, with a stub for the network.

        True of strategies whose cost does not hang on what they see, as all bundled ones'. Raises
        InkseedError for a request that `sample` would refuse.
        """
        blind = copy(self)
        blind.denoiser = _Blind(self.network, self.schedule)
        return blind.sample(
            *([0], 0, guide_w, sampler, steps),
            spacing=spacing,
            guide_interval=guide_interval,
            noise=noise,
            candidates=candidates,
        ).nfe

    @property
    def _shape(self) -> tuple[int, int, int]:
        return (self.network.in_channels, *self.image_size)

    def save(self, path: str | Path) -> None:
        """Write the weights and the configuration to a safetensors file, whole or not at all."""
        save_tensors(path, self.network.state_dict(), self.config)


class _Blind(NetworkDenoiser):
    """A denoiser that never asks its network: for counting what a request would cost."""

    def x_0(
        self, x_t: Tensor, t: Tensor, condition: Tensor, alpha: Tensor, sigma: Tensor
    ) -> Tensor:
        return x_t / 2


def load(name: str | Path = DEFAULT_MODEL, device: str | torch.device = "cpu") -> Model:
    """Load a bundled model by its name, or a model file by its path.

    Raises InkseedError for an unknown name or device, or a file that is not an inkseed model.
    """
    path = find_model(name)
    tensors, config = load_tensors(path)
    if any(name.startswith("network.") for name in tensors):
        raise InkseedError(f"{path} is a run's state: go on by --resume to its model.safetensors")
    where = find_device(device)
    try:
        with torch.device("meta"):  # no memory until the shapes are known to agree
            network = network_from(config["network"])
        for key, own in network.state_dict().items():
            if tensors[key].is_floating_point() != own.is_floating_point():
                raise ValueError(f"{key} is of the wrong kind")
        floats = {k: v.float() if v.is_floating_point() else v for k, v in tensors.items()}
        network.load_state_dict(floats, assign=True)
        _check(config)
        model = Model(network, config, where)
        model.settings()
        return model
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise InkseedError(
            f"{path} is damaged or from another version: its tensors and its metadata disagree"
        ) from error


def _check(config: dict[str, Any]) -> None:
    """Raise ValueError where a configuration from a file describes no model that could be."""
    size, names = config["image_size"], config["class_names"]
    if len(size) != 2 or any(side not in range(4, MAX_SIDE + 1, 4) for side in size):
        raise ValueError(f"impossible image size {size}")
    if len(set(names)) != config["network"]["n_classes"] or len(names) != len(set(names)):
        raise ValueError("the class names do not fit the network")
    for name in names:
        check_class_name(name)


def find_device(name: str | torch.device) -> torch.device:
    """`cpu`, `cuda` or `cuda:1` -> the device. Raises InkseedError where this machine lacks it."""
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError, TypeError) as error:
        raise InkseedError(f"no device {str(name)!r} on this machine: use cpu") from error
    if device.type not in ("cpu", "cuda"):
        raise InkseedError(f"no device {str(name)!r} on this machine: use cpu")
    return device
