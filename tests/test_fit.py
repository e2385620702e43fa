"""Numbers on paper of any size: whole, undistorted, each box tight around its own digit's ink."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from inkseed.errors import InkseedError
from inkseed.sets.fit import ALIGNMENTS, Fit, fit
from inkseed.sets.parting import part
from tests.typeset_numbers import typeset_number


def bars(*places: tuple[int, int, int, int], shape=(60, 300)) -> np.ndarray:
    """Solid blocks of ink, whose boxes are known exactly."""
    ink = np.zeros(shape, np.uint8)
    for x0, y0, x1, y1 in places:
        ink[y0:y1, x0:x1] = 255
    return ink


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
    image, found = fit(bars(*boxes), boxes, how, 3, index)
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
        ink, boxes = typeset_number(1 + seed % 6, seed)
        image, found = fit(ink, boxes, how, 0, seed)
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
    ink, boxes = bars((10, 10, 40, 50), (50, 10, 60, 50)), [(10, 10, 40, 50), (50, 10, 60, 50)]
    for how, tall in [(Fit(32, 400), 28), (Fit(32, 29), 20), (Fit(200, 54), 40)]:
        _, found = fit(ink, boxes, how, 0, 0)
        assert abs(found[0][3] - found[0][1] - tall) <= 2
        assert abs(found[0][2] - found[0][0] - tall * 30 / 40) <= 2


def test_margins_spacing_and_place_are_drawn_from_their_ranges():
    boxes = [(10, 10, 40, 50), (50, 10, 60, 50)]
    ink = bars(*boxes)
    how = Fit(40, 200, (3, 9), (0, 12), "anywhere")
    found = np.array([fit(ink, boxes, how, 0, k)[1] for k in range(60)])
    gaps = found[:, 1, 0] - found[:, 0, 2]
    assert gaps.min() < 10 < gaps.max() <= 22
    assert found[:, 0, 0].min() < 30 < 100 < found[:, 1, 2].max()
    assert found[:, :, :2].min() >= 2
    assert len({tuple(each.ravel()) for each in found}) > 50
    again = np.array([fit(ink, boxes, how, 0, k)[1] for k in range(60)])
    assert np.array_equal(found, again)
    other = np.array([fit(ink, boxes, how, 1, k)[1] for k in range(60)])
    assert not np.array_equal(found, other)


def test_left_centre_and_right():
    boxes = [(10, 10, 40, 50)]
    places = {
        align: fit(bars(*boxes), boxes, Fit(32, 128, (2, 2), align=align), 0, 0)[1][0]
        for align in ("left", "centre", "right")
    }
    assert places["left"][0] == 2
    assert places["right"][2] == 126
    assert abs(places["centre"][0] + places["centre"][2] - 128) <= 1


def test_cells_are_of_one_width():
    boxes = [(10, 10, 16, 50), (30, 10, 70, 50), (80, 10, 90, 50)]
    _, found = fit(bars(*boxes), boxes, Fit(32, 128, cells=True), 0, 0)
    middles = [(x0 + x1) / 2 for x0, _, x1, _ in found]
    assert abs((middles[1] - middles[0]) - (middles[2] - middles[1])) <= 1


def test_ink_goes_to_the_digit_that_it_hangs_together_with():
    """A 7 whose foot lies under the next digit: boxes overlap, strokes do not."""
    ink = bars((10, 5, 30, 9), (26, 5, 30, 50), (27, 46, 50, 50), (36, 5, 60, 40))
    boxes = [(10, 5, 50, 50), (36, 5, 60, 40)]
    first, second = part(ink, boxes)
    assert first.ink.astype(int).sum() == 255 * (20 * 4 + 4 * 41 + 20 * 4)
    assert second.ink.astype(int).sum() == 255 * 24 * 35
    _, moved = fit(ink, boxes, Fit(80, None, gap=(30, 30)), 0, 0)
    assert moved[1][0] > moved[0][2]


@given(
    seed=some.integers(0, 10**6),
    count=some.integers(1, 8),
)
@settings(max_examples=40, deadline=None)
def test_parts_are_the_whole(seed, count):
    rng = np.random.default_rng(seed)
    ink = np.where(rng.random((40, 120)) < 0.3, rng.integers(0, 256, (40, 120)), 0).astype(np.uint8)
    starts = np.sort(rng.integers(0, 100, count))
    boxes = [(int(x), 3, int(x) + int(rng.integers(0, 20)), 38) for x in starts]
    again = np.zeros(ink.shape, int)
    for digit in part(ink, boxes):
        height, width = digit.ink.shape
        if digit.ink.any():
            again[digit.y : digit.y + height, digit.x : digit.x + width] += digit.ink
    inked = [box for box in boxes if box[2] > box[0]]
    if inked and len(inked) == len(boxes):
        assert np.array_equal(again, ink)
    assert (again <= ink).all()


def test_a_digit_without_ink_has_an_empty_box():
    boxes = [(10, 10, 40, 50), (60, 50, 60, 50), (80, 10, 90, 50)]
    _, found = fit(bars(boxes[0], boxes[2]), boxes, Fit(), 0, 0)
    x0, y0, x1, y1 = found[1]
    assert x0 == x1
    assert y0 == y1
    assert all(x1 > x0 for x0, _, x1, _ in (found[0], found[2]))
    blank, empty = fit(bars(), [(0, 0, 0, 0)], Fit(), 0, 0)
    assert not blank.any()
    assert empty[0][0] == empty[0][2]


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
