"""`--hand`: a hand read from whatever somebody has of it, and a line on what was read."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from inkseed.cli.options import output_option
from inkseed.errors import InkseedError
from inkseed.leaving import is_main_process
from inkseed.say import note

if TYPE_CHECKING:
    from inkseed.model.hand import Hand
    from inkseed.model.model import Model

HandPath = Annotated[
    Path | None,
    typer.Option(
        "--hand",
        metavar="PATH",
        help="Draw in the hand of these digits, of any labels; 16 say nearly all: a folder of"
        " pictures, a sheet, or a hand kept as .safetensors. [free; in a number the seed's]",
    ),
]
SaveHand = Annotated[
    Path | None,
    output_option("Keep the digits of --hand in a .safetensors, for next time.", "--save-hand"),
]


def check_hand(hand: Path | None, outputs: Iterable[Path], save: Path | None = None) -> None:
    """Refuse a hand that is not there, is written over, or cannot be kept, before any work."""
    from inkseed.files import check_apart, check_writable

    if save is not None:
        check_writable(save, (".safetensors",))
        if hand is None:
            raise InkseedError("--save-hand keeps the digits of --hand: give that, too")
    if hand is not None and not hand.exists():
        raise InkseedError(f"--hand: no such file or folder: {hand}")
    for path in outputs:
        check_apart(path, hand, "--hand")


def read_hand(path: Path | None, model: "Model") -> "Hand | None":
    """The hand at `path`, in a line on standard error; None if there is no path.

    Raises InkseedError for a model that knows no hand, or if there is no digit.
    """
    if path is None:
        return None
    from inkseed.data.unlabelled import read_digits
    from inkseed.model.hand import KEPT_AS, load_hand, no_hands

    if not model.knows_hands:
        raise InkseedError(no_hands())
    if path.suffix.lower() == KEPT_AS:
        hand, what = load_hand(path), path.name
    else:
        read = read_digits(path)
        hand, what = model.hand_of(read.images), read.account.line()
    if is_main_process():
        digits = "1 digit" if len(hand) == 1 else f"{len(hand):,} digits"
        note(f"a hand of {digits}: {what}")
    return hand
