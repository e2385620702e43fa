"""A regular expression of digits as a template, read by Python's own parser.

Alternatives and sets of digits are weighted by how many strings each of them has, so that
`(0[1-9]|1[0-2])` is a month, all twelve alike; a repetition's counts are all alike.
"""

import re
import warnings
from bisect import bisect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from re import _constants as codes  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

from inkseed.errors import InkseedError
from inkseed.labels import MAX_DIGITS

DIGITS = "0123456789"
REPEATS = (codes.MAX_REPEAT, codes.MIN_REPEAT, codes.POSSESSIVE_REPEAT)
MOST_LETTERS = 1000  # of an expression
MOST_GROUPS = 100  # which may be nested
MOST_DRAWS = 10_000  # choices that a string takes: repetitions of repetitions have no end otherwise


@dataclass(frozen=True)
class Pattern:
    """Strings of digits that a regular expression matches.

    Attributes:
        tree: what Python's parser makes of it.
        draws: the most choices that a string takes.
        size: how many ways there are through it.
        shortest: digits of the shortest string.
        longest: digits of the longest.
    """

    tree: Any
    draws: int
    size: int
    shortest: int
    longest: int

    @classmethod
    def of(cls, text: str) -> "Pattern":
        """Parse an expression. Raises InkseedError, in one line, for what has other than digits."""
        try:
            if len(text) > MOST_LETTERS:
                raise InkseedError(f"it has more than {MOST_LETTERS} characters")
            if text.count("(") > MOST_GROUPS:
                raise InkseedError(f"it has more than {MOST_GROUPS} groups")
            with warnings.catch_warnings():  # of what a later Python may read otherwise
                warnings.simplefilter("ignore")
                tree = parser.parse(text.removeprefix("^").removesuffix("$"))
            found = _Measured.of(tree, {})
        except (re.error, OverflowError) as error:
            raise InkseedError(f"{text[:40]!a} is no regular expression: {error}") from error
        except InkseedError as error:
            raise InkseedError(f"the template {text[:40]!a}: {error}") from error
        if not found.shortest >= 1 or found.longest > MAX_DIGITS:
            raise InkseedError(
                f"the template {text[:40]!a} makes {found.shortest} to {found.longest} digits: make"
                f" it 1 to {MAX_DIGITS}"
            )
        return cls(tree, found.draws, found.size, found.shortest, found.longest)

    def label(self, place: int, u: Sequence[float]) -> str:
        """Walk the expression, taking a number for each choice."""
        return _walk(self.tree, iter(u), {})


@dataclass(frozen=True)
class _Measured:
    """How many numbers a part takes, how many strings it has, and their lengths."""

    draws: int
    size: int
    shortest: int
    longest: int

    def __post_init__(self) -> None:
        if self.longest > 10**6:
            raise InkseedError(f"it makes more than {MAX_DIGITS} digits")
        if self.draws > MOST_DRAWS:
            raise InkseedError("its repetitions hold too many others: nest fewer")

    @classmethod
    def of(cls, tree: Any, groups: dict[int, "_Measured"]) -> "_Measured":
        """Of a sequence of parts; `groups` are those that come before it."""
        parts = [_measure(op, value, groups) for op, value in tree]
        size = 1
        for part in parts:
            size *= part.size
        shortest, longest = sum(p.shortest for p in parts), sum(p.longest for p in parts)
        return cls(sum(part.draws for part in parts), size, shortest, longest)


def _measure(op: Any, value: Any, groups: dict[int, _Measured]) -> _Measured:
    if op in (codes.LITERAL, codes.NOT_LITERAL, codes.IN):
        return _Measured(1, len(_choices(op, value)), 1, 1)
    if op is codes.SUBPATTERN:
        inner = _Measured.of(_inner(value), groups)
        if value[0] is not None:
            groups[value[0]] = inner
        return inner
    if op is codes.BRANCH:
        ways = [_Measured.of(way, {**groups}) for way in value[1]]  # others may not refer to theirs
        return _Measured(
            1 + max(way.draws for way in ways),
            sum(way.size for way in ways),
            min(way.shortest for way in ways),
            max(way.longest for way in ways),
        )
    if op in REPEATS:
        least, most, tree = value
        if most is codes.MAXREPEAT or most > MAX_DIGITS:
            raise InkseedError(
                f"say how many digits at most, as in [0-9]{{1,8}}: up to {MAX_DIGITS}"
            )
        one = _Measured.of(tree, groups if least else {**groups})
        size = sum(one.size**count for count in range(least, most + 1))
        return _Measured(1 + most * one.draws, size, least * one.shortest, most * one.longest)
    if op is codes.GROUPREF and value in groups:
        again = groups[value]
        return _Measured(0, 1, again.shortest, again.longest)
    words = str(op).lower().replace("_", " ")
    raise InkseedError(f"it may have digits, sets, groups, | and repetitions, no {words}")


def _inner(value: Any) -> Any:
    _, add, remove, tree = value
    if add or remove:
        raise InkseedError("leave out flags such as (?i)")
    return tree


def _choices(op: Any, value: Any) -> str:
    """The digits that may stand in one place."""
    if op is codes.IN:
        members = {digit for each in value for digit in _members(*each)}
        kept = members ^ {*DIGITS} if value[0][0] is codes.NEGATE else members
    else:
        kept = {*DIGITS} - {chr(value)} if op is codes.NOT_LITERAL else {_digit(value)}
    if not kept:
        raise InkseedError("it has a place where no digit can stand")
    return "".join(sorted(kept))


def _members(op: Any, value: Any) -> Iterator[str]:
    if op is codes.LITERAL:
        yield _digit(value)
    elif op is codes.RANGE:
        first, last = value
        yield from (str(k) for k in range(int(_digit(first)), int(_digit(last)) + 1))
    elif op is codes.CATEGORY and value is codes.CATEGORY_DIGIT:
        yield from DIGITS
    elif op is not codes.NEGATE:
        raise InkseedError("sets may have digits only")


def _digit(code: int) -> str:
    if chr(code) not in DIGITS:
        raise InkseedError(f"it may have the digits 0-9 only, not {chr(code)!a}")
    return chr(code)


def _walk(tree: Any, u: Iterator[float], groups: dict[int, str]) -> str:
    return "".join([_step(op, value, u, groups) for op, value in tree])


def _step(op: Any, value: Any, u: Iterator[float], groups: dict[int, str]) -> str:
    if op in (codes.LITERAL, codes.NOT_LITERAL, codes.IN):
        choices = _choices(op, value)
        return choices[int(next(u) * len(choices))]
    if op is codes.SUBPATTERN:
        found = _walk(_inner(value), u, groups)
        if value[0] is not None:
            groups[value[0]] = found
        return found
    if op is codes.BRANCH:
        sizes = [_Measured.of(way, _sizes(groups)).size for way in value[1]]
        sums = list(accumulate(sizes))
        return _walk(value[1][min(bisect(sums, next(u) * sums[-1]), len(sums) - 1)], u, groups)
    if op in REPEATS:
        least, most, again = value
        count = least + int(next(u) * (most - least + 1))
        return "".join([_walk(again, u, groups) for _ in range(count)])
    return groups[value]


def _sizes(groups: dict[int, str]) -> dict[int, _Measured]:
    return {name: _Measured(0, 1, len(text), len(text)) for name, text in groups.items()}
