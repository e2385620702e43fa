"""How the images of a set look, from a typeset number to the finished image."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

from inkseed.sets.fit import Fit
from inkseed.sets.labelled_number import Box


@dataclass(frozen=True)
class Look:
    """How the images of a set look."""

    fit: Fit = field(default_factory=Fit)
    dark: bool = True
    degrade: str | None = None
    scene: str | None = None

    @property
    def colour(self) -> bool:
        """Whether images have colours."""
        return False


def dress(
    ink: np.ndarray, boxes: Sequence[Box], look: Look, seed: int, index: int
) -> tuple[np.ndarray, list[Box]]:
    """Finish a typeset number, uint8 (H, W), ink 255: the image and each digit's tight box."""
    scale = look.fit.height / ink.shape[0]
    if look.fit.width is not None:
        scale = min(scale, look.fit.width / ink.shape[1])
    size = (max(1, round(ink.shape[1] * scale)), max(1, round(ink.shape[0] * scale)))
    small = np.asarray(Image.fromarray(ink).resize(size, Image.Resampling.BICUBIC))
    page = np.zeros((look.fit.height, look.fit.width or size[0]), np.uint8)
    top, left = (page.shape[0] - size[1]) // 2, (page.shape[1] - size[0]) // 2
    page[top : top + size[1], left : left + size[0]] = small
    return 255 - page, [
        (
            left + int(x0 * scale),
            top + int(y0 * scale),
            min(page.shape[1], left + int(np.ceil(x1 * scale))),
            min(page.shape[0], top + int(np.ceil(y1 * scale))),
        )
        for x0, y0, x1, y1 in boxes
    ]
