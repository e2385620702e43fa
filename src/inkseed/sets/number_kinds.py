"""Kinds of numbers that templates name: free digits, card numbers, ranges, dates, a file's lines.

Each makes a label of uniform numbers in (0, 1), as `inkseed.sets.templates.Template` says.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

CHANCE = 0.1  # how often a digit is the one before it, by chance


@dataclass(frozen=True)
class Digits:
    """Uniform digits; each length is as frequent as the others.

    A digit repeats the one before it with a probability of `repeats`.
    """

    shortest: int
    longest: int
    repeats: float = CHANCE

    @property
    def draws(self) -> int:
        """The length, then the digits."""
        return 1 + self.longest

    @property
    def size(self) -> int:
        """All strings of these lengths."""
        return sum(10**length for length in range(self.shortest, self.longest + 1))

    def label(self, place: int, u: Sequence[float]) -> str:
        """The first number chooses the length."""
        length = self.shortest + int(u[0] * (self.longest - self.shortest + 1))
        return _digits(u[1 : 1 + length], self.repeats)


@dataclass(frozen=True)
class Luhn:
    """Uniform digits and Luhn's check digit (ISO/IEC 7812-1), as card numbers have."""

    longest: int
    repeats: float = CHANCE

    @property
    def shortest(self) -> int:
        """All are of one length."""
        return self.longest

    @property
    def draws(self) -> int:
        """The check digit takes none."""
        return self.longest - 1

    @property
    def size(self) -> int:
        """All strings but for the check digit."""
        return 10**self.draws

    def label(self, place: int, u: Sequence[float]) -> str:
        """The digits, then what makes their sum a multiple of ten, every second one doubled."""
        digits = _digits(u, self.repeats)
        total = 0
        for place_from_end, digit in enumerate(map(int, reversed(digits))):
            doubled = 2 * digit if place_from_end % 2 == 0 else digit
            total += doubled - 9 * (doubled > 9)
        return digits + str(-total % 10)


@dataclass(frozen=True)
class Span:
    """Whole numbers of a range, all alike; of `width` digits with leading zeros, or 0 for none."""

    first: int
    last: int
    width: int = 0
    draws: int = 1

    @property
    def size(self) -> int:
        """As many as the range has."""
        return self.last - self.first + 1

    @property
    def shortest(self) -> int:
        """Of the first number."""
        return len(self._text(self.first))

    @property
    def longest(self) -> int:
        """Of the last one."""
        return len(self._text(self.last))

    def label(self, place: int, u: Sequence[float]) -> str:
        """The number at that part of the range."""
        return self._text(self.first + int(u[0] * self.size))

    def _text(self, number: int) -> str:
        return f"{number:0{self.width}d}"


@dataclass(frozen=True)
class Dates:
    """Days of a range of years, all alike, written by `form`."""

    form: str  # of str.format, given a date and its year of the century
    first: int
    last: int  # ordinals
    length: int
    size: int
    draws: int = 1

    @property
    def shortest(self) -> int:
        """All are of one length."""
        return self.length

    @property
    def longest(self) -> int:
        """All are of one length."""
        return self.length

    def label(self, place: int, u: Sequence[float]) -> str:
        """The day at that part of the range."""
        day = date.fromordinal(self.first + int(u[0] * (self.last - self.first + 1)))
        return self.form.format(day, day.year % 100)


@dataclass(frozen=True)
class Lines:
    """The lines of a file, in order, and again from the first when they have all been."""

    lines: tuple[str, ...]
    draws: int = 0

    @property
    def size(self) -> int:
        """Different lines."""
        return len(set(self.lines))

    @property
    def shortest(self) -> int:
        """Of the shortest line."""
        return min(map(len, self.lines))

    @property
    def longest(self) -> int:
        """Of the longest line."""
        return max(map(len, self.lines))

    def label(self, place: int, u: Sequence[float]) -> str:
        """The line of this place."""
        return self.lines[place % len(self.lines)]


def _digits(u: Sequence[float], repeats: float) -> str:
    """A digit for each uniform number; all are uniform, and pairs too but for repeated digits."""
    found: list[int] = []
    for each in u:
        if not found:
            found.append(int(10 * each))
        elif each < repeats:
            found.append(found[-1])
        else:
            other = int(9 * (each - repeats) / (1 - repeats))
            found.append((found[-1] + 1 + min(other, 8)) % 10)
    return "".join(map(str, found))
