"""Numbers of unusual kinds: typed in other digits, of other types, too large, not a number."""

import struct
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import inkseed as package
from inkseed.checks import real_number, real_numbers, sides, whole_number
from inkseed.data import LabelledImages, create_mnist_dataloaders, read_images
from inkseed.data.levels import span_of, to_unit
from inkseed.errors import InkseedError
from inkseed.evaluation import EvaluatedSet
from inkseed.evaluation.sets import draw_sets
from inkseed.labels import number_in
from tests.fuzz import PATCH, as_model, digits

HUGE = 10**400
NO_NUMBERS = [True, np.True_, torch.tensor(True), "3", "\u0663", np.str_("3"), b"3", 1j, {}]
NO_NUMBERS += [np.complex64(1), torch.tensor(1j), [None], ["3"], object(), np.datetime64("2020")]
ONE = [1, np.uint8(1), np.int64(1), np.array(1), torch.tensor(1)]
ONE_REAL = [*ONE, 1.0, np.float16(1), np.longdouble(1), torch.tensor(1.0), Fraction(1), Decimal(1)]
TOO_LARGE = [HUGE, -HUGE, np.longdouble("1e4000"), Decimal("1e400"), float("inf"), 1e308]
NANS = [float("nan"), np.float32("nan"), Decimal("nan"), Decimal("sNaN"), torch.tensor(np.nan)]
TYPED = {"3": 3, " 3 ": 3, "+3": 3, "3.5": 3.5, "3e2": 300, "-1": -1, "inf": float("inf")}
NOT_TYPED = ["\u0663", "\uff13", "3\u0663", "\u00b2", "0x3", "", "three", "3\0", "\u2160"]


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> package.Model:
    """A model that knows styles."""
    path = tmp_path_factory.mktemp("styled") / "styled.safetensors"
    with torch.random.fork_rng():
        torch.manual_seed(0)
        weights = package.nn.network_from(PATCH["network"]).state_dict()
    path.write_bytes(as_model(weights)(PATCH))
    return package.load(path)


def brief_id(value: object) -> str:
    """The same name for a value in every process."""
    return type(value).__name__ if type(value) is object else repr(value)[:40]


@pytest.mark.parametrize("value", ONE, ids=brief_id)
def test_whole_numbers_of_all_kinds(value):
    assert whole_number(value, "x", 0, 9) == 1
    assert type(whole_number(value, "x", 0, 9)) is int


@pytest.mark.parametrize("value", ONE_REAL, ids=brief_id)
def test_numbers_of_all_kinds(value):
    assert real_number(value, "x", 0, 9) == 1.0
    assert type(real_number(value, "x")) is float
    assert real_numbers(value, "x", 3).tolist() == [1.0, 1.0, 1.0]


@pytest.mark.parametrize("value", [*NO_NUMBERS, 1.0, Decimal(1), *TOO_LARGE, *NANS], ids=brief_id)
def test_what_is_no_whole_number(value):
    with pytest.raises(InkseedError, match="x must be"):
        whole_number(value, "x", 0, 9)


@pytest.mark.parametrize("value", [*NO_NUMBERS, *TOO_LARGE, *NANS], ids=brief_id)
def test_what_is_no_number_within_bounds(value):
    with pytest.raises(InkseedError, match="x must be") as refused:
        real_number(value, "x", 0, 9)
    assert len(str(refused.value)) < 120


@pytest.mark.parametrize("value", [*NO_NUMBERS, [1, 2], [[1], [1]], [1, [2]], [HUGE]], ids=brief_id)
def test_what_is_no_list_of_numbers(value):
    with pytest.raises(InkseedError, match="x must be"):
        real_numbers(value, "x", 3)


def test_lists_of_numbers():
    assert real_numbers([1, 2.5], "x", 2).tolist() == [1.0, 2.5]
    assert real_numbers(torch.tensor([1, 2]), "x", 2).tolist() == [1.0, 2.0]
    assert real_numbers(np.array([1.5], np.longdouble), "x", 2).tolist() == [1.5, 1.5]
    assert np.isnan(real_numbers([1, np.nan], "x", 2)).tolist() == [False, True]
    assert np.isnan(real_numbers(np.nan, "x", 2)).all()
    assert real_numbers(HUGE, "x", 1).tolist() == [np.inf]


@given(value=st.one_of(st.integers(), st.floats(), st.text(), st.complex_numbers(), st.none()))
def test_any_value_is_a_number_or_refused_in_one_line(value):
    for take in (lambda: real_number(value, "x"), lambda: whole_number(value, "x", -9, 9)):
        try:
            assert isinstance(take(), float | int)
        except InkseedError as error:
            refused = str(error)
            assert "\n" not in refused


