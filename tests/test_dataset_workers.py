"""Sets by several processes, and by processes that are killed: the same bytes, nothing twice."""

import os
import random
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pyarrow.parquet as parquet
import pytest

from inkseed.errors import InkseedError
from inkseed.sets import workers
from inkseed.sets.plan import Plan
from inkseed.sets.settings import SetSettings, read_settings

from .process_groups import environment, interrupt

COUNT, SHARD = 60, 8
KILLS = 50
LONGEST = 12.0  # seconds until a process is killed, at most


def command(model: Path, out: Path, count: int, *more: object) -> list[str]:
    told = ["dataset", "digits:4-8", "--count", count, "--out", out, "--model", model]
    how = ["--steps", 2, "--guide-w", 0, "--format", "webdataset", "--shard-size", SHARD]
    split = ["--split", "80/10/10"]
    return [sys.executable, "-m", "inkseed", *map(str, [*told, *how, *split, *more])]


def run(arguments: Sequence[str]) -> None:
    subprocess.run(arguments, env=environment(), check=True, capture_output=True)


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def indices(folder: Path) -> list[int]:
    paths = sorted((folder / "manifest").glob("*.parquet"))
    return [row["index"] for path in paths for row in parquet.read_table(path).to_pylist()]


def test_two_workers_make_the_bytes_of_one(tiny_model, inkseed, tmp_path):
    for name, more in (("one", ("--workers", 1)), ("two", ("--workers", 2))):
        result = inkseed(*command(tiny_model, tmp_path / name, COUNT, *more)[3:])
        assert result.status == 0, result.err
    assert files(tmp_path / "one") == files(tmp_path / "two")
    assert indices(tmp_path / "one") == list(range(COUNT))


def test_what_a_worker_cannot_do_is_one_line(tiny_model, inkseed, tmp_path):
    out = tmp_path / "set"
    inkseed(*command(tiny_model, out, 9, "--workers", 1)[3:])
    settings = read_settings(out)
    shards = Plan(settings).shards
    gone = SetSettings(**{**settings.plain(), "model": str(tmp_path / "gone.safetensors")})
    with pytest.raises(InkseedError, match="no such model file"):
        workers.run_workers(out, gone, shards, 2, lambda _: None)


KILLED = """
import multiprocessing.util as util, os, signal, threading
from pathlib import Path
from inkseed.sets.plan import Shard
from inkseed.sets.settings import SetSettings
from inkseed.sets.workers import run_workers

start = util.spawnv_passfds

def started(*arguments):
    if "spawn_main" in str(arguments):
        threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGKILL)).start()
    return start(*arguments)

if __name__ == "__main__":
    util.spawnv_passfds = started
    settings = SetSettings("digits:1", 1, 0, "png", "none", "none")
    shards = [Shard(k, "train", k, k + 1) for k in range(20000)]
    run_workers(Path("set"), settings, shards, 1, print)
"""


def test_a_worker_whose_starter_is_killed_meanwhile_ends_in_silence(tmp_path):
    """While it is told of more shards than a pipe holds."""
    script = tmp_path / "killed.py"
    script.write_text(KILLED)
    ended = subprocess.run(
        [sys.executable, script], env=environment(), cwd=tmp_path, capture_output=True, check=False
    )
    assert ended.returncode == -signal.SIGKILL
    assert (ended.stdout, ended.stderr) == (b"", b"")


def test_ctrl_c_stops_all_workers_in_one_line_and_leaves_nothing_unfinished(tiny_model, tmp_path):
    out = tmp_path / "set"
    interrupt(
        command(tiny_model, out, 5000, "--workers", 2),
        lambda: list(out.glob("manifest/*.parquet")),
        seconds=120,
    )
    assert not list(out.rglob(".inkseed*"))
    assert 0 < len(list(out.glob("manifest/*.parquet"))) < len(Plan(read_settings(out)).shards)


def kill_on_the_way(arguments: list[str], moment: float, alone: bool) -> bool:
    """Kill a command after so many seconds, `alone` or with its workers; False if it had ended."""
    started = subprocess.Popen(
        arguments, env=environment(), start_new_session=True, stderr=subprocess.DEVNULL
    )
    try:
        started.wait(moment)
    except subprocess.TimeoutExpired:
        if alone:
            started.kill()
        else:
            os.killpg(started.pid, signal.SIGKILL)
        started.wait()
        return True
    return False


def survives(model: Path, home: Path, kills: int, longest: float) -> None:
    """Kill sets on the way, and go on each time; what comes out in the end is as without."""
    rng = random.Random(7)
    run(command(model, home / "whole", COUNT, "--workers", 1))
    whole, killed, sets = files(home / "whole"), 0, 0
    while killed < kills:
        out = home / f"set {sets}"
        sets += 1
        while True:
            arguments = command(model, out, COUNT, "--workers", rng.choice((1, 2, 3)))
            moment = rng.uniform(0, longest) if killed < kills else 600
            if not kill_on_the_way(arguments, moment, alone=rng.random() < 0.3):
                break
            killed += 1
        run(command(model, out, COUNT, "--workers", rng.choice((1, 2, 3))))
        assert indices(out) == list(range(COUNT))
        assert files(out) == whole


@pytest.mark.slow
def test_fifty_kills_at_random_moments_change_nothing(tiny_model, tmp_path):
    survives(tiny_model, tmp_path, KILLS, LONGEST)


@pytest.mark.slow
def test_ray_goes_on_when_one_of_two_nodes_is_killed(tiny_model, tmp_path):
    ray = pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    from inkseed.sets.folder import SetFolder
    from inkseed.sets.ray_engine import run_on_ray

    whole = tmp_path / "whole"
    run(command(tiny_model, whole, COUNT, "--workers", 1))
    settings = read_settings(whole)
    folder = SetFolder(tmp_path / "rayed", Plan(settings))
    folder.begin()
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    try:
        second = cluster.add_node(num_cpus=1)
        cluster.wait_for_nodes()
        ray.init(address=cluster.address, log_to_driver=False)
        told: list[int] = []

        def kill_a_node(evaluations: int) -> None:
            told.append(evaluations)
            if len(told) == 2:
                cluster.remove_node(second, allow_graceful=False)

        run_on_ray(folder.path, settings, folder.missing(), kill_a_node)
        assert len(told) == len(folder.plan.shards) > 4
    finally:
        ray.shutdown()
        cluster.shutdown()
    assert folder.finish() is not None
    assert files(folder.path) == files(whole)
