"""What a user can mend: an error, and a warning; the command line prints each as one line."""


class InkseedError(ValueError):
    """A mistake in what was asked or given; the message is one line that says what to do."""


class InkseedWarning(UserWarning):
    """What was asked can be done, but hardly gives what is wanted; one line that says why."""