REALS = ("slant", "thickness", "guide_w")
WHOLES = ("seed", "steps", "candidates", "budget", "first", "batch_size")
HOW = {"labels": [3], "sampler": "ddim", "steps": 1}


@pytest.mark.parametrize("value", NO_NUMBERS, ids=brief_id)
def test_every_number_of_sample_is_one(model, value):
    for name in (*REALS, *WHOLES):
        with pytest.raises(InkseedError, match=f"{name} must be"):
            model.sample(**{**HOW, "noise": "best_of", name: value})
    for interval in ((value, None), (0, value), value):
        with pytest.raises(InkseedError, match="guide_interval must be"):
            model.sample(**HOW, guide_interval=interval)
    with pytest.raises(InkseedError, match="labels must be"):
        model.sample(**{**HOW, "labels": [value]})
    with pytest.raises(InkseedError, match="guide_w must be"):
        model.cost(guide_w=value)


@pytest.mark.parametrize("value", [*NO_NUMBERS, *TOO_LARGE, *NANS], ids=brief_id)
def test_every_number_of_write_is_one(model, value):
    how = {"number": "3", "model": model, "sampler": "ddim", "steps": 1}
    for name in (*REALS, "seed", "steps"):
        with pytest.raises(InkseedError, match=f"{name} must be"):
            package.write(**{**how, name: value})
    with pytest.raises(InkseedError, match="as text"):
        package.write(HUGE, model=model)


@pytest.mark.parametrize("value", TOO_LARGE, ids=brief_id)
def test_a_style_that_is_too_large_is_one_line(model, value):
    for asked in (value, [value]):
        with pytest.raises(InkseedError, match="slant must be"):
            model.sample(**HOW, slant=asked)
    with pytest.raises(InkseedError, match="guide_interval must be"):
        model.sample(**HOW, guide_interval=(value if value > 1 else -1, 0))


@pytest.mark.parametrize("value", ONE_REAL, ids=brief_id)
def test_numbers_of_all_kinds_draw_the_same(model, value):
    plain = model.sample(**HOW, slant=1.0, guide_w=1.0).images
    assert (model.sample(**HOW, slant=value, guide_w=value).images == plain).all()
    assert package.write("3", slant=value, model=model, sampler="ddim", steps=1).slant == 1.0


@pytest.mark.parametrize("value", [*NO_NUMBERS, *NANS], ids=brief_id)
def test_every_number_of_an_evaluation_is_one(model, value):
    source = LabelledImages(digits(20), np.arange(20) % 10, tuple("0123456789"))
    with pytest.raises(InkseedError, match="guide_w must be"):
        EvaluatedSet(source, value)
    with pytest.raises(InkseedError, match="count must be"):
        draw_sets(model, value, [0.0], 0)
    with pytest.raises(InkseedError, match="labels must be whole numbers"):
        LabelledImages(digits(20), np.zeros(20), tuple("0123456789"))


@pytest.mark.parametrize("size", [*NO_NUMBERS, (28.0, 28), (28,), (1, 2, 3), HUGE, (0, 28), -1])
def test_a_size_is_a_side_or_two(size, tmp_path):
    for take in (
        lambda: sides(size, "image_size", 1, 99),
        lambda: create_mnist_dataloaders(8, size),
        lambda: read_images(tmp_path, size),
    ):
        with pytest.raises(InkseedError, match="image_size must be"):
            take()
    assert sides(np.array([4, 8]), "image_size", 1, 99) == (4, 8) == sides([4, 8], "x", 1, 99)


@pytest.mark.parametrize("text", TYPED)
def test_a_number_as_typed(inkseed, tiny_model, tmp_path, text):
    assert number_in(text) == TYPED[text]


