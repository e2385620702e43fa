"""How a command starts: threads sleep while they wait, and garbage is left alone until then."""

import os
import subprocess
import sys

import pytest

SPY = """
import gc
import os
from inkseed.noise import SAME, register

@register("spy", SAME)
def spy(task):
    print("threads wait:", os.environ.get("OMP_WAIT_POLICY"))
    print("garbage is collected:", gc.isenabled(), gc.get_freeze_count() > 100_000)
    return task.gaussian()
"""
BEFORE_TORCH = """
import sys
from inkseed.cli import main
assert "torch" not in sys.modules, "OpenMP reads how threads wait when torch is imported"
main(sys.argv[1:])
"""


@pytest.mark.parametrize(("asked", "used"), [(None, "PASSIVE"), ("ACTIVE", "ACTIVE")])
def test_threads_sleep_unless_the_user_says_otherwise(tiny_model, tmp_path, asked, used):
    (tmp_path / "spy.py").write_text(SPY)
    environment = {k: v for k, v in os.environ.items() if k != "OMP_WAIT_POLICY"}
    if asked:
        environment["OMP_WAIT_POLICY"] = asked
    command = ["sample", "--model", str(tiny_model), "--count", "1", "--noise", "spy.py"]
    done = subprocess.run(
        [sys.executable, "-c", BEFORE_TORCH, *command, "--out", "out.npz"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert f"threads wait: {used}" in done.stdout


def test_garbage_is_collected_again_once_torch_is_imported(tiny_model, tmp_path):
    (tmp_path / "spy.py").write_text(SPY)
    command = ["sample", "--model", str(tiny_model), "--count", "1", "--noise", "spy.py"]
    done = subprocess.run(
        [sys.executable, "-m", "inkseed", *command, "--out", "out.npz"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "garbage is collected: True True" in done.stdout
