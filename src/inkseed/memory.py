"""What fits in memory, asked before it is taken: who takes too much is killed without a word."""

from collections.abc import Iterator
from contextlib import suppress
from math import floor, log10
from pathlib import Path

import psutil

from inkseed.errors import InkseedError

COMFORT = 0.75  # of what is free: the rest is for what nobody counted, and for other programs
PROCESS, GROUPS = Path("/proc/self/cgroup"), Path("/sys/fs/cgroup")
UNITS = ("bytes", "KB", "MB", "GB", "TB", "PB", "EB")


def require(needed: float, what: str, instead: str) -> None:
    """Raise InkseedError unless `needed` bytes fit in memory comfortably.

    The line says that `what` would take them, how many are free, and what to do `instead`.
    """
    free = comfortable()
    if needed > free:
        raise InkseedError(
            f"{what} would take {size(needed)} of memory, where {size(free)} can be had: {instead}"
        )


def require_each(count: int, each: float, what: str, fixed: float = 0) -> None:
    """Raise InkseedError unless `count` things of `each` bytes, and `fixed`, fit comfortably.

    The line says that `what` would take so much, and how many of them fit.
    """
    most = max(0, int((comfortable() - fixed) / each))
    digits = max(0, floor(log10(most)) - 1) if most else 0
    most = most // 10**digits * 10**digits  # two digits, so that it still fits a moment later
    require(count * each + fixed, what, f"at most {most:,} fit" if most else "not one fits")


def comfortable() -> int:
    """The bytes of memory that this process may take without trouble."""
    limits = [psutil.virtual_memory().available, *_left_of_groups(), *_left_of_process()]
    return max(0, int(COMFORT * min(limits)))


def size(count: float) -> str:
    """A number of bytes as people say it: `730 MB`, `1.2 GB`."""
    power = 0
    while count >= 999.5 and power < len(UNITS) - 1:
        count, power = count / 1000, power + 1
    digits = 1 if power and count < 9.95 else 0
    return f"{count:,.{digits}f} {UNITS[power]}"


def _left_of_groups() -> Iterator[int]:
    """What is left of the limits that a container or a batch system sets, which psutil ignores."""
    with suppress(OSError):
        for line in PROCESS.read_text().splitlines():
            _, kinds, path = line.split(":", 2)
            if not kinds:
                yield from _left(GROUPS, path, "memory.max", "memory.current", "inactive_file")
            elif "memory" in kinds.split(","):
                names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
                yield from _left(GROUPS / "memory", path, *names)


def _left(root: Path, path: str, most: str, used: str, cache: str) -> Iterator[int]:
    """What each control group from the process's own up to the root leaves it."""
    own = root / path.lstrip("/")
    for group in (own, *own.parents):
        if not group.is_relative_to(root):
            return
        with suppress(OSError, ValueError, KeyError):  # a group without a limit says "max"
            facts = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
            taken = int((group / used).read_text()) - int(facts[cache])  # files can be dropped
            yield int((group / most).read_text()) - taken


def _left_of_process() -> Iterator[int]:
    """What is left of `ulimit -v`."""
    with suppress(ImportError):  # on Windows there is none
        import resource

        most = resource.getrlimit(resource.RLIMIT_AS)[0]
        if most != resource.RLIM_INFINITY:
            yield most - psutil.Process().memory_info().vms
