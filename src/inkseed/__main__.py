"""`inkseed`, and `python -m inkseed`, so that launchers such as torchrun can start it."""

from inkseed.leaving import leave, leave_at_once


def main() -> None:
    """Run the command line; before it begins and after it has ended, Ctrl-C leaves at once."""
    leave_at_once()
    import gc

    gc.disable()  # until torch is imported (`choose_device`): a fifth of that time would go there
    from inkseed.cli import main as run
    from inkseed.interrupt import Stopped

    try:
        run()
    except Stopped as stopped:  # a second Ctrl-C while the first one was taken
        leave(stopped.number)


if __name__ == "__main__":
    main()
