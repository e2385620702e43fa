"""Hands from a folder: which number is in which, and which split has which."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from inkseed.data.folder import is_picture
from inkseed.data.unlabelled import read_digits
from inkseed.errors import InkseedError
from inkseed.model.hand import KEPT_AS, Hand, load_hand, no_hands
from inkseed.model.model import Model
from inkseed.outline import Outlined
from inkseed.rng import Purpose, uniforms

MOST_HANDS = 10_000


@dataclass(frozen=True, repr=False, eq=False)
class Hands(Outlined):
    """Hands with their names, in the order of these."""

    all: tuple[Hand, ...]
    names: tuple[str, ...]

    def line(self) -> str:
        """How many there are, and of how many digits, in one line."""
        sizes = sorted(map(len, self.all))
        hands = "1 hand" if len(sizes) == 1 else f"{len(sizes):,} hands"
        if sizes[-1] == 1:
            return f"{hands} of 1 digit: digits of one writer belong in a folder of their own"
        spread = f"{sizes[0]:,}" if sizes[0] == sizes[-1] else f"{sizes[0]:,} to {sizes[-1]:,}"
        return f"{hands} of {spread} digits"

    def shared_out(self, splits: Sequence[str], parts: Sequence[int]) -> dict[str, "Hands"]:
        """The hands of each split, in proportion to its part; no hand is in two.

        Raises InkseedError for fewer hands than splits.
        """
        count, ends = len(self.all), list(accumulate(parts))
        if count < len(splits):
            raise InkseedError(
                f"{count} hands cannot be shared out among {len(splits)} splits: give more hands,"
                " or leave out --split"
            )
        found, begin = {}, 0
        for place, (split, end) in enumerate(zip(splits, ends, strict=True)):
            left = len(splits) - place - 1  # which need one each
            stop = min(max(round(count * end / ends[-1]), begin + 1), count - left)
            found[split] = Hands(self.all[begin:stop], self.names[begin:stop])
            begin = stop
        return found

    def of_numbers(self, seed: int, indices: Sequence[int]) -> tuple[list[Hand], list[str]]:
        """The hand of each number, drawn at random, and its name."""
        u = uniforms(seed, Purpose.HANDED, [(index,) for index in indices], 1)[:, 0]
        chosen = (u * len(self.all)).astype(int).tolist()
        return [self.all[k] for k in chosen], [self.names[k] for k in chosen]


def read_hands(folder: Path, model: Model) -> Hands:
    """The hands in a folder: folders of pictures, sheets, and hands kept as .safetensors.

    Raises InkseedError if there is none, or if one cannot be read.
    """
    if not model.knows_hands:
        raise InkseedError(no_hands())
    if not folder.is_dir():
        what = "give the folder that it is in" if folder.exists() else "no such folder"
        raise InkseedError(f"--hands: {folder}: {what}")
    found = {}
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        if path.suffix.lower() == KEPT_AS:
            hand = load_hand(path)
        elif path.is_dir() or is_picture(path):
            try:
                hand = model.hand_of(read_digits(path).images)
            except InkseedError as error:
                raise InkseedError(f"--hands: {path}: {error}") from error
        else:
            continue
        found[hand.name] = hand
    if not 1 <= len(found) <= MOST_HANDS:
        raise InkseedError(
            f"--hands: {folder} has {len(found):,} hands: give 1 to {MOST_HANDS:,}, each a folder"
            f" of pictures, a sheet, or a {KEPT_AS}"
        )
    names = tuple(sorted(found))
    return Hands(tuple(found[name] for name in names), names)
