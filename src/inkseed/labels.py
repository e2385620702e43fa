"""Parse and check the numbers and labels that users type, without heavy imports."""

import math
import re
from collections.abc import Sequence

from inkseed.errors import InkseedError

MAX_DIGITS = 64
MAX_NAME = 100
MOST_CLASSES = 100_000  # of a model or a set
MOST_NAMED = 12  # known labels, in an error
REAL = r"-?[0-9]+(?:\.[0-9]+)?"


def check_number(number: str) -> str:
    """Return `number` if it is 1 to 64 of the characters 0-9; raise InkseedError if not."""
    if not isinstance(number, str):
        raise InkseedError("give a number as text, such as '007': leading zeros count")
    if not re.fullmatch(f"[0-9]{{1,{MAX_DIGITS}}}", number):
        shown = ascii(number if len(number) <= 20 else number[:20] + "...")
        raise InkseedError(f"cannot write {shown}: give 1 to {MAX_DIGITS} of the digits 0-9")
    return number


def check_class_name(name: str) -> str:
    """Return a class's name if it can be typed and name a folder; raise InkseedError if not."""
    if not (
        isinstance(name, str)
        and 0 < len(name) <= MAX_NAME
        and name.isprintable()
        and name == name.strip()
        and name[0] not in ".-"
        and not set(name) & set("/\\,:")
    ):
        raise InkseedError(
            f"{str(name)[:MAX_NAME]!a} cannot be a label: use up to {MAX_NAME} characters, none of "
            "them / \\ , or : and the first not . or -"
        )
    return name


def parse_labels(text: str) -> list[str]:
    """`0-9`, `3,5,7`, `0-4,7` or `apple,pear` -> the labels, in order.

    Raises InkseedError for a range that runs backwards, or a part that cannot be a label.
    """
    labels: list[str] = []
    for part in text.split(","):
        spread = re.fullmatch(r"([0-9]{1,4})-([0-9]{1,4})", part.strip())
        if spread:
            first, last = int(spread[1]), int(spread[2])
            if first > last:
                raise InkseedError(
                    f"--labels: the range {part.strip()} runs backwards: write {last}-{first}"
                )
            width = len(spread[1]) if len(spread[1]) == len(spread[2]) else 0
            labels += [f"{label:0{width}d}" for label in range(first, last + 1)]
        else:
            labels.append(check_class_name(part.strip()))
    return labels


def parse_numbers(text: str, option: str) -> list[float]:
    """`0,0.5,2` -> the numbers. Raises InkseedError, which names `option`, for anything else."""
    numbers = []
    for part in text.split(","):
        number = number_in(part)
        if number is None:
            raise InkseedError(f"{option}: {part[:20]!a} is not a number")
        if not math.isfinite(number):
            raise InkseedError(f"{option}: {part.strip()[:20]} is not a finite number")
        numbers.append(number)
    return numbers


def parse_range(text: str, option: str) -> tuple[float, float]:
    """`1.5-3`, `-10-20` or one number -> the range. Raises InkseedError, naming the option."""
    found = re.fullmatch(f"({REAL})(?:-({REAL}))?", text.strip(), re.ASCII)
    if not found:
        raise InkseedError(f"{option} is a range such as 1.5-3, or one number: not {text[:40]!a}")
    low, high = float(found[1]), float(found[1] if found[2] is None else found[2])
    if low > high:
        raise InkseedError(
            f"{option}: the range {text.strip()} runs backwards: write {high:g}-{low:g}"
        )
    return low, high


def parse_parts(text: str | None, option: str) -> tuple[int, ...]:
    """`80/10/10` -> the parts; no text is none. Raises InkseedError, naming the option."""
    if text is None:
        return ()
    if not re.fullmatch("[0-9]{1,6}(/[0-9]{1,6}){2}", text):
        raise InkseedError(f"{option} has three parts, such as 80/10/10: not {text[:40]!a}")
    return tuple(map(int, text.split("/")))


def number_in(text: str) -> float | None:
    """The number that somebody typed, by the rules of typer's own options; None for none.

    Digits are 0 to 9 everywhere; float() would take those of all scripts.
    """
    from inkseed.plain import Typed, fits  # with pydantic, which takes a while to import

    try:
        return float(fits(text, Typed, "it"))
    except InkseedError:
        return None


def class_indices(names: Sequence[str], known: Sequence[str]) -> list[int]:
    """Labels as people write them -> their places among a model's `known` ones.

    Raises InkseedError for an unknown label.
    """
    for name in names:
        if name not in known:
            more = ", ..." if len(known) > MOST_NAMED else ""
            words = ", ".join(known[:MOST_NAMED]) + more
            raise InkseedError(f"this model has no label {name!a}: it has {words}")
    return [known.index(name) for name in names]
