"""Words to standard output and standard error: what is in data stays data there.

Names of files, labels and the like come from strangers. A character that does not print, such as
one that begins an escape sequence, is shown as its escape, and so is what the stream's encoding
lacks. Nothing in inkseed prints by other means than these, and `inkseed.console` for tables.
"""

import codecs
import sys
from typing import TextIO

BYTES = range(0xDC80, 0xDD00)  # how Python reads a file name's bytes that are not UTF-8
NEAREST = {"é": "e", "±": "+-", "°": "deg", "—": "-", "↑": "^", "↓": "v"}  # of inkseed's own words
HANDLER = "inkseed.nearest"


def out(*lines: object) -> None:
    """Print lines on standard output, whatever is in them and whatever its encoding is."""
    _print(sys.stdout, map(str, lines))


def note(message: object) -> None:
    """Print a message to people as one line on standard error: `inkseed: message`."""
    _print(sys.stderr, [f"inkseed: {' '.join(str(message).split())}"])


def shown(text: str) -> str:
    """A text of several lines as standard output can show it."""
    return fitting(plain(text, kept="\n"), getattr(sys.stdout, "encoding", None))


def plain(text: str, kept: str = "") -> str:
    """`text` with an escape for each character that does not print and is not `kept`."""
    return "".join(
        letter if letter.isprintable() or letter in kept else _escaped(letter) for letter in text
    )


def fitting(text: str, encoding: str | None) -> str:
    """`text` in the characters that an encoding has, the nearest ones or escapes for others."""
    encoding = encoding or "utf-8"
    return text.encode(encoding, HANDLER).decode(encoding)


def _print(stream: TextIO, lines: "map[str] | list[str]") -> None:
    for line in lines:
        print(fitting(plain(line), getattr(stream, "encoding", None)), file=stream, flush=True)


def _escaped(letter: str) -> str:
    code = ord(letter)
    if code in BYTES:
        return f"\\x{code - 0xDC00:02x}"
    return letter.encode("unicode_escape").decode("ascii")


def _nearest(error: UnicodeError) -> tuple[str, int]:
    """The error handler of `fitting`."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    return "".join(NEAREST.get(letter) or _escaped(letter) for letter in lacking), error.end


codecs.register_error(HANDLER, _nearest)
