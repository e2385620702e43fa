"""How a set is to be read, where it does not say by itself."""

from dataclasses import dataclass
from typing import Literal, get_args

from inkseed.errors import InkseedError

PaperChoice = Literal["auto", "light", "dark"]
Form = Literal["auto", "mnist", "keep"]


@dataclass(frozen=True)
class HowToRead:
    """What to believe and what to change of a set's pictures.

    `paper` says what they show: dark ink on "light" paper, the reverse, or "auto", which asks each
    picture, and the others where it does not tell.
    `form`: "mnist" brings every digit to MNIST's form (the longer side of its ink 20 pixels of 28,
    its centre of mass in the middle); "auto" does so with digits that are clearly not in it, or in
    pictures of another size than is wanted; "keep" leaves digits where they are, and their grey
    levels too.
    `transposed` exchanges rows and columns of arrays, as EMNIST's own files need.
    `measured` is for a set that somebody drew and that is to be judged: blank images stay in it,
    and where most small pictures are clean and in MNIST's form, the others stay what they are.
    Raises InkseedError for other words.
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
