"""Pictures of digits as people have them, made from MNIST's: one function a kind.

A maker takes a path without suffix, one digit's ink (uint8, 28x28, ink 255) and its number, and
writes one picture. To a person every kind reads as the plain digits do.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageOps
from scipy import ndimage

Maker = Callable[[Path, np.ndarray, int], None]
WHITE = np.array([255, 255, 255])


def blend(ink: np.ndarray, paper: object, colour: object) -> np.ndarray:
    """Ink levels (H, W) of a colour on paper, numbers or (R, G, B), or as large as the picture."""
    paper, colour = np.asarray(paper, float), np.asarray(colour, float)
    share = ink / 255.0
    if max(paper.ndim, colour.ndim) in (1, 3):
        share = share[..., None]
    return (paper * (1 - share) + colour * share).round().clip(0, 255).astype(np.uint8)


def placed(ink: np.ndarray, k: int, height: int = 240, width: int = 320, side: int = 120):
    """The digit, `side` pixels with MNIST's margins, anywhere on a larger sheet: ink levels."""
    rng = np.random.default_rng(k)
    large = Image.fromarray(ink).resize((side, side), Image.Resampling.BICUBIC)
    sheet = np.zeros((height, width), np.uint8)
    y, x = rng.integers(0, height - side + 1), rng.integers(0, width - side + 1)
    sheet[y : y + side, x : x + side] = np.asarray(large)
    return sheet


def noisy(picture: np.ndarray, k: int, deviation: float = 4) -> np.ndarray:
    """With a camera's noise."""
    noise = np.random.default_rng((k, 1)).normal(0, deviation, picture.shape)
    return (picture + noise).round().clip(0, 255).astype(np.uint8)


def slope(k: int, height: int, width: int, darkest: float) -> np.ndarray:
    """Light that falls from 1 to `darkest` across a picture, in a direction of its own."""
    angle = np.random.default_rng((k, 2)).uniform(0, 2 * np.pi)
    y, x = np.mgrid[:height, :width] / max(height, width)
    ramp = np.cos(angle) * x + np.sin(angle) * y
    return 1 - (1 - darkest) * (ramp - ramp.min()) / np.ptp(ramp)


def shaded_photo(path: Path, ink: np.ndarray, k: int) -> None:
    """A photograph on cream paper, the far side at 35 % of the light, with noise, as JPEG."""
    sheet = blend(placed(ink, k), (235, 228, 205), (40, 42, 70))
    lit = sheet * slope(k, 240, 320, 0.35)[..., None]
    Image.fromarray(noisy(lit, k)).save(f"{path}.jpg", quality=85)


def hard_shadow(path: Path, ink: np.ndarray, k: int) -> None:
    """The photographer's shadow lies over half of the paper, with a soft edge."""
    shade = Image.new("L", (320, 240), 255)
    ImageDraw.Draw(shade).polygon([(0, 0), (100 + k, 0), (220 - k, 240), (0, 240)], fill=130)
    light = np.asarray(shade.filter(ImageFilter.GaussianBlur(8)), float) / 255
    Image.fromarray(noisy(blend(placed(ink, k), 225, 50) * light, k)).save(f"{path}.jpg")


def shaded_small(path: Path, ink: np.ndarray, k: int) -> None:
    """A shaded photograph that was made as small as MNIST's digits."""
    Image.fromarray((blend(ink, 230, 40) * slope(k, 28, 28, 0.4)).astype(np.uint8)).save(
        f"{path}.png"
    )


def chalkboard(path: Path, ink: np.ndarray, k: int) -> None:
    """Chalk on a green board, unevenly lit."""
    lit = blend(placed(ink, k), (40, 70, 55), (215, 220, 210)) * slope(k, 240, 320, 0.5)[..., None]
    Image.fromarray(noisy(lit, k)).save(f"{path}.jpg", quality=85)


def red_on_yellow(path: Path, ink: np.ndarray, k: int) -> None:
    """Red ink on yellow paper."""
    Image.fromarray(blend(ink, (250, 230, 90), (200, 30, 30))).save(f"{path}.png")


def yellow_on_white(path: Path, ink: np.ndarray, k: int) -> None:
    """A yellow marker on white: nearly as light as the paper."""
    Image.fromarray(blend(placed(ink, k), WHITE, (255, 235, 40))).save(f"{path}.png")


