"""Pictures as people have them read as the plain digits do: by judge A, through `read_folder`."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from inkseed.data import LabelledImages, read_folder, split_mnist
from inkseed.data.pairs import INK
from inkseed.judges import JudgeA

from . import kinds, named_kinds
from .kinds import Maker

POINTS = 0.02


@pytest.fixture(scope="module")
def judge() -> JudgeA:
    return JudgeA()


@pytest.fixture(scope="module")
def digits() -> LabelledImages:
    """Ten validation digits of each label, the labels taking turns."""
    return taking_turns(split_mnist().validation)


@pytest.fixture(scope="module")
def unbroken() -> LabelledImages:
    """The same of digits in one piece: on a sheet, one in two pieces may well be two."""
    validation = split_mnist().validation
    pieces = [ndimage.label(ink >= INK, np.ones((3, 3)))[1] for ink in validation.images[:2000]]
    return taking_turns(validation.subset(np.flatnonzero(np.array(pieces) == 1)))


def taking_turns(source: LabelledImages) -> LabelledImages:
    of_each = [np.flatnonzero(source.labels == label)[:10] for label in range(10)]
    return source.subset(np.stack(of_each, 1).ravel())


def written(folder: Path, make: Maker, digits: LabelledImages) -> Path:
    for k, (ink, label) in enumerate(zip(digits.images, digits.labels, strict=True)):
        (folder / str(label)).mkdir(parents=True, exist_ok=True)
        make(folder / str(label) / f"{k:03d}", ink, k)
    return folder


def right(found: LabelledImages, judge: JudgeA) -> float:
    return float((judge.digits(found.images) == found.labels).mean())


@pytest.mark.parametrize(
    "make",
    [make for make in named_kinds.NAMED if make.__name__ not in ("plain", "black_on_clear")],
    ids=lambda make: make.__name__,
)
def test_what_was_misread(make, digits, judge, tmp_path):
    found = read_folder(written(tmp_path, make, digits), (28, 28))
    assert len(found) == len(digits)
    assert right(found, judge) >= right(digits, judge) - POINTS


@pytest.mark.parametrize(
    "make",
    [make for make in kinds.KINDS if make not in kinds.ALWAYS_READ],
    ids=lambda make: make.__name__,
)
def test_what_else_people_have(make, digits, judge, tmp_path):
    some = digits.subset(np.arange(10))
    found = read_folder(written(tmp_path, make, some), (28, 28))
    assert found.labels.tolist() == sorted(some.labels)
    assert right(found, judge) >= 0.9


def sheet_of(digits: np.ndarray, columns: int, cell: int, side: int) -> np.ndarray:
    """Digits in rows, ink levels: each `side` pixels with its margins, anywhere in its cell."""
    rng = np.random.default_rng(0)
    page = np.zeros((len(digits) // columns * cell, columns * cell), np.uint8)
    for k, ink in enumerate(digits):
        y, x = (place * cell for place in divmod(k, columns))
        dy, dx = rng.integers(0, cell - side + 1, 2)
        here = page[y + dy : y + dy + side, x + dx : x + dx + side]
        np.maximum(here, np.asarray(Image.fromarray(ink).resize((side, side))), out=here)
    return page


def photographed(ink: np.ndarray) -> np.ndarray:
    page = kinds.blend(ink, (235, 228, 205), (40, 42, 70))
    return kinds.noisy(page * kinds.slope(1, *ink.shape, 0.4)[..., None], 1)


def in_boxes(ink: np.ndarray) -> np.ndarray:
    ink = ink.copy()
    for line in (0, 1, -1, -2, *range(64, 1024, 64)):
        ink[line : line + 1 or None], ink[:, line : line + 1 or None] = 255, 255
        if line >= max(ink.shape) - 64:
            break
    return 255 - ink


@pytest.mark.parametrize(
    ("cell", "side", "shown"),
    [(28, 28, lambda ink: 255 - ink), (60, 56, photographed), (64, 48, in_boxes)],
    ids=["rows", "photograph", "form"],
)
def test_sheets_of_several_digits(cell, side, shown, unbroken, judge, tmp_path):
    for label in range(10):
        (tmp_path / str(label)).mkdir()
        ink = sheet_of(unbroken.images[unbroken.labels == label], 5, cell, side)
        Image.fromarray(shown(ink)).save(tmp_path / str(label) / "sheet.png")
    found = read_folder(tmp_path, (28, 28))
    assert np.bincount(found.labels).tolist() == [10] * 10
    assert right(found, judge) >= right(unbroken, judge) - POINTS


def test_only_pictures_of_a_digits_label_are_cut(digits, tmp_path):
    """A picture of the label 12, or of a word, stays one picture."""
    (tmp_path / "1").mkdir()
    page = 255 - sheet_of(digits.images[:2], 2, 60, 56)
    Image.fromarray(page).save(tmp_path / "1" / "a.png")
    assert len(read_folder(tmp_path, (28, 56))) == 2
    for name in ("12", "pear"):
        (tmp_path / "1").rename(tmp_path / name)
        assert len(read_folder(tmp_path, (28, 56))) == 1
        (tmp_path / name).rename(tmp_path / "1")


def test_pale_lines_go_even_where_a_digit_is_thin(judge, tmp_path):
    """So little dark ink that, of what colours there are, the lines' blue counts for most."""
    validation = split_mnist().validation
    ones = np.flatnonzero(validation.labels == 1)
    thinnest = ones[np.argsort(validation.images[ones].sum((1, 2), dtype=int))[:10]]
    folder = written(tmp_path, kinds.ruled, validation.subset(thinnest))
    assert judge.digits(read_folder(folder, (28, 28)).images).tolist() == [1] * 10


def test_proportions_are_kept(tmp_path):
    (tmp_path / "bar").mkdir()
    page = np.full((40, 120), 255, np.uint8)
    page[5:35, 10:110] = 0  # a box of 30 by 100
    Image.fromarray(page).save(tmp_path / "bar" / "a.png")
    (image,) = read_folder(tmp_path, (28, 28)).images > 127
    height, width = image.any(1).sum(), image.any(0).sum()
    assert width / height == pytest.approx(100 / 30, rel=0.1)


def test_what_is_mnist_already_comes_back_byte_for_byte(tmp_path):
    validation = split_mnist().validation
    rare = [2, *np.flatnonzero(validation.images.max((1, 2)) < 255)[:100]]
    some = validation.subset(np.unique([*range(100), *rare]))
    found = read_folder(written(tmp_path, named_kinds.plain, some), (28, 28), form="auto")
    assert np.array_equal(found.images, some.images[np.argsort(some.labels, kind="stable")])


def test_mnists_form_on_request_is_mnists_own(digits, tmp_path):
    """Large pictures brought to it lie on the very digits they were enlarged from."""

    def large(path: Path, ink: np.ndarray, k: int) -> None:
        wide = np.zeros((60, 80), np.uint8)
        wide[k % 20 : k % 20 + 28, k % 50 : k % 50 + 28] = ink
        Image.fromarray(255 - np.kron(wide, np.ones((4, 4), np.uint8))).save(f"{path}.png")

    folder = written(tmp_path, large, digits.subset(np.arange(10)))
    found = read_folder(folder, (28, 28), form="mnist")
    order = np.argsort(digits.labels[:10], kind="stable")
    difference = abs(found.images.astype(int) - digits.images[:10][order])
    assert np.median(difference.mean((1, 2))) < 1
    kept = read_folder(folder, (28, 28), form="keep")
    assert kept.images.any((1, 2)).all()
    assert (kept.images.sum((1, 2)) < found.images.sum((1, 2)) / 2).all()  # small, where they were
