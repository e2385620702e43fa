"""Ctrl-C that takes effect between two steps of a long run, where its state can be saved."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def interrupted_between_steps(wanted: bool = True) -> Iterator[Callable[[], bool]]:
    """Yield a function that says whether Ctrl-C was pressed; pressing it again stops at once.

    Changes nothing unless `wanted`, nor outside the main thread, which alone receives signals.
    """
    if not wanted or threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    pressed = threading.Event()

    def note(number: int, frame: FrameType | None) -> None:
        if pressed.is_set():
            signal.default_int_handler(number, frame)
        pressed.set()

    before = signal.signal(signal.SIGINT, note)
    try:
        yield pressed.is_set
    finally:
        signal.signal(signal.SIGINT, before)
