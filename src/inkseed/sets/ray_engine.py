"""Ray as the engine: shards as tasks on a cluster, tried again where a node dies.

A shard is a pure function of the settings and its number, and is written whole or not at all, so
that trying it again, or drawing it twice at a time, does no harm.
"""

import json
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path

from inkseed.errors import InkseedError
from inkseed.interrupt import to_be_left_in_order
from inkseed.model.loading import load
from inkseed.plain import build, table_in
from inkseed.sets.extra import needed
from inkseed.sets.making import Maker
from inkseed.sets.plan import Shard
from inkseed.sets.settings import SetSettings
from inkseed.sets.workers import draw_here

RETRIES = 20  # of a shard whose node or process dies
SOON = 1.0  # seconds until a signal is noticed


def run_on_ray(
    path: Path, settings: SetSettings, shards: Sequence[Shard], tell: Callable[[int], object]
) -> None:
    """Draw shards on the cluster that Ray finds, or on one that it starts on this machine.

    `tell` is called with the evaluations of each shard. `path` must lead to one and the same
    folder on every node. Raises InkseedError for whatever a task cannot do, or if its nodes die
    again and again.
    """
    ray = needed("ray")
    ours = not ray.is_initialized()
    with to_be_left_in_order():
        if ours:
            ray.init(log_to_driver=False, logging_level="ERROR", include_dashboard=False)
        try:
            task = ray.remote(num_cpus=1, max_retries=RETRIES)(draw_shard)
            told = json.dumps(settings.plain())
            waiting = [task.remote(str(path.resolve()), told, shard.number) for shard in shards]
            while waiting:
                done, waiting = ray.wait(waiting, timeout=SOON)
                for each in done:
                    tell(_result(ray, each))
        finally:
            for each in waiting:
                ray.cancel(each, force=True)
            if ours:
                ray.shutdown()


def draw_shard(path: str, settings: str, number: int) -> int:
    """What a task runs: draw one shard, unless it is there; the evaluations that it took."""
    maker = _maker(path, settings)
    shard, spent = maker.folder.plan.shards[number], [0]
    draw_here(maker, [shard], spent.append)
    return sum(spent)


def _result(ray: object, task: object) -> int:
    """What a task returned. Raises InkseedError for what went wrong in it."""
    try:
        return int(ray.get(task))  # type: ignore[attr-defined]
    except ray.exceptions.RayTaskError as error:  # type: ignore[attr-defined]
        if isinstance(error.cause, InkseedError):
            raise InkseedError(str(error.cause)) from error
        raise
    except ray.exceptions.RayError as error:  # type: ignore[attr-defined]
        raise InkseedError(
            f"Ray lost a shard {RETRIES} times ({type(error).__name__}): type the same command"
            " again, it goes on"
        ) from error


@lru_cache(maxsize=1)
def _maker(path: str, settings: str) -> Maker:
    """What draws this set in a process, made once."""
    told = build(SetSettings, table_in(settings, "the settings"), "the settings")
    return Maker.of(Path(path), told, load(told.model, told.device))
