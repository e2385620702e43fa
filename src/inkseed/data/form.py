"""MNIST's form: the size of a digit and its place in the picture."""

import numpy as np
from PIL import Image

from inkseed.data.pairs import INK, ink_boxes

SIDE = 28  # pixels of MNIST's pictures
INNER = 20  # pixels that MNIST scales a digit's longer side to
FAINT = 16  # of 255: less is paper, once its noise has been removed
AT_MOST, USUALLY = 3.0, 1.5  # by how much one digit, or the median, may differ from INNER
PALE = 191  # of 255: the darkest ink of a picture that has faded in scaling
OFF_CENTRE = 2.5  # pixels of SIDE between the centres of mass and of the picture


def as_mnist(cut: np.ndarray, size: tuple[int, int] = (SIDE, SIDE), least: int = INK) -> np.ndarray:
    """One digit's ink (h, w), ink 255 -> uint8 `size` (H, W), scaled and placed as in MNIST.

    The longer side of the box of ink that is `least` or darker becomes 20 pixels (in a picture of
    28, otherwise in proportion to the shorter side), and its centre of mass moves to the pixel
    below and right of the image's middle (LeCun et al., 1998, MNIST's own page, and its images).
    """
    x0, y0, x1, y1 = ink_boxes(cut[None], least)[0]
    digit = Image.fromarray(np.ascontiguousarray(cut[y0:y1, x0:x1]))
    scale = INNER * min(size) / SIDE / max(digit.size)
    digit = _scaled(digit, scale)
    small = np.asarray(digit).astype(float)
    mass = max(small.sum(), 1e-9)
    height, width = small.shape
    top = (size[0] + 1) / 2 - (small.sum(1) @ (np.arange(height) + 0.5)) / mass
    left = (size[1] + 1) / 2 - (small.sum(0) @ (np.arange(width) + 0.5)) / mass
    top = int(np.clip(round(top), 0, size[0] - height))
    left = int(np.clip(round(left), 0, size[1] - width))
    image = np.zeros(size, np.uint8)
    image[top : top + height, left : left + width] = small
    return image


def fitted(ink: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A whole picture's ink (h, w), ink 255 -> uint8 `size`, as large as fits, in the middle.

    Proportions are kept, and paper fills the rest.
    """
    if ink.shape == size:
        return ink
    scale = min(size[0] / ink.shape[0], size[1] / ink.shape[1])
    picture = np.asarray(_scaled(Image.fromarray(ink), scale))
    top, left = (size[0] - picture.shape[0]) // 2, (size[1] - picture.shape[1]) // 2
    image = np.zeros(size, np.uint8)
    image[top : top + picture.shape[0], left : left + picture.shape[1]] = picture
    return image


def full_contrast(image: np.ndarray) -> np.ndarray:
    """Darken an image, ink 255, whose strokes were so thin that they have faded."""
    most = int(image.max())
    if most >= PALE:
        return image
    full = np.percentile(image[image > most / 2], 80) if most else 1
    darker: np.ndarray = (image * (255 / full) + 0.5).clip(0, 255).astype(np.uint8)
    return darker


def out_of_form(images: np.ndarray) -> np.ndarray:
    """Which of the images (N, H, W), ink 255, are clearly not in MNIST's form: bool (N,).

    All are, if the median size of the digits is not MNIST's. A digit's size is that of all its ink
    or, since JPEG leaves noise around it, of the darker ink: whichever is closer to MNIST's.
    """
    unit = min(images.shape[1:]) / SIDE
    sizes = []
    for least in (FAINT, INK):
        boxes = ink_boxes(images, least)
        sizes.append(np.maximum(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]) / unit)
    size = np.where(abs(sizes[0] - INNER) < abs(sizes[1] - INNER), *sizes)
    if abs(np.median(size) - INNER) > USUALLY:
        return np.ones(len(images), bool)
    off = [_off_centre(images.sum(axis, dtype=np.float64)) / unit for axis in (1, 2)]
    odd: np.ndarray = (abs(size - INNER) > AT_MOST) | (np.maximum(*off) > OFF_CENTRE)
    return odd


def _off_centre(mass: np.ndarray) -> np.ndarray:
    """How far the centre of mass of (N, L) lies from the middle, in pixels."""
    places = np.arange(mass.shape[1]) + 0.5
    centre = mass @ places / mass.sum(1).clip(min=1e-9)
    return abs(centre - mass.shape[1] / 2)


def _scaled(picture: Image.Image, scale: float) -> Image.Image:
    size = [max(1, round(side * scale)) for side in picture.size]
    if tuple(size) == picture.size:
        return picture
    way = Image.Resampling.BOX if scale < 1 else Image.Resampling.BILINEAR
    return picture.resize((size[0], size[1]), way)
