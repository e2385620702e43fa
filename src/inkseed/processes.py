"""Several processes of one thread each: what they say is heard, and they end together."""

import os
import signal
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

import torch

from inkseed.errors import InkseedError, InkseedWarning, warn
from inkseed.interrupt import raised, to_be_left_in_order
from inkseed.leaving import status_of
from inkseed.memory import comfortable

WORKER = 1 << 30  # bytes of memory for a process, more or less
PATIENCE = 20.0  # seconds for a worker that is asked to stop to clean up

Say = Callable[[Any], object]
Work = Callable[[Any, Say], object]


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


def in_processes(work: Work, jobs: Sequence[Any], hear: Say, again: str) -> None:
    """Call `work(job, say)` for each job, in a process of its own.

    `work` is a function of a module. `hear` is called here with whatever a worker says, anything
    but an exception, and its InkseedWarnings are issued here.

    Raises what a worker could not do, or InkseedError if one was killed: its line ends in what to
    do `again`.
    """
    context = get_context("spawn")
    workers: dict[Connection, BaseProcess] = {}
    with to_be_left_in_order():
        try:
            for _ in jobs:
                here, there = context.Pipe()
                worker = context.Process(target=_worker, args=(there,), daemon=True)
                with unheard(signal.SIGINT):  # by them: whoever started them stops them
                    worker.start()
                there.close()
                workers[here] = worker
            for pipe, job in zip(workers, jobs, strict=True):
                with suppress(ConnectionError):  # a worker that is gone is missed in a moment
                    pipe.send((work, job))
            _listen(dict(workers), hear, again)
        finally:
            _stop(list(workers.values()))


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


def _listen(workers: dict[Connection, BaseProcess], hear: Say, again: str) -> None:
    """Pass on what workers say until all have ended."""
    while workers:
        for pipe in wait(list(workers)):
            assert isinstance(pipe, Connection)
            try:
                said = pipe.recv()
            except (EOFError, ConnectionError):
                worker = workers.pop(pipe)
                worker.join()
                if worker.exitcode:
                    raise InkseedError(_ended(worker.exitcode, again)) from None
                continue
            if isinstance(said, InkseedWarning):
                warn(str(said))
            elif isinstance(said, Exception):
                raise said
            else:
                hear(said)


def _ended(status: int, again: str) -> str:
    how = f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
    memory = ", perhaps for want of memory: give fewer --workers, or" if status == -9 else ":"
    return f"a worker {how}{memory} {again}"


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
    """What a worker process runs: it is told its job, and what it cannot do it says.

    The job is not among the arguments: a process whose arguments are cut short, since whoever
    started it was killed, ends in a traceback.
    """
    status = 0
    with raised() as came:
        try:  # around all else, since a signal may come at any moment
            with to_be_left_in_order(), one_thread(), _warning(pipe):
                work, job = _told(pipe)
                work(job, pipe.send)
        except (KeyboardInterrupt, ConnectionError):  # stopped, or nobody listens any more
            status = status_of(came() or signal.SIGTERM)
        except (InkseedError, OSError, MemoryError, RuntimeError) as error:
            error.add_note(traceback.format_exc())  # for mistakes of ours: where it was
            with suppress(OSError):
                pipe.send(error)
    os._exit(status)  # a daemon's own clean-up may wait for what has gone


def _told(pipe: Connection) -> tuple[Work, Any]:
    """What a worker is told first. Raises ConnectionError if nobody tells it, or not to the end."""
    try:
        work, job = pipe.recv()
    except (EOFError, OSError) as error:
        raise ConnectionAbortedError from error
    return work, job


@contextmanager
def _warning(pipe: Connection) -> Iterator[None]:
    """In this block InkseedWarnings are said to whoever listens, rather than printed."""
    with warnings.catch_warnings():
        others = warnings.showwarning

        def tell(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
            if isinstance(message, InkseedWarning):
                pipe.send(message)
            else:
                others(message, category, *where, **more)

        warnings.showwarning = tell
        yield
