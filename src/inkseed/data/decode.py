"""Read one picture file of any format, turned upright, as grey levels from 0 to 1."""

import warnings
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageOps

from inkseed.data.levels import to_unit

MOST_SIDE = 2048  # pixels, to which larger pictures are reduced
NOT_READ = {"BUFR", "EPS", "GRIB", "HDF5", "MPEG", "WMF"}  # start other programs, or are stubs
COLOURED = 0.06  # difference between channels; JPEG and white balance tint grey by less
ONE_COLOUR = 0.2  # if the opaque part varies by less, it is all ink and the rest is paper
FILLED = 0.8  # opaque part of its box: with more it is a picture with clear corners, not strokes
SAMPLE_FORMAT = 339  # the tag of a TIFF whose values are unsigned, if they are (1,)
DEEP = ("I", "F")  # modes whose range Pillow would clip


class UnreadableError(Exception):
    """A file that is not a picture, is damaged, or is too large for handwriting."""


class Decoded(NamedTuple):
    """A picture's grey levels, float32 (H, W), 0 black to 1 white, and its number of frames."""

    grey: np.ndarray
    frames: int


@cache
def formats() -> list[str]:
    """The names of the formats that are read."""
    Image.init()
    return sorted(set(Image.OPEN) - NOT_READ)


@cache
def suffixes() -> set[str]:
    """The endings of their files, in lower case."""
    known = set(formats())
    return {suffix for suffix, name in Image.registered_extensions().items() if name in known}


def picture_size(path: Path) -> tuple[int, int] | None:
    """(height, width) when upright, from the file's header; None if it has none."""
    try:
        with _opened(path) as picture:
            turned = picture.getexif().get(0x0112, 1) in (5, 6, 7, 8)
            return picture.size if turned else picture.size[::-1]
    except Exception:  # whatever a format's reader raises on a damaged file
        return None


def decode(path: Path) -> Decoded:
    """Read a picture's first frame. Transparent parts become paper, whatever the ink's colour.

    Raises UnreadableError.
    """
    try:
        with _opened(path) as picture, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about metadata: only the pixels count
            # a phone's MPO holds the photograph a second time, smaller
            frames = 1 if picture.format == "MPO" else int(getattr(picture, "n_frames", 1))
            picture.draft(None, (MOST_SIDE, MOST_SIDE))
            unsigned = getattr(picture, "tag_v2", {SAMPLE_FORMAT: (0,)}).get(SAMPLE_FORMAT, (1,))
            return Decoded(_grey(ImageOps.exif_transpose(picture), unsigned == (1,)), frames)
    except Exception as error:  # as above
        raise UnreadableError(str(error)) from error


def _opened(path: Path) -> Image.Image:
    if not path.is_file():  # a pipe would be waited for
        raise OSError("not a file")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        return Image.open(path, formats=formats())


def _grey(picture: Image.Image, unsigned: bool) -> np.ndarray:
    if picture.mode.startswith(DEEP):
        levels = np.asarray(picture)
        if picture.mode == "I" and unsigned:  # Pillow reads 32 bits as signed ones
            levels = levels.view(np.uint32)
        deep = Image.fromarray(to_unit(levels))
        deep.thumbnail((MOST_SIDE, MOST_SIDE))
        return np.asarray(deep)
    clear = "A" in picture.mode.upper() and picture.mode != "LAB"
    clear = clear or "transparency" in picture.info
    if not clear and picture.mode not in ("L", "RGB"):
        picture = picture.convert("L" if picture.mode == "1" else "RGB")
    elif clear and picture.mode != "RGBA":
        picture = picture.convert("RGBA")
    picture.thumbnail((MOST_SIDE, MOST_SIDE))
    levels = to_unit(np.asarray(picture))
    if not clear:
        return levels if levels.ndim == 2 else one_channel(levels)
    alpha = np.asarray(picture.getchannel("A"), np.float32) / 255
    return on_paper(levels[..., :3], alpha)


def on_paper(rgb: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Colours (H, W, 3) and opacity (H, W), 0 to 1 -> grey (H, W), with clear parts as paper.

    Strokes of one colour on a clear background are ink, whether black or white; their opacity says
    how much.
    """
    solid = alpha > 0.5
    if not solid.any():
        return np.ones_like(alpha)
    low, high = np.percentile(rgb[solid], (5, 95), axis=0)
    rows, columns = np.flatnonzero(solid.any(1)), np.flatnonzero(solid.any(0))
    box = solid[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    if not solid.all() and ((high - low).max() < ONE_COLOUR or box.mean() < FILLED):
        return 1 - alpha
    paper = np.median(rgb[solid], axis=0)
    return one_channel(rgb * alpha[..., None] + paper * (1 - alpha[..., None]))


def one_channel(rgb: np.ndarray) -> np.ndarray:
    """Colours (H, W, 3) -> grey (H, W), along the line in colour space on which they vary most.

    So yellow on white keeps its contrast, and red on an equally dark green. Grey stays as it is.
    """
    red, green, blue = rgb[..., 0], rgb[..., 1], rgb[..., 2]
    if max(abs(red - green).max(), abs(green - blue).max(), abs(blue - red).max()) <= COLOURED:
        # the weights of ITU-R 601, and of Pillow
        return (rgb @ np.array([0.299, 0.587, 0.114], np.float32)).astype(np.float32)
    colours = rgb.reshape(-1, 3)
    _, axes = np.linalg.eigh(np.cov(colours[:: 1 + len(colours) // 50_000].T))
    axis = axes[:, -1] * (1 if axes[:, -1].sum() >= 0 else -1)
    low, high = np.minimum(axis, 0).sum(), np.maximum(axis, 0).sum()  # where black and white lie
    return ((rgb @ axis - low) / (high - low)).astype(np.float32)
