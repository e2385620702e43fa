"""A number as SVG or PDF: smooth curves, which say the same as the picture."""

import io
import json
import zlib
from xml.etree import ElementTree

import numpy as np
import pypdfium2
import pytest
import resvg_py
from PIL import Image

import inkseed as package
from inkseed.data import load_mnist
from inkseed.judges import JudgeB
from inkseed.writing.number import write
from inkseed.writing.reading import read_number
from inkseed.writing.typesetting import gaps, typeset
from inkseed.writing.vector import pdf, svg

SVG = "{http://www.w3.org/2000/svg}"


def seen(drawn: bytes, zoom: float = 1) -> Image.Image:
    """An SVG, rendered by resvg."""
    png = resvg_py.svg_to_bytes(svg_string=drawn.decode(), zoom=zoom)
    return Image.open(io.BytesIO(bytes(png))).convert("L")


def overlap(one: Image.Image, other: Image.Image) -> float:
    """Intersection over union of the ink of two pictures, dark on light."""
    a, b = np.asarray(one) < 128, np.asarray(other) < 128
    return float((a & b).sum() / (a | b).sum())


@pytest.fixture(scope="module")
def real() -> tuple[Image.Image, list]:
    """Ten real test digits, 0 to 9, set as a number is."""
    test = load_mnist(train=False)
    blocks = [test.images[test.labels == digit][:1] for digit in range(10)]
    return typeset(blocks, gaps(9, 0))


def test_an_svg_shows_the_picture_and_judge_b_reads_it(real):
    picture, boxes = real
    shown = seen(svg(picture, "0123456789"))
    assert shown.size == picture.size
    assert overlap(shown, picture) >= 0.95
    assert read_number(shown, boxes, JudgeB().digits) == "0123456789"


def test_an_svg_is_crisp_at_any_size(real):
    drawn = svg(real[0], "0123456789")
    grey = [np.mean((np.asarray(seen(drawn, z)) % 255) > 0) for z in (1, 8)]
    assert grey[1] < grey[0] / 5  # edges alone are grey, and they stay as thin as a pixel


def test_an_svg_is_of_few_smooth_curves(real):
    drawn = svg(real[0], "0123456789")
    root = ElementTree.fromstring(drawn)
    (path,) = root.findall(f"{SVG}path")
    assert root.find(f"{SVG}title").text == "0123456789"
    assert root.get("viewBox") == "0 0 {} {}".format(*real[0].size)
    assert path.get("fill-rule") == "evenodd"
    assert "L" not in path.get("d")  # no straight lines: curves alone
    assert path.get("d").count("C") < 60 * 10
    assert path.get("d").count("M") >= 10 + 5  # 0, 4 or 6, 8 and 9 have holes


@pytest.mark.parametrize("draw", [svg, pdf])
def test_what_holds_no_curve_or_is_all_ink_is_drawn(draw):
    for grey in (0, 255):
        picture = Image.fromarray(np.full((112, 80), grey, np.uint8))
        drawn = draw(picture, "1")
        shown = seen(drawn) if draw is svg else page_of(drawn)
        assert shown.size == picture.size
        assert abs(np.asarray(shown).mean() - grey) < 8  # what touches the edge is closed there


def page_of(drawn: bytes) -> Image.Image:
    """A PDF's only page, rendered by PDFium, a pixel for each point."""
    pages = pypdfium2.PdfDocument(drawn)
    assert len(pages) == 1
    return pages[0].render().to_pil().convert("L")


def test_a_pdf_shows_the_picture_by_curves(real):
    picture, boxes = real
    drawn = pdf(picture, "0123456789")
    shown = page_of(drawn)
    assert shown.size == picture.size
    assert overlap(shown, picture) >= 0.95  # holes too
    assert read_number(shown, boxes, JudgeB().digits) == "0123456789"
    assert b"/Subtype /Image" not in drawn
    assert drawn == pdf(picture, "0123456789")
    begin = drawn.index(b"stream\n") + len(b"stream\n")
    assert zlib.decompressobj().decompress(drawn[begin:]).count(b" c\n") > 50


@pytest.mark.parametrize("form", ["svg", "pdf"])
def test_variants_and_boxes_as_for_png(inkseed, tiny_model, tmp_path, form):
    out = tmp_path / f"n.{form}"
    command = ("write", "07", "--model", tiny_model, "--steps", 2, "--count", 2, "--boxes")
    result = inkseed(*command, "--out", out)
    assert result.status == 0
    assert result.out.split() == [str(tmp_path / f"n_{k}.{form}") for k in (0, 1)]
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == sorted(f"n_{k}.{each}" for k in (0, 1) for each in (form, "json"))
    told = json.loads((tmp_path / "n_0.json").read_text())
    assert told["picture"] == f"n_0.{form}"
    drawn = (tmp_path / f"n_0.{form}").read_bytes()
    shown = seen(drawn) if form == "svg" else page_of(drawn)
    assert shown.size == (told["width"], told["height"])


def test_the_same_seed_gives_the_same_bytes_and_python_the_same_file(inkseed, tiny_model, tmp_path):
    out, own = tmp_path / "n.SVG", tmp_path / "own.svg"
    inkseed("write", "42", "--seed", 7, "--model", tiny_model, "--out", out)
    package.write("42", seed=7, model=tiny_model).save(own)
    assert out.read_bytes() == own.read_bytes()


def test_other_endings_are_refused_with_those_that_work(inkseed, tiny_model, tmp_path):
    result = inkseed("write", "42", "--model", tiny_model, "--out", tmp_path / "n.eps")
    assert result.status == 2
    assert ".png or .svg or .pdf" in result.err


@pytest.mark.slow
def test_judge_b_reads_500_digits_in_svg():
    model, read = package.load("digits"), JudgeB().digits
    right, inside, either = 0, 0, 0
    for seed in range(50):
        text = "".join(map(str, np.random.default_rng(seed).integers(0, 10, 10)))
        number = write(text, seed, model=model)
        shown = seen(svg(number.image, text))
        found = read_number(shown, number.boxes, read)
        right += sum(a == b for a, b in zip(found, text, strict=True))
        a, b = np.asarray(shown) < 128, np.asarray(number.image) < 128
        inside, either = inside + int((a & b).sum()), either + int((a | b).sum())
    print(f"judge B reads {right / 500:.1%} of 500 digits; IoU of ink {inside / either:.3f}")
    assert right >= 0.995 * 500
    assert inside / either >= 0.95
