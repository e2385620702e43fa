"""Ctrl-C, and the SIGTERM and SIGHUP that mean the same: taken where nothing is lost by it.

What a signal does depends on where the program is:

- before the command line runs, and after: it ends the process (`inkseed.leaving`);
- in a command (`raised`): it raises Stopped, which cleans up on its way out;
- in the import of a module there: it ends the process or, where something is open
  (`to_be_left_in_order`), waits for the import's end;
- while files are put in place, or a step of training is taken (`deferred`): it waits for its end.
"""

import _thread
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from inkseed.leaving import SIGNALS, leave

SOON = 0.05  # seconds

Handler = Callable[[int, FrameType | None], object]

_open = 0  # blocks entered by `to_be_left_in_order`


class Stopped(KeyboardInterrupt):
    """Somebody asked the program to stop, by the signal `number`."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


@contextmanager
def raised() -> Iterator[Callable[[], int | None]]:
    """In this block a signal raises Stopped; yields a function that tells which came, or None.

    While a module is being imported, whose author may not have reckoned with that, it ends the
    process if nothing is open, or waits.
    """
    came: list[int] = []
    imports = _imports(sys._getframe())

    def stop(number: int, frame: FrameType | None) -> None:
        came.append(number)
        if _imports(frame) <= imports:
            raise Stopped(number)
        if not _open:
            leave(number, frame)
        _again(number)

    def unraisable(lost: Any) -> None:
        if isinstance(lost.exc_value, Stopped):  # raised in a destructor, say, where it is lost
            _again(lost.exc_value.number)
        else:
            hook(lost)

    hook, sys.unraisablehook = sys.unraisablehook, unraisable
    before = _answer(stop)
    try:
        yield lambda: came[0] if came else None
    finally:
        _restore(before)
        sys.unraisablehook = hook


@contextmanager
def deferred(wanted: bool = True, insisting: bool = False) -> Iterator[Callable[[], bool]]:
    """In this block signals wait for its end; yields a function that says whether one has come.

    If `insisting`, a second one does not wait. Changes nothing unless `wanted`, nor outside the
    main thread, which alone receives signals.
    """
    came: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        came.append(number)
        if insisting and len(came) > 1:
            came.clear()
            _restore(before)
            signal.raise_signal(number)

    before = _answer(note) if wanted else {}
    try:
        yield lambda: bool(came)
    finally:
        _restore(before)
        if came:
            signal.raise_signal(came[0])


@contextmanager
def to_be_left_in_order() -> Iterator[None]:
    """In this block something is open, such as a file or a progress bar: a signal waits or raises.

    Outside, the process may end anywhere.
    """
    global _open
    _open += 1
    try:
        yield
    finally:
        _open -= 1


def _answer(handler: Handler) -> dict[int, Any]:
    """Have signals answered by `handler`, but for those that are ignored, as under nohup.

    Returns how they were answered before.
    """
    if threading.current_thread() is not threading.main_thread():
        return {}
    answered = (
        number for number in SIGNALS if signal.getsignal(number) not in (signal.SIG_IGN, None)
    )
    return {number: signal.signal(number, handler) for number in answered}


def _restore(before: dict[int, Any]) -> None:
    for number, handler in before.items():
        signal.signal(number, handler)


def _again(number: int) -> None:
    """Send the signal again soon. Starting a Thread could wait for a lock that is held here."""

    def send() -> None:
        time.sleep(SOON)
        _thread.interrupt_main(signal.Signals(number))

    _thread.start_new_thread(send, ())


def _imports(frame: FrameType | None) -> int:
    """How many frames of the import system the frame is called from."""
    found = 0
    while frame is not None:
        found += frame.f_code.co_filename.startswith("<frozen importlib")
        frame = frame.f_back
    return found
