"""How to read a set of pictures."""

from dataclasses import dataclass
from typing import Literal, get_args

from inkseed.errors import InkseedError

PaperChoice = Literal["auto", "light", "dark"]
Form = Literal["auto", "mnist", "keep"]


@dataclass(frozen=True)
class HowToRead:
    """What to assume about a set's pictures, and what to change in them.

    Attributes:
        paper: "light" for dark ink on light paper, "dark" for the reverse, "auto" to decide picture
            by picture, and by the other pictures if one is not clear.
        form: "mnist" brings every digit to MNIST's form: the longer side of its ink is 20 pixels of
            28, and its centre of mass is in the middle. "auto" does so for digits that are clearly
            not in that form, and for pictures of another size than is wanted. "keep" moves no digit
            and changes no grey level.
        transposed: swap rows and columns of arrays, as EMNIST's own files need.
        measured: for a generated set that is to be judged. Blank images stay in it; if most small
            pictures are clean and in MNIST's form, the others are left as they are.

    Raises:
        InkseedError: for any other `paper` or `form`.
    """

    paper: PaperChoice = "auto"
    form: Form = "auto"
    transposed: bool = False
    measured: bool = False

    def __post_init__(self) -> None:
        for name, known in (("paper", PaperChoice), ("form", Form)):
            if getattr(self, name) not in get_args(known):
                words = ", ".join(get_args(known))
                raise InkseedError(f"{name} must be one of {words}, not {getattr(self, name)!r}")
