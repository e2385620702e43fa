"""Several processes on one machine: each of one thread, with a share of the shards.

A worker that fails, or is killed, takes nothing with it but the shard that it was at; the same
command goes on with what is missing.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from inkseed.processes import in_processes, one_thread
from inkseed.sets.making import Maker
from inkseed.sets.plan import Shard
from inkseed.sets.settings import SetSettings

AGAIN = "type the same command again, it goes on"


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
    count = min(count, len(shards))
    jobs = [Job(path, settings, shards[k::count]) for k in range(count)]
    in_processes(work, jobs, tell, AGAIN)
