"""End a process that is asked to stop while nothing is open; takes no time to import."""

import _signal  # what `signal` wraps in enumerations, which take milliseconds to import
import os

NAMES = ("SIGINT", "SIGTERM", "SIGHUP")  # Ctrl-C; docker stop, a batch system; a closed terminal
SIGNALS = tuple(getattr(_signal, name) for name in NAMES if hasattr(_signal, name))
STOPPED = "stopped; no half-written file is left"


def leave_at_once() -> None:
    """From now on, signals end the process in one line: as long as nothing is open, as in imports.

    An exception would not do: many libraries swallow those that come while they are imported.
    """
    for number in SIGNALS:
        if _signal.getsignal(number) is not _signal.SIG_IGN:  # as under nohup
            _signal.signal(number, leave)


def leave(number: int, frame: object = None) -> None:
    """End the process at once, in one line on standard error and with the signal's status."""
    if is_main_process():
        try:  # noqa: SIM105 - contextlib may be what is being imported
            os.write(2, f"inkseed: {STOPPED}\n".encode())
        except OSError:  # the terminal has gone
            pass
    os._exit(status_of(number))


def status_of(number: int) -> int:
    """The exit status after a signal, as in shells: 130 for Ctrl-C, 143 for SIGTERM."""
    return 128 + number


def is_main_process() -> bool:
    """Whether this is the process that prints, of all that `torchrun` started."""
    return os.environ.get("RANK", "0") == "0" or "WORLD_SIZE" not in os.environ
