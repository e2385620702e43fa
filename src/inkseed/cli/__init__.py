"""The command line; heavy imports are inside the commands, so that `--help` is quick."""

import os
import re
import signal
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import pairwise
from typing import Any

import typer

from inkseed.cli.dataset import dataset
from inkseed.cli.evaluating import evaluate
from inkseed.cli.exporting import export
from inkseed.cli.listing import models
from inkseed.cli.naming import NamingCommand, ShowingGroup
from inkseed.cli.paging import page
from inkseed.cli.regenerating import regenerate
from inkseed.cli.sampling import sample
from inkseed.cli.studying import noise_study
from inkseed.cli.training import train
from inkseed.cli.writing import write
from inkseed.errors import InkseedError, InkseedWarning
from inkseed.interrupt import raised
from inkseed.leaving import STOPPED, is_main_process, status_of
from inkseed.say import note

INTERRUPTED = status_of(signal.SIGINT)

COMMANDS = (write, sample, dataset, regenerate, evaluate, noise_study, train, export, page, models)


def command_line(first: str) -> Any:
    """The commands or, if `first` is the name of one, that one: to build all takes a while."""
    app = typer.Typer(
        name="inkseed",
        cls=ShowingGroup,
        help="Turn noise into labelled handwritten digits and numbers.",
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    named = [each for each in COMMANDS if typer.main.get_command_name(each.__name__) == first]
    for each in named or COMMANDS:
        app.command(cls=NamingCommand)(each)
    return typer.main.get_group(app)


def check_values(arguments: list[str]) -> None:
    """Raise InkseedError for an option whose value is empty, as a shell's unset variable is.

    Taken for a path, it would be the folder that one is in.
    """
    for option, following in pairwise([*arguments, "--"]):
        name, joined, own = option.partition("=")
        if len(name) > 2 and name.startswith("--") and not (own if joined else following):
            raise InkseedError(f"{name} is empty: leave it out, or say what it is")


def main(arguments: list[str] | None = None) -> None:
    """Run the command line: exit 0, or 2 and one line on standard error for a user's mistake.

    Ctrl-C, SIGTERM and SIGHUP end it with one line too, and status 130, 143 or 129.
    """
    # Threads that wait in a busy loop take time from whatever else the machine does, and from each
    # other; OpenMP reads this once, when torch is imported (benchmarks/threads.py).
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    arguments = (sys.argv[1:] if arguments is None else arguments) or ["--help"]
    command = command_line(arguments[0])
    with stopped_in_one_line(), warnings_in_one_line(), mistakes_in_one_line():
        check_values(arguments)
        status = command.main(arguments, "inkseed", standalone_mode=False)
        if status == INTERRUPTED:
            raise KeyboardInterrupt  # which typer turns into a status
        sys.stdout.flush()
    sys.exit(status or 0)


@contextmanager
def stopped_in_one_line() -> Iterator[None]:
    """In this context, signals that ask the program to stop end it with one line and their status.

    Whatever else goes wrong from then on is their doing: the other processes of a run have left,
    or the terminal has gone.
    """
    with raised() as came:
        try:
            yield
        except KeyboardInterrupt:
            stopped: int | None = came() or signal.SIGINT
        except BaseException:
            if came() is None:
                raise
            stopped = came()
        else:
            stopped = came()
    if stopped is not None:
        if is_main_process():
            with suppress(OSError):
                note(STOPPED)
        sys.exit(status_of(stopped))


@contextmanager
def warnings_in_one_line() -> Iterator[None]:
    """In this context, print each InkseedWarning once, as one line on standard error."""
    with warnings.catch_warnings():
        others, told = warnings.showwarning, set()

        def tell(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
            if not issubclass(category, InkseedWarning):
                others(message, category, *where, **more)
            elif str(message) not in told and is_main_process():
                told.add(str(message))
                note(message)

        warnings.showwarning = tell
        yield


@contextmanager
def mistakes_in_one_line() -> Iterator[None]:
    """In this context, a user's mistake ends the program with one line and status 2."""
    try:
        yield
    except InkseedError as error:
        _fail(str(error))
    except typer.TyperException as error:  # what typer itself finds wrong with the arguments
        context = getattr(error, "ctx", None)
        if re.fullmatch("-[0-9.]+", option := getattr(error, "option_name", "")):
            _fail(f"{option} is not an option; a number has digits only, so leave out the sign")
        explain = getattr(error, "format_message", error.__str__)
        _fail(f"{explain()} See: {context.command_path if context else 'inkseed'} --help")
    except BrokenPipeError:  # whoever read our output has gone: nobody's mistake
        sys.stderr.close()
        sys.exit(1)
    except OSError as error:  # a name too long, a folder that may not be searched
        _fail(f"{error.filename or 'cannot go on'}: {error.strerror or error}")
    except (MemoryError, RuntimeError) as error:
        _fail(_plain_words(error))


def _plain_words(error: Exception) -> str:
    """Advice on errors from torch; re-raises those that are our own mistakes."""
    text = str(error).lower()
    if isinstance(error, MemoryError) or "out of memory" in text or "allocate memory" in text:
        return "out of memory: ask for smaller batches, images or networks"
    if "compiler" in text and "inductor" in type(error).__module__:
        return "torch.compile found no C++ compiler that works here: leave out --compile"
    raise error


def _fail(message: str) -> None:
    if is_main_process():
        note(message)
    sys.exit(2)
