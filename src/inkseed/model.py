"""What a user holds: a trained network with its schedule and its classes, ready to sample."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from inkseed.checkpoint import load_tensors, save_tensors
from inkseed.condition import with_style
from inkseed.data.labelled import to_uint8
from inkseed.denoiser import DENOISERS
from inkseed.errors import InkseedError
from inkseed.guidance import guided
from inkseed.ledger import Ledger
from inkseed.nn import ContextUnet, PatchUnet, network_from
from inkseed.nn.precision import place
from inkseed.rng import ImageStreams
from inkseed.samplers import Sampler, find_sampler
from inkseed.schedule import schedule_from, times
from inkseed.weights import DEFAULT_GUIDE_W, DEFAULT_MODEL, DEFAULT_SAMPLER, find_model

BATCH_SIZE = 64
MAX_SIDE = 1024


@dataclass
class Samples:
    """Generated images: uint8 (N, H, W), ink 255, with what made each of them."""

    images: np.ndarray
    labels: np.ndarray  # int64 (N,)
    seeds: np.ndarray  # int64 (N, 2): image k's noise is the stream (seed, k)
    guide_w: np.ndarray  # float64 (N,)
    nfe: int  # network evaluations per image
    noise: Tensor  # float32 (N, C, H, W): the unit noise each began with
    steps: list[Tensor] = field(default_factory=list)  # the states on the way, if traced


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
        self.styles: tuple[str, ...] = tuple(sorted(config["network"].get("styles", ())))
        self.schedule = schedule_from(config["schedule"])
        prediction = dict(config.get("prediction", {"name": "eps"}))
        build = DENOISERS[prediction.pop("name")]
        self.denoiser = build(self.network, self.schedule, mixed_precision=True, **prediction)

    def indices(self, names: Sequence[str]) -> list[int]:
        """Labels as people write them -> class indices; raise InkseedError for an unknown one."""
        for name in names:
            if name not in self.class_names:
                known = f"{self.class_names[0]} to {self.class_names[-1]}"
                raise InkseedError(f"this model has no label {name!r}: its labels are {known}")
        return [self.class_names.index(name) for name in names]

    def steps_of(self, sampler: str | Sampler, steps: int | None = None) -> int:
        """How many steps a request takes: those asked for, or the named sampler's own number."""
        if steps is not None:
            return steps
        if not isinstance(sampler, str):
            raise InkseedError("say how many steps a sampler of your own is to take")
        return find_sampler(sampler).steps or self.schedule.n_T

    def sample(
        self,
        labels: Sequence[int],
        seed: int = 0,
        guide_w: float = DEFAULT_GUIDE_W,
        sampler: str | Sampler = DEFAULT_SAMPLER,
        steps: int | None = None,
        *,
        spacing: str | None = None,
        guide_interval: tuple[float, float] | None = None,
        slant: float | Sequence[float] | None = None,
        thickness: float | Sequence[float] | None = None,
        noise: str | Tensor = "gaussian",
        first: int = 0,
        batch_size: int = BATCH_SIZE,
        trace: bool = False,
        on_step: Callable[[int], object] | None = None,
    ) -> Samples:
        """Draw one image for each label, in order; image k uses the noise stream (seed, first + k).

        `sampler` is a name in `inkseed.samplers.SAMPLERS` or a function of that signature; `steps`
        and `spacing` are its own unless given. `guide_interval` confines guidance to ratios sigma /
        alpha from low to high. `slant` (degrees to the right) and `thickness` (pixels) ask for a
        style, one for all or one an image, NaN or None leaving it free. `noise` may be your own unit noise, (N, C, H, W). `trace` keeps
        every state on the way; `on_step` is told after each step how many images took it.
        Raises InkseedError for an empty request, a label that is not a class, or a bad setting.
        """
        wanted = self._checked(labels, seed, guide_w, first, batch_size)
        condition = self._condition(wanted, {"slant": slant, "thickness": thickness})
        own = self._own_noise(noise, len(wanted))
        walk, grid = self._bind(sampler, steps, spacing)
        ledger = Ledger()
        denoiser = guided(ledger.watch(self.denoiser), guide_w, self.schedule, guide_interval)

        finals, starts, traces = [], [], []
        for begin in range(0, len(wanted), batch_size):
            batch = slice(begin, min(begin + batch_size, len(wanted)))
            streams = ImageStreams(seed, range(first + batch.start, first + batch.stop))
            z = streams.normal(self._shape)  # drawn in any case: the sampler's noise comes after it
            z = z if own is None else own[batch]
            starts.append(z)
            states = []
            for step in walk(
                denoiser,
                self.schedule,
                (self.schedule.start_scale * z).to(self.device),
                condition[batch].to(self.device),
                grid,
                partial(self._normal, streams),
            ):
                if trace:
                    states.append(step.x.cpu())
                if on_step:
                    on_step(len(z))
            if not torch.isfinite(step.x).all():
                raise InkseedError(
                    "the images are not finite: the weights are damaged or guide_w huge"
                )
            finals.append(step.x.cpu())
            traces.append(states)
        return Samples(
            images=to_uint8(torch.cat(finals)),
            labels=wanted,
            seeds=np.stack([np.full(len(wanted), seed), first + np.arange(len(wanted))], 1),
            guide_w=np.full(len(wanted), float(guide_w)),
            nfe=ledger.evaluations // len(wanted),
            noise=torch.cat(starts),
            steps=[torch.cat(states) for states in zip(*traces, strict=True)],
        )

    def _normal(self, streams: ImageStreams) -> Tensor:
        return streams.normal(self._shape).to(self.device)

    @property
    def _shape(self) -> tuple[int, int, int]:
        return (self.network.in_channels, *self.image_size)

    def _checked(
        self, labels: Sequence[int], seed: int, guide_w: float, first: int, batch_size: int
    ) -> np.ndarray:
        """The labels as int64 (N,), or InkseedError for what no request may hold."""
        wanted = np.asarray(list(labels))
        if len(wanted) == 0:
            raise InkseedError("no labels: ask for at least one image")
        if wanted.ndim != 1 or wanted.dtype.kind not in "iu":
            raise InkseedError("labels must be whole numbers, one for each image")
        wanted = wanted.astype(np.int64)
        if wanted.min() < 0 or wanted.max() >= len(self.class_names):
            raise InkseedError(f"labels must be from 0 to {len(self.class_names) - 1}")
        if not isinstance(seed, int) or not 0 <= seed < 2**63:
            raise InkseedError(f"seed must be from 0 to 2**63 - 1, not {seed}")
        if not np.isfinite(guide_w):
            raise InkseedError(f"guide_w must be a finite number, not {guide_w}")
        if not isinstance(first, int) or not 0 <= first < 2**32:  # a key of numpy's SeedSequence
            raise InkseedError(f"first must be from 0 to 2**32 - 1, not {first}")
        if not isinstance(batch_size, int) or batch_size < 1:
            raise InkseedError(f"batch_size must be at least 1, not {batch_size}")
        return wanted

    def _condition(
        self, labels: np.ndarray, asked: dict[str, float | Sequence[float] | None]
    ) -> Tensor:
        """What each image is to be; styles that this model lacks, or that cannot be, are refused."""
        columns = {}
        for name, value in asked.items():
            if value is None:
                continue
            if name not in self.styles:
                raise InkseedError(f"this model has no style {name!r}: leave it out")
            try:
                column = np.broadcast_to(np.asarray(value, np.float32), len(labels))
            except (TypeError, ValueError) as error:
                raise InkseedError(
                    f"{name} must be one number, or one for each of the {len(labels)} images"
                ) from error
            if np.isinf(column).any():
                raise InkseedError(f"{name} must be finite")
            columns[name] = torch.from_numpy(column.copy())
        label = torch.from_numpy(labels)
        if not columns:
            return label
        free = torch.full((len(labels),), torch.nan)
        return with_style(label, torch.stack([columns.get(name, free) for name in self.styles], 1))

    def _own_noise(self, noise: str | Tensor, count: int) -> Tensor | None:
        """The caller's unit noise, checked; None where it is to be drawn from the streams."""
        if isinstance(noise, str):
            if noise != "gaussian":
                raise InkseedError(f"no noise strategy {noise!r}: there is gaussian")
            return None
        if tuple(noise.shape) != (count, *self._shape) or not torch.isfinite(noise).all():
            shape = "x".join(map(str, (count, *self._shape)))
            raise InkseedError(f"noise must be {shape} finite numbers, one image a label")
        return noise.detach().cpu().float()

    def _bind(
        self, sampler: str | Sampler, steps: int | None, spacing: str | None
    ) -> tuple[Sampler, Tensor]:
        """The sampler and the times that it is to step through."""
        steps = self.steps_of(sampler, steps)
        if isinstance(sampler, str):
            named = find_sampler(sampler)
            return named.walk, times(self.schedule, steps, spacing or named.spacing)
        return sampler, times(self.schedule, steps, spacing or "uniform")

    def save(self, path: str | Path) -> None:
        """Write the weights and the configuration to a safetensors file, whole or not at all."""
        save_tensors(path, self.network.state_dict(), self.config)


def load(name: str | Path = DEFAULT_MODEL, device: str | torch.device = "cpu") -> Model:
    """Load a bundled model by its name, or a model file by its path.

    Raises InkseedError for an unknown name or device, or a file that is not an inkseed model.
    """
    path = find_model(name)
    tensors, config = load_tensors(path)
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
        return Model(network, config, where)
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
    if not all(re.fullmatch(r"[\w -]+", name) for name in names):  # they become folders' names
        raise ValueError("impossible class names")


def find_device(name: str | torch.device) -> torch.device:
    """`cpu`, `cuda` or `cuda:1` -> the device. Raises InkseedError where this machine lacks it."""
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise InkseedError(f"no device {str(name)!r} on this machine: use cpu") from error
    if device.type not in ("cpu", "cuda"):
        raise InkseedError(f"no device {str(name)!r} on this machine: use cpu")
    return device
