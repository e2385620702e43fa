"""A hand: some digits of one writer, or one that nobody has; what a network is told of either."""

import hashlib
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeGuard

import numpy as np
import torch
from torch import Tensor

from inkseed.checkpoint import load_header, load_tensors, save_tensors
from inkseed.checks import whole_number
from inkseed.data.crisp import crisp
from inkseed.data.labelled import to_tensor
from inkseed.data.pairs import INK
from inkseed.errors import InkseedError
from inkseed.model.catalogue import models_of_hands
from inkseed.nn.hand_encoder import MOST_DIGITS, SIDE, HandEncoder, drawn_hands, hands_of
from inkseed.outline import Outlined
from inkseed.rng import LAST_IMAGE, LAST_SEED, Purpose, normals

MOST_KEPT = 1000  # digits: more are hardly one writer's
KEPT_AS = ".safetensors"
KIND = "hand"  # what a hand's file says that it is
MIDDLE = 127  # of 255: digits are lighter than that, on average, only with light and dark exchanged


@dataclass(frozen=True, repr=False, eq=False)
class Hand(Outlined):
    """Some digits of one writer, so that a model can draw others in the hand that wrote them.

    The order and the labels of the digits do not matter. All of them count alike; a model is told
    of more than 16 as it is of 16, since it has learned from no more.

    Args:
        images: uint8 (k, 28, 28), ink 255 on paper 0, in MNIST's form: 1 to 1,000 digits.

    Raises:
        InkseedError: for anything else, or a digit without ink.
    """

    images: np.ndarray

    def __post_init__(self) -> None:
        try:
            images = np.array(self.images)
        except (TypeError, ValueError, RuntimeError):  # ragged lists, tensors with a gradient
            images = np.empty(0)
        if images.dtype != np.uint8 or images.ndim != 3 or images.shape[1:] != (SIDE, SIDE):
            shape = "x".join(map(str, images.shape))
            raise InkseedError(
                f"a hand is digits as uint8 (k, {SIDE}, {SIDE}), ink 255, not {images.dtype} "
                f"({shape}): inkseed.data.read_digits(path).images has those of any pictures"
            )
        if not 1 <= len(images) <= MOST_KEPT:
            raise InkseedError(
                f"a hand is 1 to {MOST_KEPT:,} digits of one writer, not {len(images):,}"
            )
        if images.mean() > MIDDLE:
            raise InkseedError("a hand's digits are light on dark, ink 255: give 255 - images")
        if not (inked := (images >= INK).any((1, 2))).all():
            raise InkseedError(
                f"a hand's digits need ink: number {int(np.argmin(inked)) + 1} of {len(images)} "
                "has none, leave it out"
            )
        images.setflags(write=False)
        object.__setattr__(self, "images", images)

    def __len__(self) -> int:
        return len(self.images)

    @property
    def name(self) -> str:
        """The SHA-256 of its digits, whatever their order, as hexadecimal digits."""
        return hashlib.sha256(self.in_order().tobytes()).hexdigest()

    def in_order(self) -> np.ndarray:
        """Its digits in an order of their own, so that not even rounding tells how they came."""
        rows = self.images.reshape(len(self), -1)
        return self.images[np.lexsort(rows.T)]

    def save(self, path: str | Path) -> None:
        """Write the digits themselves to a .safetensors file, for any model that knows hands."""
        if Path(path).suffix.lower() != KEPT_AS:
            raise InkseedError(f"a hand is kept as {KEPT_AS}: end {str(path)!r} in that")
        save_tensors(path, {"images": torch.from_numpy(self.images.copy())}, {"kind": KIND})


@dataclass(frozen=True, slots=True)
class DrawnHand:
    """A hand that nobody has, drawn from how a model's writers are spread.

    It depends on the model, the seed and the number alone: those of an image, or of a whole number.
    Raises InkseedError for a seed or a number that no image has.
    """

    seed: int
    number: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "seed", whole_number(self.seed, "seed", 0, LAST_SEED))
        object.__setattr__(self, "number", whole_number(self.number, "number", 0, LAST_IMAGE))

    @property
    def name(self) -> str:
        """`drawn 7 0`: by seed 7, number 0."""
        return f"drawn {self.seed} {self.number}"


