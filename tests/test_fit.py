"""Numbers on paper of any size: whole, undistorted, each box tight around its own digit's ink."""

from itertools import chain

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from inkseed.errors import InkseedError
from inkseed.sets.digit import Digit
from inkseed.sets.fit import ALIGNMENTS, Fit, fit_digits
from inkseed.sets.labelled_number import Box
from inkseed.sets.look import Look
from inkseed.writing.typesetting import cleaned
from tests.typeset_numbers import digits, page_of, setter_of


def bars(*boxes: Box) -> list[Digit]:
    """Solid blocks of ink, whose boxes are known exactly."""
    return [
        Digit(np.full((y1 - y0, x1 - x0), 255, np.uint8), x0, y0, (x0, y0, x1, y1))
        for x0, y0, x1, y1 in boxes
    ]


@given(
    height=some.integers(16, 80),
    width=some.none() | some.integers(16, 300),
    margin=some.tuples(some.floats(0, 4), some.floats(0, 2)).map(lambda m: (m[0], m[0] + m[1])),
    spacing=some.tuples(some.floats(0, 3), some.floats(0, 6)).map(lambda m: (m[0], m[0] + m[1])),
    align=some.sampled_from(sorted(ALIGNMENTS)),
    cells=some.booleans(),
    wide=some.lists(some.integers(3, 40), min_size=1, max_size=6),
    index=some.integers(0, 2**31),
)
@settings(max_examples=100, deadline=None)
def test_nothing_is_lost_or_distorted(height, width, margin, spacing, align, cells, wide, index):
    """Blocks of known shapes: all inside, in order, in proportion, and each in its box."""
    starts = np.cumsum([20, *[each + 6 for each in wide[:-1]]]).tolist()
    boxes = [(x, 5, x + w, 5 + 40) for x, w in zip(starts, wide, strict=True)]
    how = Fit(height, width, margin, spacing, align, cells)
    image, found = fit_digits(bars(*boxes), how, 3, index)
    assert image.dtype == np.uint8
    assert image.shape[0] == height
    assert width is None or image.shape[1] == width
    tall = max(y1 - y0 for _, y0, _, y1 in found)
    for (x0, y0, x1, y1), w in zip(found, wide, strict=True):
        assert 0 <= x0 < x1 <= image.shape[1]
        assert 0 <= y0 < y1 <= image.shape[0]
        assert abs((x1 - x0) - w * tall / 40) <= 2.1 + w / 40
    middles = [x0 + x1 for x0, _, x1, _ in found]
    assert middles == sorted(middles)
    inked = np.zeros(image.shape, bool)
    for x0, y0, x1, y1 in found:
        inked[y0:y1, x0:x1] = True
    assert image[~inked].sum(dtype=float) <= 0.02 * image.sum(dtype=float)


@pytest.mark.parametrize("how", [Fit(), Fit(cells=True, gap=(1, 2)), Fit(64, None, (3, 9))])
def test_boxes_are_tight_around_real_digits(how):
    """No side is off by more than the faint edge of a stroke, and 98 in 100 of the ink is inside.

    Digits whose boxes overlap are looked at apart, since ink of both is in either's box.
    """
    shares, looked = [], 0
    for seed in range(30):
        image, found = page_of(1 + seed % 6, seed, how)
        for k, (x0, y0, x1, y1) in enumerate(found):
            own = image[:, max(x0 - 2, 0) : x1 + 2].astype(float)
            others = [box for j, box in enumerate(found) if j != k]
            if any(u0 < x1 + 2 and x0 - 2 < u1 for u0, _, u1, _ in others):
                continue
            looked += 1
            shares.append(image[y0:y1, x0:x1].sum(dtype=float) / own.sum())
            edges = image[y0, x0:x1], image[y1 - 1, x0:x1], image[y0:y1, x0], image[y0:y1, x1 - 1]
            assert min(edge.max() for edge in edges) > 0
    assert looked > 30
    assert np.quantile(shares, 0.01) > 0.98


def test_a_number_keeps_its_proportions_where_the_paper_is_wide_or_narrow():
    drawn = bars((10, 10, 40, 50), (50, 10, 60, 50))
    for how, tall in [(Fit(32, 400), 28), (Fit(32, 29), 20), (Fit(200, 54), 40)]:
        _, found = fit_digits(drawn, how, 0, 0)
        assert abs(found[0][3] - found[0][1] - tall) <= 2
        assert abs(found[0][2] - found[0][0] - tall * 30 / 40) <= 2


def test_margins_spacing_and_place_are_drawn_from_their_ranges():
    drawn = bars((10, 10, 40, 50), (50, 10, 60, 50))
    how = Fit(40, 200, (3, 9), (0, 12), "anywhere")
    found = np.array([fit_digits(drawn, how, 0, k)[1] for k in range(60)])
    gaps = found[:, 1, 0] - found[:, 0, 2]
    assert gaps.min() < 10 < gaps.max() <= 22
    assert found[:, 0, 0].min() < 30 < 100 < found[:, 1, 2].max()
    assert found[:, :, :2].min() >= 2
    assert len({tuple(each.ravel()) for each in found}) > 50
    again = np.array([fit_digits(drawn, how, 0, k)[1] for k in range(60)])
    assert np.array_equal(found, again)
    other = np.array([fit_digits(drawn, how, 1, k)[1] for k in range(60)])
    assert not np.array_equal(found, other)


