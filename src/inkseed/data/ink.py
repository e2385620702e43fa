"""Tell ink from paper in one picture by its own contrast, whatever the light."""

from typing import Literal, NamedTuple

import numpy as np
from PIL import Image
from scipy import ndimage

OVERVIEW = 96  # pixels to which a picture is reduced to examine its paper and light
REACH = 0.8  # of the shorter side: darker than everything within reach is ink, not shade
SMALL = 17  # pixels of reach, at least, if the picture has so many
DOUBT = 0.1  # closer to even than this, a picture alone does not decide
LEAST_CONTRAST = 0.06  # of the whole range: with less a picture is blank
EVEN_LIGHT = 0.1  # of the contrast: paper that varies by less counts as even
FAINTEST = 0.25  # of the ink: the noise of the paper is measured on what is fainter
ALL_INK = 0.7  # of other pictures' paper: a picture that is darker throughout shows no paper
CLEAN_PAPER, CLEAN_INK, CLEAN_NOISE = 0.96, 0.9, 0.03  # of a picture left as it is


class Ink(NamedTuple):
    """A picture's ink, float32 (H, W), from 0 on paper to 1, and the paper it was told from."""

    levels: np.ndarray
    paper: "Paper"
    clean: bool  # nothing had to be changed except which of the two is 1


class Paper(NamedTuple):
    """A picture's paper, also used for other pictures that show none."""

    light: bool  # whether it is lighter than the ink
    level: float  # from 0 to 1: how light or, if the paper is dark, how dark


Verdict = Ink | Literal["blank", "unsure"]


def tell_ink(grey: np.ndarray, known: Paper | None = None) -> Verdict:
    """Grey levels (H, W), 0 to 1 -> ink, or why there is none.

    `known` is the paper of other pictures of the set; without it the picture must decide, or it is
    "unsure". Paper is what a morphological closing over most of the picture leaves if it is light,
    and an opening if it is dark. The reading that finds less ink, above all at the border, is
    taken.
    """
    small = _reduced(grey, OVERVIEW)
    if small.max() - small.min() < LEAST_CONTRAST:
        return "blank"
    papers = _paper(small, True), _paper(small, False)
    if known is not None:
        light = known.light
    else:
        ratio = _darker_share(small, papers)
        if abs(ratio - 0.5) < DOUBT:
            return "unsure"
        light = ratio < 0.5
    paper = papers[0] if light else papers[1]
    if not light:  # continue as if it were
        grey, small, paper = 1 - grey, 1 - small, 1 - paper
    if known is not None and paper.max() < ALL_INK * known.level:
        paper = np.full_like(small, known.level)
    if (paper - small).max() < LEAST_CONTRAST:
        return "blank"
    return _measured(grey, small, paper, light)


def _measured(grey: np.ndarray, small: np.ndarray, paper: np.ndarray, light: bool) -> Verdict:
    even = paper.max() - paper.min() < EVEN_LIGHT * (paper - small).max()
    told_by = Paper(light, float(np.median(paper)))
    # one level, or one for each pixel
    level = told_by.level if even else _enlarged(_shaded_paper(small), grey)
    ink = (1 - grey / np.maximum(level, 1e-3)).clip(0, 1)
    quiet = ink if max(ink.shape) <= OVERVIEW else ndimage.uniform_filter(ink, 3)
    peak = _nth_largest(quiet, max(3, ink.size // 2000))
    full = float(np.percentile(ink[quiet > peak / 2], 80)) if peak > 0 else 0.0
    rest = ink[ink < FAINTEST * full]
    rest = rest[:: 1 + rest.size // 20_000]
    noise = float(np.median(rest) + 3 * np.median(abs(rest - np.median(rest)))) if rest.size else 0
    if full < max(LEAST_CONTRAST, 2 * noise):
        return "blank"
    if even and level >= CLEAN_PAPER and full >= CLEAN_INK and noise <= CLEAN_NOISE:
        return Ink(1 - grey, told_by, True)
    noise = min(noise, FAINTEST * full)
    return Ink(((ink - noise) / (full - noise)).clip(0, 1), told_by, False)


def _paper(small: np.ndarray, light: bool) -> np.ndarray:
    """The paper under even light, correct even if ink runs along a whole border."""
    side = _reach(small)
    morph = ndimage.grey_closing if light else ndimage.grey_opening
    paper: np.ndarray = morph(small, (side, side), mode="nearest")
    return paper


def _shaded_paper(small: np.ndarray) -> np.ndarray:
    """Light paper under uneven light, correct even if it darkens towards a border."""
    side = _reach(small)
    padded = np.pad(small, side // 2, mode="edge")
    paper = ndimage.grey_closing(padded, (side, side), mode="nearest")
    inner = slice(side // 2, -(side // 2))
    smooth: np.ndarray = ndimage.uniform_filter(paper[inner, inner], 5, mode="nearest")
    return smooth


def _reach(small: np.ndarray) -> int:
    shorter, longer = sorted(small.shape)
    return int(max(REACH * shorter, min(REACH * longer, SMALL), 3)) | 1


def _darker_share(small: np.ndarray, papers: tuple[np.ndarray, np.ndarray]) -> float:
    """From 0, if the paper is certainly light, to 1, if it is certainly dark; 0.5 says nothing.

    Compares how much is darker than the lightest within reach with how much is lighter than the
    darkest, since there is less ink than paper. The border is compared by itself, and also with
    what the paper would be, which works under uneven light.
    """
    side = _reach(small)
    lightest = ndimage.maximum_filter(small, side, mode="nearest")
    darkest = ndimage.minimum_filter(small, side, mode="nearest")
    compared = (
        (lightest - small, small - darkest),
        (_border(lightest - small), _border(small - darkest)),
        (_border(papers[0] - small), _border(small - papers[1])),
    )
    shares = []
    for darker, lighter in compared:
        half = max(darker.max(), lighter.max(), LEAST_CONTRAST) / 2  # less may be noise
        these, those = (each[each > half].sum() + 1e-9 for each in (darker, lighter))
        shares.append(float(these / (these + those)))
    return sum(shares) / len(shares)


def _border(a: np.ndarray) -> np.ndarray:
    return np.concatenate([a[0], a[-1], a[:, 0], a[:, -1]])


def _nth_largest(values: np.ndarray, n: int) -> float:
    large = values[
        values > values.max() / 4
    ]  # most of a picture is paper, which need not be sorted
    if len(large) < n:
        large, n = values.ravel(), min(n, values.size)
    return float(np.partition(large, -n)[-n])


def _reduced(grey: np.ndarray, side: int) -> np.ndarray:
    if max(grey.shape) <= side:
        return grey
    scale = side / max(grey.shape)
    size = [max(1, round(each * scale)) for each in grey.shape[::-1]]
    return np.asarray(Image.fromarray(grey).resize((size[0], size[1]), Image.Resampling.BOX))


def _enlarged(small: np.ndarray, grey: np.ndarray) -> np.ndarray:
    """`small`, resized to `grey`."""
    if small.shape == grey.shape:
        return small
    height, width = grey.shape
    return np.asarray(Image.fromarray(small).resize((width, height), Image.Resampling.BILINEAR))
