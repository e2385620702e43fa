"""Small pictures of one size, looked at as a set: what is clean and in form stays as it is."""

import numpy as np

from inkseed.data.form import as_mnist, fitted, full_contrast, in_form
from inkseed.data.how import PaperChoice
from inkseed.data.ink import LEAST_CONTRAST, Paper
from inkseed.data.levels import to_bytes
from inkseed.data.own import Found, read_own
from inkseed.data.sheet import cut_apart

MOST = 0.9  # of them have clean paper and full ink: all are left as they are
CLEAN = 0.8  # of a picture's border is clean paper
EDGE = 25  # of 255: paper so near to black or white is clean
FULL = 191  # of 255: the least of what full ink reaches
HALF = 0.5


def read_together(
    images: np.ndarray, size: tuple[int, int], forming: bool, several: bool, paper: PaperChoice
) -> list[Found]:
    """Grey uint8 (N, h, w) -> what each holds, brought to `size`.

    If nearly all are black on white or white on black, grey levels stay what they are; else each
    is read by itself. With `forming`, digits go into MNIST's form if most are clearly not in it;
    `several` also looks for sheets of digits then.
    """
    clean = clean_ink(images, paper)
    if clean is None:
        shape = (images.shape[1], images.shape[2])
        found = [read_own(image / np.float32(255), shape, False, False) for image in images]
    else:
        found = [
            Found("ink", [ink], Paper(bool(light), 1.0))
            if ink.max() >= LEAST_CONTRAST * 255
            else Found("blank")
            for ink, light in zip(*clean, strict=True)
        ]
    inked = [each for each in found if each.state == "ink"]
    off = np.zeros(len(inked), bool)
    if forming and inked:
        off = ~in_form(np.stack([each.images[0] for each in inked]))
        off &= off.mean() > HALF
    for each, out_of_form in zip(inked, off, strict=True):
        (image,) = each.images
        if out_of_form:
            cuts = cut_apart(image / np.float32(255)) if several else [image / np.float32(255)]
            each.images = [full_contrast(as_mnist(to_bytes(cut), size)) for cut in cuts]
            each.formed = True
        else:
            each.images = [fitted(image, size)]
    return found


def clean_ink(images: np.ndarray, paper: PaperChoice) -> tuple[np.ndarray, np.ndarray] | None:
    """The ink uint8 (N, h, w) and whether each has light paper; None where most are not clean.

    A picture whose border does not tell is taken for what most are.
    """
    edges = border(images)
    light = (edges >= 255 - EDGE).mean(1) >= CLEAN
    sure = light | ((edges <= EDGE).mean(1) >= CLEAN)
    if paper != "auto":
        light[:] = paper == "light"
    else:
        light[~sure] = light[sure].sum() > HALF * sure.sum()
    ink = np.where(light[:, None, None], 255 - images, images)
    full = ink.max((1, 2)) >= FULL
    return (ink, light) if min(sure.mean(), full.mean()) >= MOST else None


def border(images: np.ndarray) -> np.ndarray:
    """The outermost pixels of images (N, h, w): (N, 2 h + 2 w)."""
    return np.concatenate([images[:, 0], images[:, -1], images[:, :, 0], images[:, :, -1]], axis=1)
