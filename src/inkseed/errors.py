"""What a user can mend: an error, and a warning; the command line prints each as one line."""

import sys
import warnings


class InkseedError(ValueError):
    """A mistake in what was asked or given; the message is one line that says what to do."""


class InkseedWarning(UserWarning):
    """What was asked can be done, but hardly gives what is wanted; one line that says why."""


def warn(message: str) -> None:
    """Give an InkseedWarning at the line outside of inkseed from which the call came."""
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("inkseed."):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, InkseedWarning, stacklevel=level)
