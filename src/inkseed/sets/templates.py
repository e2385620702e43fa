"""Templates: which numbers a set is made of, such as digits:6, date:YYYYMMDD, [0-9]{5}, luhn:16.

A template turns uniform numbers into a label. Every position and pair of digits is uniform unless
the template says otherwise, since a trainer memorises whatever is not.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Protocol

from inkseed.errors import InkseedError
from inkseed.files import sha256
from inkseed.labels import MAX_DIGITS, check_number
from inkseed.sets.number_kinds import Dates, Digits, Lines, Luhn, Span
from inkseed.sets.pattern import Pattern

YEARS = 1900, 2099
LEAP = 2000  # a year with every day that a year can have
DATE_PARTS = {"YYYY": "{0.year:04d}", "YY": "{1:02d}", "MM": "{0.month:02d}", "DD": "{0.day:02d}"}
ZIP = 501, 99_950  # the lowest and the highest that are in use
MOST_LINES, MOST_BYTES = 10_000_000, 1 << 30
KNOWN = (
    "digits:6, digits:4-8, a regular expression of digits such as [0-9]{5}, date:YYYYMMDD, luhn:16,"
    " zip, score:0-100 or file:numbers.txt"
)


class Template(Protocol):
    """How labels are made."""

    @property
    def draws(self) -> int:
        """How many uniform numbers a label takes."""

    @property
    def size(self) -> int:
        """How many different labels there are, at most."""

    @property
    def shortest(self) -> int:
        """Digits of the shortest label."""

    @property
    def longest(self) -> int:
        """Digits of the longest label."""

    def label(self, place: int, u: Sequence[float]) -> str:
        """The label that uniform numbers `u`, in (0, 1), make; `place` counts labels from 0."""


def template(text: str, repeats: float | None = None) -> Template:
    """The template that somebody typed.

    Args:
        text: such as digits:6, digits:4-8, [0-9]{5}, date:YYYYMMDD, luhn:16, zip, score:0-100 or
            file:numbers.txt.
        repeats: how often a digit is the one before it; None is chance, one in ten.

    Raises:
        InkseedError: for anything else, in one line.
    """
    name, _, told = text.partition(":")
    if name in NAMED:
        found = NAMED[name](told)
    elif re.fullmatch("[A-Za-z_]+", name):
        raise InkseedError(f"no template {text[:40]!a}: give {KNOWN}")
    else:
        found = Pattern.of(text)
    if repeats is None:
        return found
    if not isinstance(found, Digits | Luhn):
        raise InkseedError(
            "--repeats is for digits: and luhn:, whose digits are free: leave it out"
        )
    return replace(found, repeats=repeats)


def template_file(text: str) -> Path | None:
    """The file that a template names; None if it names none."""
    name, _, path = text.partition(":")
    return Path(path) if name == "file" else None


def template_sha256(text: str) -> str | None:
    """The SHA-256 of that file."""
    path = template_file(text)
    return None if path is None else sha256(path)


def _of_digits(told: str) -> Digits:
    first, last = _range(told or "1", "digits:6 or digits:4-8", 1, MAX_DIGITS)
    return Digits(first, last)


def _of_luhn(told: str) -> Luhn:
    first, last = _range(told or "16", "luhn:16", 2, MAX_DIGITS)
    if first != last:
        raise InkseedError("luhn: takes one length, as in luhn:16")
    return Luhn(last)


def _of_scores(told: str) -> Span:
    return Span(*_range(told or "0-100", "score:0-100", 0, 10**18, alone=False))


def _of_zips(told: str) -> Span:
    if told:
        raise InkseedError("zip takes nothing after it: write zip")
    return Span(*ZIP, width=5)


def _of_dates(told: str) -> Dates:
    order, _, years = told.partition(":")
    parts = re.findall("YYYY|YY|MM|DD", order)
    kinds = [part[0] for part in parts]
    if not parts or "".join(parts) != order or len(set(kinds)) < len(kinds):
        raise InkseedError(
            f"date:{order[:20]} is no order of YYYY or YY, MM and DD: write one such as date:DDMMYY"
        )
    form = "".join(DATE_PARTS[part] for part in parts)
    if "Y" not in kinds:
        years = str(LEAP)
    wanted = "date:YYYYMMDD:1990-2030, years from 1 to 9999"
    begin, end = _range(years, wanted, 1, 9999) if years else YEARS
    first, last = date(begin, 1, 1), date(end, 12, 31)
    size = {"": 1, "M": 12, "D": 31, "MD": 366}["".join(kind for kind in "MD" if kind in kinds)]
    size *= min(end - begin + 1, 100 if "YY" in parts else 9999)
    return Dates(form, first.toordinal(), last.toordinal(), len(order), size)


def _of_file(told: str) -> Lines:
    path = Path(told)
    try:
        if path.exists() and not path.is_file():  # a pipe would be waited for
            raise InkseedError(f"file:{told} is no file: give file:numbers.txt, one number a line")
        if path.stat().st_size > MOST_BYTES:
            raise InkseedError(f"{path} is larger than a gigabyte: give a smaller file")
        lines = [line.strip() for line in path.read_text("utf-8-sig").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is no text"
        raise InkseedError(f"cannot read {told or 'a file without a name'}: {why}") from error
    for number, line in enumerate(lines, start=1):
        try:
            if line:
                check_number(line)
        except InkseedError as error:
            raise InkseedError(f"{path}, line {number}: {error}") from error
    found = tuple(filter(None, lines))
    if not 1 <= len(found) <= MOST_LINES:
        raise InkseedError(
            f"{path} has {len(found):,} numbers: give 1 to {MOST_LINES:,}, one a line"
        )
    return Lines(found)


NAMED: dict[str, Callable[[str], Template]] = {
    "digits": _of_digits,
    "luhn": _of_luhn,
    "score": _of_scores,
    "zip": _of_zips,
    "date": _of_dates,
    "file": _of_file,
}


def _range(text: str, wanted: str, least: int, most: int, alone: bool = True) -> tuple[int, int]:
    """`4-8`, or `6` if one number `alone` will do -> the first and the last."""
    found = re.fullmatch("([0-9]{1,19})(?:-([0-9]{1,19}))?", text)
    if not found or (found[2] is None and not alone):
        raise InkseedError(f"{text[:40]!a} is not understood: write {wanted}")
    first, last = int(found[1]), int(found[2] or found[1])
    if not least <= first <= last <= most:
        raise InkseedError(
            f"{text}: must be from {least} to {most}, the lower first: write {wanted}"
        )
    return first, last