AnyHand = Hand | DrawnHand


def load_hand(path: str | Path) -> Hand:
    """Read a hand that `Hand.save` wrote.

    Args:
        path: a .safetensors file.

    Returns:
        The hand, its digits checked.

    Raises:
        InkseedError: for a file that is missing, damaged, or no hand.
    """
    told, shapes = load_header(path, KIND)
    if told.get("kind") != KIND or shapes.keys() != {"images"}:
        raise InkseedError(f"{path} is no hand: give a file that hand.save wrote")
    if len(shapes["images"]) != 3 or shapes["images"][0] > MOST_KEPT:
        raise InkseedError(f"{path} is damaged: a hand is up to {MOST_KEPT:,} digits")
    tensors, _ = load_tensors(path, KIND)
    images = tensors["images"]
    if images.dtype != torch.uint8:  # numpy has no bfloat16
        raise InkseedError(f"{path} is damaged: a hand is digits as uint8, not {images.dtype}")
    try:
        return Hand(images.numpy())
    except InkseedError as error:
        raise InkseedError(f"{path} is damaged: {error}") from error


class OfHands(Protocol):
    """A network that knows hands: it reads a digit's code, and has learned how codes are spread."""

    encoder: HandEncoder
    hand_mean: Tensor
    hand_factor: Tensor


def knows_hands(network: Any) -> TypeGuard[OfHands]:
    """Whether a network can be told a hand."""
    return getattr(network, "encoder", None) is not None


def tell_hands(network: Any, hands: Sequence[AnyHand | None]) -> Tensor | None:
    """What a network is told of the hands of N images, float32 (N, H) on the CPU.

    Rows of None are left free; where all are, there is nothing to tell, and so None. A hand's row
    does not depend on the others. Raises InkseedError for a network that knows no hand.
    """
    unlike = dict.fromkeys(each for each in hands if each is not None)
    if not unlike:
        return None
    if not knows_hands(network):
        raise InkseedError(no_hands())
    drawn: dict[int, list[DrawnHand]] = {}
    for each in unlike:
        if isinstance(each, DrawnHand):
            drawn.setdefault(each.seed, []).append(each)
    given = [each for each in unlike if isinstance(each, Hand)]
    tables = [_drawn(network, seed, own) for seed, own in drawn.items()]
    tables += [_given(network, each) for each in given]
    place = {each: k for k, each in enumerate(itertools.chain(*drawn.values(), given))}
    table = torch.cat([*tables, torch.full_like(tables[0][:1], torch.nan)])  # the last row: free
    return table[[len(place) if each is None else place[each] for each in hands]]


def no_hands() -> str:
    """What to say of a model that knows no hand."""
    known = ", ".join(models_of_hands())
    other = f"take one that does, such as {known}" if known else "train one of hand = 64"
    return f"this model knows no hand: leave the hand out, or {other}"


@torch.no_grad()
def _given(network: OfHands, hand: Hand) -> Tensor:
    """What a network is told of one hand, (1, H)."""
    x = to_tensor(crisp(hand.in_order())).to(network.hand_mean.device)
    codes = network.encoder(x).float().cpu()
    row = hands_of(codes, torch.zeros(len(hand), dtype=torch.int64), torch.tensor([len(hand)]))
    row[:, -1].clamp_(min=MOST_DIGITS**-0.5)
    return row


def _drawn(network: OfHands, seed: int, hands: Sequence[DrawnHand]) -> Tensor:
    """What a network is told of drawn hands of one seed, (N, H)."""
    mean, factor = (each.double().cpu() for each in (network.hand_mean, network.hand_factor))
    noise = normals(seed, [(each.number,) for each in hands], mean.shape, Purpose.WRITER)
    return drawn_hands(mean, factor, torch.from_numpy(noise).double()).float()
