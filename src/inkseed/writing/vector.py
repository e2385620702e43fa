"""A number as curves, in an SVG or a PDF file: black ink on white paper, crisp at any size."""

import io
from collections.abc import Callable
from html import escape

import numpy as np
from PIL import Image

from inkseed.pictures import PAPER
from inkseed.writing.outlines import outlines

POINTS = 72  # of a PDF, to the inch: a pixel of the picture is one

Draw = Callable[[Image.Image, str], bytes]
"""(a picture of one line, dark on light; what it shows) -> a file's bytes."""


def svg(picture: Image.Image, title: str) -> bytes:
    """An SVG whose units are the picture's pixels, so that its digits' boxes hold there too."""
    width, height = picture.size
    ink = "".join(map(_path, _curves(picture)))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"'
        f' viewBox="0 0 {width} {height}">\n'
        f"<title>{escape(title)}</title>\n"
        f'<rect width="{width}" height="{height}" fill="#fff"/>\n'
        f'<path fill-rule="evenodd" d="{ink}"/>\n'
        "</svg>\n"
    ).encode()


def pdf(picture: Image.Image, title: str) -> bytes:
    """A PDF of one page, a point for each pixel of the picture."""
    from matplotlib.backends.backend_pdf import FigureCanvasPdf
    from matplotlib.figure import Figure
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path
    from matplotlib.transforms import Affine2D

    width, height = picture.size
    figure = Figure(figsize=(width / POINTS, height / POINTS))
    upwards = Affine2D().scale(1, -1).translate(0, height).scale(1 / POINTS)
    if curves := _curves(picture):
        vertices = [np.concatenate((each[:1, 0], each[:, 1:].reshape(-1, 2))) for each in curves]
        codes = [[Path.MOVETO] + [Path.CURVE4] * (len(each) - 1) for each in vertices]
        ink = Path(np.concatenate(vertices), np.concatenate(codes))
        patch = PathPatch(ink, facecolor="black", linewidth=0)
        patch.set_transform(upwards + figure.dpi_scale_trans)
        figure.add_artist(patch)
    opened = io.BytesIO()
    told = {"Title": title, "Creator": "inkseed", "CreationDate": None}  # the same bytes every time
    FigureCanvasPdf(figure).print_pdf(opened, metadata=told)
    return opened.getvalue()


FORMS: dict[str, Draw] = {".svg": svg, ".pdf": pdf}


def _curves(picture: Image.Image) -> list[np.ndarray]:
    return outlines(PAPER - np.asarray(picture))


def _path(curve: np.ndarray) -> str:
    """A closed curve (K, 4, 2) in SVG's words."""
    pieces = [f"C{' '.join(map(_short, piece[1:].ravel()))}" for piece in curve]
    return f"M{' '.join(map(_short, curve[0, 0]))}{''.join(pieces)}Z"


def _short(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
