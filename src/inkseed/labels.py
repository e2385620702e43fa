"""What a user types for numbers and labels, checked without any heavy import."""

import math
import re

from inkseed.errors import InkseedError

MAX_DIGITS = 64
MAX_NAME = 100


def check_number(number: str) -> str:
    """Return `number` if it is 1 to 64 of the characters 0-9; raise InkseedError if not."""
    if not isinstance(number, str):
        raise InkseedError("give a number as text, such as '007': leading zeros count")
    if not re.fullmatch(f"[0-9]{{1,{MAX_DIGITS}}}", number):
        shown = ascii(number if len(number) <= 20 else number[:20] + "...")
        raise InkseedError(f"cannot write {shown}: give 1 to {MAX_DIGITS} of the digits 0-9")
    return number


def check_class_name(name: str) -> str:
    """Return a class's name if it can name a folder and be typed; raise InkseedError if not."""
    if not (
        isinstance(name, str)
        and 0 < len(name) <= MAX_NAME
        and name.isprintable()
        and name == name.strip()
        and name[0] not in ".-"
        and not set(name) & set("/\\,:")
    ):
        raise InkseedError(
            f"{str(name)[:MAX_NAME]!a} cannot name a label: up to {MAX_NAME} letters, without "
            "/ \\ , : and a first . or -"
        )
    return name


def parse_labels(text: str) -> list[str]:
    """`0-9`, `3,5,7`, `0-4,7` or `apple,pear` -> the labels, in order.

    Raises InkseedError for a range that does not rise, or a part that no label can be.
    """
    labels: list[str] = []
    for part in text.split(","):
        spread = re.fullmatch(r"([0-9]{1,4})-([0-9]{1,4})", part.strip())
        if spread:
            first, last = int(spread[1]), int(spread[2])
            if first > last:
                raise InkseedError(f"--labels: the range {part.strip()} does not rise: write 0-9")
            width = len(spread[1]) if len(spread[1]) == len(spread[2]) else 0
            labels += [f"{label:0{width}d}" for label in range(first, last + 1)]
        else:
            labels.append(check_class_name(part.strip()))
    return labels


def parse_numbers(text: str, option: str) -> list[float]:
    """`0,0.5,2` -> the numbers. Raises InkseedError, naming `option`, for anything else."""
    numbers = []
    for part in text.split(","):
        try:
            numbers.append(float(part))
        except ValueError:
            raise InkseedError(f"{option}: {part[:20]!a} is not a number") from None
        if not math.isfinite(numbers[-1]):
            raise InkseedError(f"{option}: {part.strip()} is not a finite number")
    return numbers


def check_not_nan(value: float | None, name: str) -> None:
    """Refuse a style that is no number; None leaves it free. Raises InkseedError naming it."""
    if value is not None and value != value:
        raise InkseedError(f"{name} must be a number, not nan: leave it out to leave it free")
