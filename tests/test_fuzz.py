"""Damaged files of every kind: an answer or one line, and, a thousand times over, in bounds."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz import KINDS, fuzz

EXAMPLES, MANY = 40, 1000
LONGEST = 900  # seconds for many


@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_file_gives_an_answer_or_one_line(kind):
    fuzz(kind, EXAMPLES, derandomize=True)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="a process is bounded as Linux does it")
@pytest.mark.parametrize("kind", KINDS)
def test_a_thousand_damaged_files_take_neither_long_nor_much_memory(kind):
    command = [sys.executable, "-m", "tests.fuzz", kind, str(MANY)]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=LONGEST, cwd=Path(__file__).parents[1]
    )
    assert done.returncode == 0, done.stderr[-4000:]