def red_on_green(path: Path, ink: np.ndarray, k: int) -> None:
    """Ink and paper of one lightness: only the hue differs."""
    Image.fromarray(blend(ink, (60, 130, 60), (220, 50, 40))).save(f"{path}.png")


def cmyk_jpeg(path: Path, ink: np.ndarray, k: int) -> None:
    """As printers' programs save."""
    Image.fromarray(np.repeat(255 - ink[..., None], 3, 2)).convert("CMYK").save(f"{path}.jpg")


def sixteen_bits(path: Path, ink: np.ndarray, k: int) -> None:
    """A PNG of 16 bits a pixel."""
    Image.fromarray((255 - ink).astype(np.uint16) * 257).save(f"{path}.png")


def twelve_bits(path: Path, ink: np.ndarray, k: int) -> None:
    """A scanner's 12 bits in a TIFF of 16."""
    Image.fromarray((255 - ink).astype(np.uint16) * 16).save(f"{path}.tif")


def thirty_two_bits(path: Path, ink: np.ndarray, k: int) -> None:
    """Whole numbers of 32 bits."""
    Image.fromarray((255 - ink).astype(np.int32)).save(f"{path}.tif")


def fractions(path: Path, ink: np.ndarray, k: int) -> None:
    """Floating point from 0 to 1."""
    Image.fromarray((255 - ink).astype(np.float32) / 255).save(f"{path}.tif")


def one_bit(path: Path, ink: np.ndarray, k: int) -> None:
    """Black and white, a BMP of one bit."""
    Image.fromarray(ink < 128).save(f"{path}.bmp")


def palette_gif(path: Path, ink: np.ndarray, k: int) -> None:
    """An animated GIF: the digit, then something else."""
    first, then = Image.fromarray(255 - ink), Image.new("L", (28, 28), 255 * (k % 2))
    first.save(f"{path}.gif", save_all=True, append_images=[then])


def clear_blue(path: Path, ink: np.ndarray, k: int) -> None:
    """Blue strokes on nothing, in a WebP."""
    colour = np.broadcast_to(np.array([30, 60, 200], np.uint8), (28, 28, 3))
    Image.fromarray(np.dstack([colour, ink])).save(f"{path}.webp", lossless=True, exact=True)


def clear_corners(path: Path, ink: np.ndarray, k: int) -> None:
    """A white card with round, clear corners."""
    card = Image.new("L", (120, 120), 0)
    ImageDraw.Draw(card).rounded_rectangle([4, 4, 115, 115], 24, fill=255)
    grey = 255 - np.asarray(Image.fromarray(ink).resize((120, 120), Image.Resampling.BICUBIC))
    Image.fromarray(np.dstack([grey] * 3 + [np.asarray(card)])).save(f"{path}.png")


def pencil(path: Path, ink: np.ndarray, k: int) -> None:
    """A hard pencil on a grainy page: 15 % of the contrast."""
    Image.fromarray(noisy(blend(placed(ink, k), 205, 165), k, 3)).save(f"{path}.jpg", quality=90)


def thin_pen(path: Path, ink: np.ndarray, k: int) -> None:
    """A fine line: 4 pixels in a picture of 600."""
    large = Image.fromarray(ink).resize((150, 150), Image.Resampling.BICUBIC)
    smooth = np.asarray(large.filter(ImageFilter.GaussianBlur(3)))
    line = Image.fromarray((_thinned(smooth > 90) * 255).astype(np.uint8))
    Image.fromarray(255 - np.asarray(line.resize((600, 600)))).save(f"{path}.png")


def _thinned(shape: np.ndarray) -> np.ndarray:
    """Lines of one pixel: pixels are taken off the eight sides in turn while any can be."""
    edge = np.array([[0, 0, 0], [-1, 1, -1], [1, 1, 1]])
    corner = np.array([[-1, 0, 0], [1, 1, 0], [-1, 1, -1]])
    sides = [np.rot90(each, turn) for turn in range(4) for each in (edge, corner)]
    while True:
        before = shape
        for side in sides:
            shape = shape & ~ndimage.binary_hit_or_miss(shape, side == 1, side == 0)
        if (shape == before).all():
            break
    for _ in range(8):  # spurs
        neighbours = ndimage.convolve(shape.astype(int), np.ones((3, 3), int)) - 1
        shape = shape & ((neighbours > 1) | (shape.sum() < 30))
    return shape


