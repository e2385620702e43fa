"""A request in slices, which several processes of one thread each draw as one would.

Two processes draw 1.45 times as fast as one thread, two threads 1.37 times; beside another job that
is 1.15 and 0.99 (benchmarks/threads.py, two slow cores). A slice is some batches, the same whoever
draws it: so the number of processes does not change a byte.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
import torch

from inkseed.checks import real_numbers, whole_number
from inkseed.diffusion.denoiser import NetworkDenoiser
from inkseed.errors import InkseedError
from inkseed.model.drawing import check_room
from inkseed.model.model import Model
from inkseed.model.request import Request, strategy_of
from inkseed.model.samples import Samples
from inkseed.nn.footprint import multiplications
from inkseed.processes import default_workers, in_processes, one_thread
from inkseed.registry import home

MOST_WORKERS = 1024
SLICES = 64  # of a request of so many batches: all processes are busy nearly to the end
MOST_BATCHES = 16  # of a slice, however large the request: it is one message
AGAIN = "type the same command again"
# A slow core multiplies 25 thousand million times a second, and takes some 5 seconds to start a
# process: torch is imported and a model loaded. Two processes save a twentieth of what two threads
# take, and a seventh beside another job, so two minutes' work would break even. This is six or
# seven minutes', in multiplications, not by a clock, since the same command gives the same bytes.
WORTH_WORKERS = 10**13

T = TypeVar("T")
Tell = Callable[[int], object]
Draw = Callable[[Model, Request, Tell | None], T]
"""How a slice is drawn: a function of a module, such as `Model.sample_request`."""


class Job(NamedTuple):
    """What a worker needs to know."""

    path: Path
    weights_sha256: str | None
    draw: Draw[Any]
    slices: list[tuple[int, Request]]  # with their places among all


def sample_in_processes(
    model: Model, request: Request, workers: int | None = None, on_evaluations: Tell | None = None
) -> Samples:
    """Draw a request as `Model.sample_request` does on one thread, in several processes.

    Python starts them by importing the program: so call this under `if __name__ == "__main__":`.

    Args:
        model: a model that was loaded from a file onto the CPU.
        request: for many images, without a trace or a function of your own.
        workers: how many processes; None is one for each core, if memory allows.
        on_evaluations: called with the number of network evaluations in each batch.

    Returns:
        The images, byte for byte the same for any number of workers.

    Raises:
        InkseedError: for a model or a request that only one process can draw, if a process was
            killed, or as `Model.sample_request` does.
    """
    (parts,) = draw_in_slices(model, [request], workers, Model.sample_request, on_evaluations)
    return joined(request, parts)


def draw_in_slices(
    model: Model,
    requests: Sequence[Request],
    workers: int | None,
    draw: Draw[T],
    on_evaluations: Tell | None = None,
) -> list[list[T]]:
    """What `draw` returns for each slice of each request, in order; see `sample_in_processes`."""
    workers = default_workers(model.device.type) if workers is None else workers
    workers = whole_number(workers, "workers", 1, MOST_WORKERS)
    _check_sliced(model, requests)
    cut = [slices_of(request, model) for request in requests]
    slices = list(chain(*cut))
    workers = min(workers, len(slices))
    if workers == 1:
        with one_thread():
            return [[draw(model, part, on_evaluations) for part in parts] for parts in cut]
    path = _path(model, requests)
    for parts in cut:
        model.bind(parts[0])  # what no process could draw is refused before they start
    numbered = list(enumerate(slices))
    found: dict[int, T] = {}

    def hear(said: Any) -> None:
        if isinstance(said, int):
            if on_evaluations is not None:
                on_evaluations(said)
        else:
            place, drawn = said
            found[place] = drawn

    jobs = [Job(path, model.weights_sha256, draw, numbered[k::workers]) for k in range(workers)]
    in_processes(_draw, jobs, hear, AGAIN)
    places = iter(range(len(slices)))
    return [[found[next(places)] for _ in parts] for parts in cut]


def _draw(job: Job, say: Callable[[Any], object]) -> None:
    """What a worker does."""
    from inkseed.model.loading import load

    model = load(job.path)
    if model.weights_sha256 != job.weights_sha256:
        raise InkseedError(f"{job.path} has changed since it was loaded: {AGAIN}")
    for place, request in job.slices:
        say((place, job.draw(model, request, say)))


def worth_workers(model: Model, evaluations: int) -> bool:
    """Whether drawing takes so long that starting workers pays: it depends on no clock."""
    return evaluations * multiplications(model.network, model.shape) >= WORTH_WORKERS


def joined(request: Request, parts: Sequence[Samples]) -> Samples:
    """The samples of a request, from those of its slices."""
    if len(parts) == 1:
        return parts[0]
    arrays: dict[str, Any] = {
        name: np.concatenate([getattr(part, name) for part in parts])
        for name in ("images", "labels", "seeds", "streams", "guide_w")
    }
    drawn = chain.from_iterable(part.hands for part in parts)
    hands = (
        own or found for own, found in zip(request.hands(drawn=False), drawn, strict=True)
    )  # the caller's own rather than a worker's copies
    return replace(
        parts[0],
        **arrays,
        own_noise=torch.cat([part.own_noise for part in parts]),
        evaluations=sum(part.evaluations for part in parts),
        hands=tuple(hands),
    )


def slices_of(request: Request, model: Model) -> list[Request]:
    """The slices of a request: whole batches of it, so that pixels round as in the whole.

    Raises InkseedError for a style that is neither one for all images nor one for each.
    """
    batch, count = request.rows(model.shape, model.device.type), len(request)
    batches = -(-count // batch)
    size = batch * min(MOST_BATCHES, max(1, batches // SLICES))
    style = {
        name: real_numbers(value, name, count)
        for name, value in request.style.items()
        if value is not None
    }
    return [_part(request, style, slice(k, min(k + size, count))) for k in range(0, count, size)]


def _part(request: Request, style: dict[str, np.ndarray], rows: slice) -> Request:
    """Some of a request's images."""
    first, hand, noise = request.first, request.hand, request.noise
    parted: dict[str, Any] = {"noise": noise}
    if not isinstance(noise, str) and not callable(noise):
        parted["noise"] = torch.as_tensor(noise)[rows].numpy(
            force=True
        )  # torch shares tensors' memory
    return replace(
        request,
        labels=request.labels[rows],
        first=first + rows.start if isinstance(first, int) else first[rows],
        style={name: each[rows] for name, each in style.items()},
        hand=hand[rows] if isinstance(hand, tuple) else hand,
        begin=request.begin + rows.start,
        **parted,
    )


def _check_sliced(model: Model, requests: Sequence[Request]) -> None:
    """Raise InkseedError for requests that cannot be cut into slices, or not kept in memory."""
    for request in requests:
        if request.trace:
            raise InkseedError("a trace is drawn by one process: leave out the trace, or workers")
        strategy_of(request, (len(request), *model.shape))
    check_room(sum(map(len, requests)), model.shape, copies=2)


def _path(model: Model, requests: Sequence[Request]) -> Path:
    """The file that workers load. Raises InkseedError for what they could not draw alike."""
    if model.device.type != "cpu":
        raise InkseedError("one process draws on a GPU: leave out workers")
    own = model.denoiser
    if not isinstance(own, NetworkDenoiser) or own.network is not model.network:
        raise InkseedError(
            "a compiled model, or a denoiser of your own, draws in one process: leave out workers"
        )
    for request in requests:
        for each in (request.noise, request.sampling.sampler, request.sampling.guidance):
            if callable(each) and not home(each).startswith("inkseed."):
                raise InkseedError(
                    "a function of your own draws in one process: leave out workers, or give"
                    " the .py file that registers it"
                )
    if model.path is None:
        raise InkseedError("workers load the model from a file: save it, and load it from there")
    return model.path