@pytest.mark.parametrize("text", NOT_TYPED, ids=ascii)
def test_the_same_digits_are_typed_everywhere(inkseed, tiny_model, tmp_path, text):
    assert number_in(text) is None
    sample = ("sample", "--model", tiny_model, "--out", tmp_path / "s.npz")
    write = ("write", "3", "--model", tiny_model, "--out", tmp_path / "n.png")
    train = ("train", "smoke", "--out", tmp_path / "run")
    for command in (
        *((*sample, name, text) for name in ("--guide-w", "--slant", "--seed", "--steps")),
        *((*sample, name, text) for name in ("--count", "--candidates", "--threads")),
        *((*write, name, text) for name in ("--guide-w", "--slant", "--thickness", "--seed")),
        (*sample, "--guide-w", f"0,{text}"),
        (*sample, "--guide-interval", f"{text},4"),
        (*write, "--guide-interval", f"0,{text}"),
        (*sample, "--labels", f"0-{text}"),
        ("evaluate", "--model", tiny_model, "--guide-w", text),
        ("noise-study", "--model", tiny_model, "--guide-w", text),
        (*train, "--epochs", text),
        (*train, "--size", text),
    ):
        refused = inkseed(*command)
        assert refused.status == 2, command
        assert len(refused.err.strip().splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def in_depth(ink: np.ndarray) -> dict[str, np.ndarray]:
    """A picture of dark ink on light paper in many kinds of numbers."""
    paper = 255 - ink
    return {
        "bytes": paper,
        "16 bits": paper.astype(np.uint16) * 257,
        "31 bits": (paper / 255 * (2**31 - 1)).astype(np.int32),
        "32 bits": (paper / 255 * (2**32 - 1)).astype(np.uint32).view(np.int32),
        "fractions": (paper / 255).astype(np.float32),
        "floats to 255": paper.astype(np.float32),
        "floats to 65535": paper.astype(np.float32) * 257,
        "floats around 0": (paper / 127.5 - 1).astype(np.float32),
    }


@pytest.mark.parametrize("kind", in_depth(digits(1)[0]))
def test_a_picture_is_the_same_in_numbers_of_any_kind(tmp_path, kind):
    ink = (digits(1)[0] * (np.arange(28) / 27)[:, None]).astype(np.uint8)
    for name, pixels in in_depth(ink).items():
        if name in ("bytes", kind):
            folder = tmp_path / name / "3"
            folder.mkdir(parents=True)
            Image.fromarray(pixels).save(folder / "1.tif")
            if name == "32 bits":  # which Pillow does not write: say so in the tag
                signed, unsigned = (struct.pack("<HHIH", 339, 3, 1, of) for of in (2, 1))
                content = (folder / "1.tif").read_bytes()
                assert content.count(signed) == 1
                (folder / "1.tif").write_bytes(content.replace(signed, unsigned))
    found, plain = (read_images(tmp_path / name).images.images for name in (kind, "bytes"))
    assert abs(found.astype(int) - plain).max() <= 1


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_picture_with_a_pixel_that_is_no_number_is_left_out(inkseed, tmp_path, bad):
    images = digits(21).astype(np.float32) / 255
    images[3, 0, 0] = bad
    np.savez(tmp_path / "set.npz", images=images, labels=np.arange(21) % 10)
    read = read_images(tmp_path / "set.npz")
    assert len(read.images) == 20
    assert 3 not in read.kept
    assert "1 unreadable (number 4)" in read.account.line()
    lines = [f"{k % 10},{','.join(map(str, each[::4, ::4].ravel()))}" for k, each in
             enumerate(images)]  # fmt: skip
    (tmp_path / "set.csv").write_text("\n".join(lines))
    assert len(read_images(tmp_path / "set.csv").images) == 20
    (tmp_path / "set" / "3").mkdir(parents=True)
    for k in (3, 4):
        Image.fromarray(images[k]).save(tmp_path / "set" / "3" / f"{k}.tif")
    assert "1 unreadable (3/3.tif)" in read_images(tmp_path / "set").account.line()


@pytest.mark.parametrize(
    "values",
    [
        np.array([-1e308, 0, 1e308]),
        np.array([-np.longdouble("1e300"), 0, np.longdouble("1e300")]),
        np.array([-3.0, -2.0, -1.0], np.float16),
        np.array([0, 2**63, 2**64 - 1], np.uint64),
    ],
    ids=str,
)
def test_extreme_values_are_scaled_and_stay_numbers(values):
    unit = to_unit(values)
    assert np.isfinite(unit).all()
    assert unit.min() >= 0
    assert unit.max() <= 1
    assert (np.argsort(unit, kind="stable") == np.argsort(values, kind="stable")).all()


def test_values_beyond_doubles_are_not_finite():
    with pytest.raises(ValueError, match="not finite"):
        to_unit(np.array([0, np.longdouble("1e4000")]))
    with pytest.raises(ValueError, match="no pixel is a finite number"):
        span_of(np.array([np.longdouble("1e4000")] * 2))


def test_extremes_of_a_set_of_arrays(tmp_path):
    images: Any = digits(20).astype(np.longdouble)
    images[5] *= np.longdouble("1e4000")
    np.savez(tmp_path / "set.npz", images=images, labels=np.arange(20) % 10)
    assert 5 not in read_images(tmp_path / "set.npz").kept
