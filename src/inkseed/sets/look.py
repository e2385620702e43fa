"""How the images of a set look, from a typeset number to the finished image."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from PIL import Image

from inkseed.sets.degrade import degrade, find_level
from inkseed.sets.digit import Digit
from inkseed.sets.fit import Fit, fit_digits
from inkseed.sets.labelled_number import Box
from inkseed.sets.scene import check_scene, draw_scene

COMB = "comb"
FREE = 1.5 / 32  # of the height: paper between the widest digit and the sides of its cell, at least


@dataclass(frozen=True)
class Look:
    """How the images of a set look. Raises InkseedError for unknown names.

    Attributes:
        fit: the size of the paper, and where numbers stand on it.
        dark: whether ink is dark on light paper; otherwise it is 255 on 0, MNIST's way.
        degrade: how worn images are: mild, strong, or None for not at all.
        scene: what is printed around numbers: comb, line, or None for nothing.
    """

    fit: Fit = field(default_factory=Fit)
    dark: bool = True
    degrade: str | None = None
    scene: str | None = None

    def __post_init__(self) -> None:
        if self.degrade is not None:
            find_level(self.degrade)
        if self.scene is not None:
            check_scene(self.scene)

    @property
    def colour(self) -> bool:
        """Whether images have colours: worn paper has a tint, except in MNIST's way."""
        return self.dark and self.degrade is not None


def dress_digits(
    digits: Sequence[Digit], look: Look, seed: int, index: int
) -> tuple[np.ndarray, list[Box]]:
    """Finish a number whose digits stand on a line: the image and each digit's tight box.

    The image is uint8 (height, width), or (height, width, 3) where `look.colour`. The same digits,
    look, seed and index make the same image.
    """
    how = _in_cells(look.fit) if look.scene == COMB else look.fit
    page, found = fit_digits(digits, how, seed, index)
    if look.scene is not None:
        page = draw_scene(page, found, look.scene, seed, index)
    if look.degrade is None:
        return (255 - page if look.dark else page), found
    worn, found = degrade(page, found, find_level(look.degrade), seed, index)
    if look.dark:
        return worn, found
    return 255 - np.asarray(Image.fromarray(worn).convert("L")), found


def _in_cells(how: Fit) -> Fit:
    low, high = how.gap
    free = FREE * how.height
    return replace(how, cells=True, gap=(min(low + free, how.height), min(high + free, how.height)))
