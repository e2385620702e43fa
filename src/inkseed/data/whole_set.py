"""Read the pictures of a set, each by itself or, if it is not clear, by the others."""

import math
from typing import Protocol

import numpy as np

from inkseed import memory
from inkseed.data.account import Account
from inkseed.data.claims import FACTS, READING
from inkseed.data.decode import UnreadableError
from inkseed.data.form import SIDE, fitted
from inkseed.data.how_to_read import HowToRead
from inkseed.data.ink import LEAST_CONTRAST, Paper
from inkseed.data.labelled import LabelledImages
from inkseed.data.levels import to_bytes
from inkseed.data.mnist import DIGITS
from inkseed.data.one_picture import Found, read_own
from inkseed.data.small_pictures import border, read_together
from inkseed.errors import InkseedError

SMALL = 64  # pixels: pictures of one size up to this are read together
HALF = 0.5


class Given(Protocol):
    """Pictures to be read, numbered from 0, each with its label."""

    noun: str
    labels: np.ndarray
    class_names: tuple[str, ...]

    def __len__(self) -> int: ...

    def name(self, k: int) -> str:
        """The name of picture k."""

    def shape(self, k: int) -> tuple[int, int] | None:
        """Its height and width, if known."""

    def load(self, k: int) -> np.ndarray:
        """Its grey levels, float32 (H, W), 0 to 1. Raises UnreadableError."""


class Gathered:
    """Reads a set step by step; `result` returns it."""

    def __init__(self, given: Given, size: tuple[int, int] | None, how: HowToRead) -> None:
        self.given, self.how = given, how
        shapes = {shape for k in range(len(given)) if (shape := given.shape(k))}
        self.shared = next(iter(shapes)) if len(shapes) == 1 else None
        self.size = size or self.shared or (SIDE, SIDE)
        pixels = math.prod(self.size)
        if self.shared and max(self.shared) <= SMALL:
            pixels = max(pixels, math.prod(self.shared))
        what = f"{len(given):,} {given.noun} of {self.size[0]}x{self.size[1]}"
        memory.require_each(len(given), READING * pixels + FACTS, what)
        self.digits = set(given.class_names) <= set(DIGITS)
        square = self.size[0] == self.size[1] <= SMALL
        self.forming = how.form == "mnist" or (how.form == "auto" and self.digits and square)
        self.account = Account(given.noun, len(given), shapes=shapes, size=self.size)
        self.found = self._as_they_are() if how.form == "keep" else self._read()

    def result(self) -> tuple[LabelledImages, np.ndarray, Account]:
        """The images, the picture that each is from (N,), and the account. Raises InkseedError."""
        images: list[np.ndarray] = []
        places: list[int] = []
        for k, found in enumerate(self.found):
            self._count(k, found)
            images += found.images
            places += [k] * len(found.images)
        self.account.images = len(images)
        if not any(found.state == "ink" for found in self.found):
            left_out = "; ".join(self.account.left_out())
            raise InkseedError(
                f"none of the {self.account.given:,} {self.given.noun} can be used: {left_out}"
            )
        self.account.blank_used = self.how.measured
        kept = np.array(places)
        labels = self.given.labels[kept]
        return LabelledImages(np.stack(images), labels, self.given.class_names), kept, self.account

    def _count(self, k: int, found: Found) -> None:
        if found.state == "unreadable":
            self.account.unreadable.add(self.given.name(k))
        if found.state == "blank":
            self.account.blank.add(self.given.name(k))
            if self.how.measured:
                found.images = [np.zeros(self.size, np.uint8)]
        self.account.used += bool(found.images)
        if found.paper is not None:
            self.account.light += found.paper.light
            self.account.dark += not found.paper.light
        self.account.formed += found.formed
        self.account.mended += found.mended
        if len(found.images) > 1:
            self.account.sheets.add(self.given.name(k))

    def _read(self) -> list[Found]:
        together = self.shared if self.shared and max(self.shared) <= SMALL else self.size
        found: list[Found] = [Found("unreadable")] * len(self.given)
        stack: dict[int, np.ndarray] = {}
        for k in range(len(self.given)):
            try:
                grey = self.given.load(k)
            except UnreadableError:
                continue
            if grey.shape == together and self.how.form == "auto":
                stack[k] = to_bytes(grey)
            else:
                found[k] = self._own(grey)
        if stack:
            images = np.stack([*stack.values()])
            each = read_together(images, self.size, self.forming, self.digits, self.how)
            for k, one in zip(stack, each, strict=True):
                found[k] = one
        return self._with_others(found)

    def _with_others(self, found: list[Found]) -> list[Found]:
        """Read the pictures that are not clear by what the others are."""
        unsure = [k for k, each in enumerate(found) if each.state == "unsure"]
        if len(unsure) > HALF * sum(each.state in ("ink", "unsure") for each in found):
            self.account.untold = True
            return self._as_they_are()
        papers = [each.paper for each in found if each.paper is not None]
        asked = self.how.paper
        light = [paper.light for paper in papers]
        mostly = asked == "light" if asked != "auto" else sum(light) > HALF * len(light)
        levels = [paper.level for paper in papers if paper.light == mostly]
        usual = Paper(mostly, float(np.median(levels)) if levels else 1.0)
        for k, each in enumerate(found):
            turned = asked != "auto" and each.paper is not None and each.paper.light != mostly
            if each.state == "unsure" or turned:
                found[k] = self._own(self.given.load(k), usual)
        return found

    def _own(self, grey: np.ndarray, known: Paper | None = None) -> Found:
        return read_own(grey, self.size, self.forming, self.digits, known)

    def _as_they_are(self) -> list[Found]:
        """Grey levels as they are, all inverted or none; pictures of other sizes are resized."""
        found, borders = [], []
        for k in range(len(self.given)):
            try:
                grey = to_bytes(self.given.load(k))
            except UnreadableError:
                found.append(Found("unreadable"))
                continue
            if int(grey.max()) - int(grey.min()) < LEAST_CONTRAST * 255:
                found.append(Found("blank"))
                continue
            borders.append(border(grey[None])[0])
            # both ways round: which one is right is known when all have been read
            found.append(Found("ink", [fitted(grey, self.size), fitted(255 - grey, self.size)]))
        light = self.how.paper == "light"
        if self.how.paper == "auto" and borders:
            light = float(np.median(np.concatenate(borders))) > 127
        for each in found:
            if each.state == "ink":
                each.images = [each.images[light]]
                each.paper = Paper(light, 1.0)
        return found
