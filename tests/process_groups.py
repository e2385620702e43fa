"""The command line in processes of its own, interrupted as a terminal does it."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from inkseed.leaving import STOPPED, status_of


def environment() -> dict[str, str]:
    source = Path(__file__).parents[1] / "src"
    paths = [str(source), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


def interrupt(
    arguments: Sequence[str], when: Callable[[], object], seconds: float, cwd: Path | None = None
) -> int:
    """Run a command, press Ctrl-C once `when()` holds, and see it end in one line: its group.

    It has to end within so many seconds.
    """
    started = subprocess.Popen(
        arguments,
        cwd=cwd,
        env=environment(),
        start_new_session=True,
        stderr=subprocess.PIPE,
        text=True,
    )
    while not when():
        assert started.poll() is None, started.communicate()
        time.sleep(0.05)
    os.killpg(started.pid, signal.SIGINT)  # as a terminal does: to all of them
    _, said = started.communicate(timeout=seconds)
    assert started.returncode == status_of(signal.SIGINT)
    assert said.strip().splitlines() == [f"inkseed: {STOPPED}"]
    return started.pid
