"""The one kind of error that is a user's to mend; the command line prints it as one line."""


class InkseedError(ValueError):
    """A mistake in what was asked or given; the message is one line that says what to do."""
