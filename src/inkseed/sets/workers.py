"""Several processes on one machine: each of one thread, with a share of the shards.

A worker that fails, or is killed, takes nothing with it but the shard that it was at; the same
command goes on with what is missing.
"""

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import NamedTuple

import torch

from inkseed.errors import InkseedError
from inkseed.interrupt import raised, to_be_left_in_order
from inkseed.leaving import status_of
from inkseed.memory import comfortable
from inkseed.sets.making import Maker
from inkseed.sets.plan import Shard
from inkseed.sets.settings import SetSettings

WORKER = 1 << 30  # bytes of memory for a process, more or less
PATIENCE = 20.0  # seconds for a worker that is asked to stop to clean up


class Job(NamedTuple):
    """What a worker needs to know."""

    path: Path
    settings: SetSettings
    shards: Sequence[Shard]


def work(job: Job, tell: Callable[[int], object] | None = None) -> None:
    """Load the model of a job, and draw its shards in this process."""
    from inkseed.model.loading import load

    settings = job.settings
    draw_here(Maker.of(job.path, settings, load(settings.model, settings.device)), job.shards, tell)


def draw_here(
    maker: Maker, shards: Sequence[Shard], tell: Callable[[int], object] | None = None
) -> None:
    """Draw shards in this process, on one thread."""
    with one_thread():
        for shard in shards:
            maker.make(shard, tell)


@contextmanager
def one_thread() -> Iterator[None]:
    """In this block torch computes on one thread: with more of them, pixels round otherwise."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def default_workers(device: str) -> int:
    """A process for each core that may be used, as far as memory goes; one on a GPU."""
    if device != "cpu":
        return 1
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, min(cores or 1, comfortable() // WORKER))


def run_workers(
    path: Path,
    settings: SetSettings,
    shards: Sequence[Shard],
    count: int,
    tell: Callable[[int], object],
) -> None:
    """Draw shards in `count` processes; `tell` is called with the evaluations of each batch.

    Raises InkseedError for whatever a worker cannot do, or if one was killed.
    """
    context = get_context("spawn")
    jobs = [Job(path, settings, shards[k::count]) for k in range(min(count, len(shards)))]
    told: dict[Connection, BaseProcess] = {}
    with to_be_left_in_order():
        try:
            for _ in jobs:
                here, there = context.Pipe()
                worker = context.Process(target=_worker, args=(there,), daemon=True)
                with unheard(signal.SIGINT):  # by them: whoever started them stops them
                    worker.start()
                there.close()
                told[here] = worker
            for pipe, job in zip(told, jobs, strict=True):
                with suppress(ConnectionError):  # a worker that is gone is missed in a moment
                    pipe.send(job)
            _listen(dict(told), tell)
        finally:
            _stop(list(told.values()))


@contextmanager
def unheard(number: int) -> Iterator[None]:
    """In this block a signal waits, and processes that are started never hear it."""
    if not hasattr(signal, "pthread_sigmask"):  # on Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {number})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _listen(told: dict[Connection, BaseProcess], tell: Callable[[int], object]) -> None:
    """Pass on what workers say until all have ended."""
    while told:
        for pipe in wait(list(told)):
            assert isinstance(pipe, Connection)
            try:
                said = pipe.recv()
            except (EOFError, ConnectionError):
                worker = told.pop(pipe)
                worker.join()
                if worker.exitcode:
                    raise InkseedError(_ended(worker.exitcode)) from None
                continue
            if isinstance(said, str):
                raise InkseedError(said)
            tell(said)


def _ended(status: int) -> str:
    how = f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
    memory = ", perhaps for want of memory: give fewer --workers, or" if status == -9 else ":"
    return f"a worker {how}{memory} type the same command again, it goes on"


def _stop(workers: Sequence[BaseProcess]) -> None:
    for worker in workers:
        if worker.is_alive():
            worker.terminate()
    for worker in workers:
        worker.join(PATIENCE)
        if worker.is_alive():
            worker.kill()
            worker.join()


def _worker(pipe: Connection) -> None:
    """What a worker process runs: it is told its job, and says evaluations or an error's line.

    The job is not among the arguments: a process whose arguments are cut short, since whoever
    started it was killed, ends in a traceback.
    """
    status = 0
    with raised() as came, to_be_left_in_order():
        try:
            work(_job_from(pipe), pipe.send)
        except InkseedError as error:
            with suppress(OSError):
                pipe.send(str(error))
        except (KeyboardInterrupt, ConnectionError):  # stopped, or nobody listens any more
            status = status_of(came() or signal.SIGTERM)
    os._exit(status)  # a daemon's own clean-up may wait for what has gone


def _job_from(pipe: Connection) -> Job:
    """What a worker is told first. Raises ConnectionError if nobody tells it, or not to the end."""
    try:
        job = pipe.recv()
    except (EOFError, OSError) as error:
        raise ConnectionAbortedError from error
    assert isinstance(job, Job)
    return job