def small_in_a_corner(path: Path, ink: np.ndarray, k: int) -> None:
    """A digit of 34 pixels on a page of 400 by 300."""
    Image.fromarray(255 - placed(ink, k, 300, 400, 48)).save(f"{path}.png")


def framed(path: Path, ink: np.ndarray, k: int) -> None:
    """A black frame around the picture."""
    page = 255 - placed(ink, k, 120, 120, 90)
    page[:4], page[-4:], page[:, :4], page[:, -4:] = 0, 0, 0, 0
    Image.fromarray(page).save(f"{path}.png")


def on_a_desk(path: Path, ink: np.ndarray, k: int) -> None:
    """A sheet that lies a little aslant on a dark desk, all of both in the picture."""
    desk = np.full((300, 400), 45, np.uint8)
    desk[40:270, 50:360] = blend(placed(ink, k, 230, 310, 100), 220, 60)
    aslant = Image.fromarray(desk).rotate(k % 5 - 2, Image.Resampling.BICUBIC, fillcolor=45)
    Image.fromarray(noisy(np.asarray(aslant), k)).save(f"{path}.jpg")


def ruled(path: Path, ink: np.ndarray, k: int) -> None:
    """Pale blue lines under the digit."""
    page = np.full((240, 320, 3), 248.0)
    page[12::24], page[13::24] = (165, 195, 235), (165, 195, 235)
    Image.fromarray(blend(placed(ink, k), page, (25, 30, 90))).save(f"{path}.png")


def squared(path: Path, ink: np.ndarray, k: int) -> None:
    """Lines as dark as the ink, both ways, as in a printed form."""
    page = placed(ink, k)
    page[10::40], page[:, 10::40] = 255, 255
    Image.fromarray(255 - page).save(f"{path}.png")


def dusty(path: Path, ink: np.ndarray, k: int) -> None:
    """A scan with black specks far from the digit."""
    page = placed(ink, k)
    rng = np.random.default_rng((k, 3))
    for y, x in zip(rng.integers(0, 238, 12), rng.integers(0, 318, 12), strict=True):
        page[y : y + 2, x : x + 2] = 255
    Image.fromarray(255 - page).save(f"{path}.png")


def crushed_jpeg(path: Path, ink: np.ndarray, k: int) -> None:
    """JPEG at a quality of 15."""
    Image.fromarray(255 - placed(ink, k)).save(f"{path}.jpg", quality=15)


def mixed_tight(path: Path, ink: np.ndarray, k: int) -> None:
    """Cropped to the ink, every other one light on dark."""
    rows, columns = np.flatnonzero(ink.max(1) > 40), np.flatnonzero(ink.max(0) > 40)
    crop = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    Image.fromarray(crop if k % 2 else 255 - crop).save(f"{path}.png")


def filling(path: Path, ink: np.ndarray, k: int) -> None:
    """28x28 as MNIST, but the digit fills the picture."""
    picture = Image.fromarray(ink)
    page = ImageOps.pad(picture.crop(picture.getbbox()), (28, 28), Image.Resampling.BILINEAR)
    Image.fromarray(255 - np.asarray(page)).save(f"{path}.png")


def off_centre(path: Path, ink: np.ndarray, k: int) -> None:
    """28x28, the digit small and in a corner."""
    small = np.asarray(Image.fromarray(ink).resize((18, 18), Image.Resampling.BOX))
    page = np.zeros((28, 28), np.uint8)
    page[k % 2 * 10 :, k // 2 % 2 * 10 :][:18, :18] = small
    Image.fromarray(255 - page).save(f"{path}.png")


KINDS: tuple[Maker, ...] = (
    shaded_photo, hard_shadow, shaded_small, chalkboard, red_on_yellow, yellow_on_white,
    red_on_green, cmyk_jpeg, sixteen_bits, twelve_bits, thirty_two_bits, fractions, one_bit,
    palette_gif, clear_blue, clear_corners, pencil, thin_pen, small_in_a_corner, framed, on_a_desk,
    ruled, squared, dusty, crushed_jpeg, mixed_tight, filling, off_centre,
)  # fmt: skip
ALWAYS_READ = (cmyk_jpeg, sixteen_bits, thirty_two_bits, one_bit, clear_corners, filling)
