"""Read small pictures of one size as a set: those clean and in MNIST's form stay as they are."""

import numpy as np

from inkseed.data.form import fitted, out_of_form
from inkseed.data.how_to_read import HowToRead
from inkseed.data.ink import LEAST_CONTRAST, Paper
from inkseed.data.levels import to_bytes
from inkseed.data.one_picture import Found, read_own
from inkseed.data.pen import legible_as_mnist
from inkseed.data.sheet import cut_apart
from inkseed.data.strokes import only_strokes

MOST = 0.9  # if so many have clean paper and full ink, all are left as they are
CLEAN = 0.8  # of a picture's border is clean paper, at least
EDGE = 25  # of 255: paper so close to black or white is clean
FULL = 191  # of 255: full ink reaches at least this
HALF, MIDDLE = 0.5, 127


def read_together(
    images: np.ndarray, size: tuple[int, int], forming: bool, several: bool, how: HowToRead
) -> list[Found]:
    """Grey uint8 (N, h, w) -> what each holds, at `size`.

    If nearly all are black on white or white on black, those keep their grey levels and the others
    are read one by one; otherwise all are. With `forming`, digits that are clearly not in MNIST's
    form are brought to it, and `several` then also looks for sheets of digits.
    """
    found = _inked(images, how)
    inked = [each for each in found if each.state == "ink"]
    off = np.zeros(len(inked), bool)
    if forming and inked:
        off = out_of_form(np.stack([each.images[0] for each in inked]))
        if how.measured and off.mean() <= HALF:
            off[:] = False
    for each, is_off in zip(inked, off, strict=True):
        (image,) = each.images
        if is_off:
            levels = only_strokes(image / np.float32(255))
            cuts = cut_apart(levels) if several else [levels]
            each.images = [legible_as_mnist(to_bytes(cut), size) for cut in cuts]
            each.formed = True
        else:
            each.images = [fitted(image, size)]
    return found


def _inked(images: np.ndarray, how: HowToRead) -> list[Found]:
    """What each picture holds, at its own size."""
    turned = bool(np.median(border(images)) > MIDDLE)
    if turned:  # so that both ways of saving a set give the same numbers
        images = 255 - images
    shape, edges = (images.shape[1], images.shape[2]), border(images)
    light = (edges >= 255 - EDGE).mean(1) >= CLEAN
    telling = light | ((edges <= EDGE).mean(1) >= CLEAN)
    if how.paper != "auto":
        light[:] = (how.paper == "light") != turned
    else:  # an unclear border is taken to be like most
        light[~telling] = light[telling].sum() > HALF * telling.sum()
    ink = np.where(light[:, None, None], 255 - images, images)
    most = ink.max((1, 2))
    clean = telling & (most >= FULL)
    blank = telling & (most < LEAST_CONTRAST * 255)
    set_is_clean = clean.sum() >= MOST * (~blank).sum()
    found = []
    for k, image in enumerate(images):
        as_it_is = Found("ink", [ink[k]], Paper(bool(light[k]), 1.0))
        if blank[k] and set_is_clean:
            found.append(Found("blank"))
        elif set_is_clean and (clean[k] or how.measured):
            found.append(as_it_is)
        else:
            own = read_own(image / np.float32(255), shape, False, False)
            found.append(as_it_is if set_is_clean and own.state == "unsure" else own)
    for each in found:
        if each.paper is not None:
            each.paper = each.paper._replace(light=each.paper.light != turned)
    return found


def border(images: np.ndarray) -> np.ndarray:
    """The outermost pixels of images (N, h, w): (N, 2 h + 2 w)."""
    return np.concatenate([images[:, 0], images[:, -1], images[:, :, 0], images[:, :, -1]], axis=1)