def test_left_centre_and_right():
    drawn = bars((10, 10, 40, 50))
    places = {
        align: fit_digits(drawn, Fit(32, 128, (2, 2), align=align), 0, 0)[1][0]
        for align in ("left", "centre", "right")
    }
    assert places["left"][0] == 2
    assert places["right"][2] == 126
    assert abs(places["centre"][0] + places["centre"][2] - 128) <= 1


def test_cells_are_of_one_width():
    drawn = bars((10, 10, 16, 50), (30, 10, 70, 50), (80, 10, 90, 50))
    _, found = fit_digits(drawn, Fit(32, 128, cells=True), 0, 0)
    middles = [(x0 + x1) / 2 for x0, _, x1, _ in found]
    assert abs((middles[1] - middles[0]) - (middles[2] - middles[1])) <= 1


def test_a_digits_box_is_its_own_where_boxes_overlap():
    """A 7 whose foot lies under the next digit."""
    seven = np.zeros((45, 40), np.uint8)
    seven[:4, :20] = seven[:, 16:20] = seven[41:, 16:] = 255
    apart = [Digit(seven, 10, 5, (10, 5, 50, 50)), *bars((36, 5, 60, 40))]
    for gap in (0, 30):
        _, found = fit_digits(apart, Fit(80, None, gap=(gap, gap)), 0, 0)
        scale = 76 / 45
        for box, (_, _, _, own) in zip(found, apart, strict=True):
            long = np.subtract(own[2:], own[:2]) * scale
            assert np.abs(np.subtract(box[2:], box[:2]) - long).max() <= 2
        assert (found[1][0] > found[0][2]) == (gap > 0)


@given(seed=some.integers(0, 10**6), counts=some.lists(some.integers(1, 8), min_size=1, max_size=4))
@settings(max_examples=40, deadline=None)
def test_digits_on_a_line_are_the_whole(seed, counts):
    """What a line is set of is all the ink that was drawn, stray marks aside, and no other."""
    rng = np.random.default_rng(seed)
    drawn = rng.choice(len(digits()), sum(counts))
    images = digits()[drawn] * (rng.random(len(drawn)) < 0.9)[:, None, None].astype(np.uint8)
    setter = setter_of(["0" * count for count in counts], Look(), seed, 5)
    found = list(setter.lines(images))
    assert list(map(len, found)) == counts
    for digit, ink in zip(chain(*found), cleaned(images), strict=True):
        assert digit.ink.sum(dtype=int) == ink.sum(dtype=int)
        rows, columns = np.nonzero(ink)
        if len(rows):
            again = np.zeros_like(ink)
            height, width = digit.ink.shape
            top, left = rows.min(), columns.min()
            again[top : top + height, left : left + width] = digit.ink
            assert np.array_equal(again, ink)
    for line in found:
        starts = [digit.box[0] for digit in line if digit.ink.any()]
        assert starts == sorted(starts)


def test_a_digit_without_ink_has_an_empty_box():
    empty = np.zeros((1, 1), np.uint8)
    first, last = bars((10, 10, 40, 50), (80, 10, 90, 50))
    _, found = fit_digits([first, Digit(empty, 60, 50, (60, 50, 60, 50)), last], Fit(), 0, 0)
    x0, y0, x1, y1 = found[1]
    assert x0 == x1
    assert y0 == y1
    assert all(x1 > x0 for x0, _, x1, _ in (found[0], found[2]))
    blank, ((x0, _, x1, _),) = fit_digits([Digit(empty, 0, 0, (0, 0, 0, 0))], Fit(), 0, 0)
    assert not blank.any()
    assert x0 == x1


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"height": 4}, "height must be from 8"),
        ({"width": 5000}, "width must be from 8"),
        ({"margin": (5, 2)}, "from the smaller to the larger"),
        ({"margin": (0, 20)}, "margin must be from 0 to 14"),
        ({"margin": 3}, "range of two"),
        ({"gap": (-1, 0)}, "gap must be"),
        ({"align": "middle"}, "align is one of"),
    ],
)
def test_impossible_paper_is_refused_in_one_line(changed, message):
    with pytest.raises(InkseedError, match=message):
        Fit(**changed)


@pytest.mark.parametrize("place", range(40))
def test_a_digit_may_begin_a_rounding_error_before_a_pixel(place):
    """What is resized is then cut where rounding would put it outside its own image."""
    almost = float(np.nextafter(8, 0))
    how = Fit(32, 128, (almost, almost), align="left")
    (digit,) = bars((place, place, place + 20, place + 28))
    image, (box,) = fit_digits([digit], how, 0, 0)
    assert box == (8, 8, 20, 24)
    assert image[8:24, 8:20].sum(dtype=float) >= 0.98 * image.sum(dtype=float)
