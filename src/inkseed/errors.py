"""The error and the warning for what a user can fix, which the command line prints in one line."""

import sys
import warnings


class InkseedError(ValueError):
    """A mistake in the request or the input; the message is one line that says what to do."""

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.splitlines()))  # a file's name may hold several


class InkseedWarning(UserWarning):
    """A request that can be met but will probably disappoint; the message says why in one line."""


def warn(message: str) -> None:
    """Issue an InkseedWarning at the line outside inkseed that the call came from."""
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("inkseed."):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, InkseedWarning, stacklevel=level)
