"""Wear, scenes, and the whole way to a finished image: boxes hold their digits' ink all the way."""

from dataclasses import replace

import numpy as np
import pytest

from inkseed.errors import InkseedError
from inkseed.sets.degrade import LEVELS, degrade, find_level
from inkseed.sets.fit import Fit, tight
from inkseed.sets.look import Look
from inkseed.sets.scene import SCENES, draw_scene
from tests.typeset_numbers import finished_number, page_of

CLEAN = {  # black ink on white paper, so that what is left of a digit can be measured
    **{"light": (255, 255), "tint": (0, 0), "shade": (0, 0), "ink": (1, 1)},
    **{"grain": (0, 0), "quality": (100, 100)},
}
NOISE = 4  # of 255: what JPEG of the best quality leaves


def alone(ink: np.ndarray, box) -> np.ndarray:
    x0, y0, x1, y1 = box
    layer = np.zeros_like(ink)
    layer[y0:y1, x0:x1] = ink[y0:y1, x0:x1]
    return layer


@pytest.mark.parametrize("level", sorted(LEVELS))
@pytest.mark.parametrize("how", [Fit(margin=(5, 5)), Fit(64, 400, (12, 12), (0, 9))])
def test_boxes_follow_their_digits(level, how):
    """Each digit worn by itself shows where its ink went: 98 % of it is in its box, and 99 in 100
    boxes have no side more than two pixels off."""
    wear = replace(LEVELS[level], **CLEAN)
    shares, off = [], []
    for index in range(25):
        page, boxes = page_of(4 + index % 4, index, how)
        _, found = degrade(page, boxes, LEVELS[level], 5, index)
        for box, (x0, y0, x1, y1) in zip(boxes, found, strict=True):
            worn, _ = degrade(alone(page, box), [box], wear, 5, index)
            left = 255 - worn[..., 0].astype(int)
            left[left <= NOISE] = 0
            shares.append(left[y0:y1, x0:x1].sum() / left.sum())
            off.append(np.abs(np.subtract(tight(left.astype(np.uint8)), (x0, y0, x1, y1))).max())
    assert np.quantile(shares, 0.01) >= 0.98
    assert np.mean(np.array(off) > 2) <= 0.01
    assert np.mean(off) < 1.1


@pytest.mark.parametrize("level", sorted(LEVELS))
def test_no_ink_is_cut_off(level):
    """Though it came up to the very edge before the paper was turned."""
    wear = replace(LEVELS[level], **CLEAN)
    for index in range(30):
        page, boxes = page_of(5, index, Fit(margin=(0, 0)))
        before = page.sum(dtype=float)
        worn, found = degrade(page, boxes, wear, 1, index)
        left = (255 - worn[..., 0].astype(float)).clip(0)
        left[left <= NOISE] = 0
        box = np.array(found)
        assert left.sum() > 0.7 * before  # smaller where it would not have fitted, not cut off
        assert max(left[0].max(), left[-1].max(), left[:, 0].max(), left[:, -1].max()) < 200
        assert (box[:, :2] >= 0).all()
        assert (box[:, 2] <= page.shape[1]).all()
        assert (box[:, 3] <= page.shape[0]).all()


def test_what_is_printed_around_a_number_does_not_make_it_smaller():
    """A line from edge to edge may run out of the image; the number stays as large."""
    for index in range(10):
        page, boxes = page_of(5, index, Fit(margin=(4, 4)))
        lined = draw_scene(page, boxes, "line", 0, index)
        _, found = degrade(page, boxes, LEVELS["strong"], 1, index)
        _, same = degrade(lined, boxes, LEVELS["strong"], 1, index)
        assert np.abs(np.subtract(found, same)).max() <= 2


def test_strong_is_worse_than_mild_and_both_vary():
    page, boxes = page_of(6, 0, Fit())
    kept = {}
    for level, wear in LEVELS.items():
        images = [degrade(page, boxes, wear, 0, k)[0] for k in range(20)]
        assert images[0].shape == (*page.shape, 3)
        assert len({image.tobytes() for image in images}) == 20
        ink, paper = page >= 200, page == 0
        kept[level] = np.mean([image[paper].mean() - image[ink].mean() for image in images])
        assert np.std([image[paper].mean() for image in images]) > 3
    assert kept["mild"] > kept["strong"] + 20


def test_the_same_seed_and_index_wear_alike():
    page, boxes = page_of(6, 0, Fit())
    wear = LEVELS["strong"]
    one, found = degrade(page, boxes, wear, 9, 4)
    again, same = degrade(page, boxes, wear, 9, 4)
    assert np.array_equal(one, again)
    assert found == same
    for seed, index in ((9, 5), (8, 4)):
        other, _ = degrade(page, boxes, wear, seed, index)
        assert not np.array_equal(one, other)


def test_empty_boxes_and_blank_paper_stay_so():
    page = np.zeros((32, 64), np.uint8)
    image, found = degrade(page, [(10, 5, 10, 5)], LEVELS["strong"], 0, 0)
    assert image.shape == (32, 64, 3)
    assert found[0][0] == found[0][2]
    assert found[0][1] == found[0][3]


@pytest.mark.parametrize("scene", SCENES)
def test_a_scene_is_paler_than_ink_and_changes_no_ink(scene):
    page, boxes = page_of(5, 3, Fit(cells=True, gap=(2, 2), margin=(4, 4)))
    shown = draw_scene(page, boxes, scene, 0, 3)
    assert (shown >= page).all()
    printed = shown[shown > page]
    assert len(printed) > 100
    assert printed.max() <= 150
    assert not np.array_equal(shown, draw_scene(page, boxes, scene, 0, 4))
    assert np.array_equal(shown, draw_scene(page, boxes, scene, 0, 3))


def test_a_comb_has_a_cell_for_each_digit_and_a_line_runs_under_all():
    page, boxes = page_of(5, 3, Fit(cells=True, gap=(2, 2), margin=(4, 4)))
    added = draw_scene(page, boxes, "comb", 0, 3) > page
    upright = np.flatnonzero(added.sum(0) > 10)
    assert len(upright) == 6
    for (x0, _, x1, _), left, right in zip(boxes, upright[:-1], upright[1:], strict=True):
        assert left < x0 < x1 <= right
    assert np.ptp(np.diff(upright)) <= 1
    added = draw_scene(page, boxes, "line", 0, 3) > page
    rows = np.flatnonzero(added.sum(1) > page.shape[1] // 2)
    assert len(rows) == 1
    assert np.median([box[3] for box in boxes]) <= rows[0] + 1


@pytest.mark.parametrize(
    "look",
    [
        Look(),
        Look(dark=False),
        Look(degrade="mild"),
        Look(degrade="strong", dark=False),
        Look(scene="comb", fit=Fit(40, 240, (4, 6))),
        Look(scene="line", degrade="strong", fit=Fit(48, None)),
    ],
)
def test_a_finished_image_is_as_asked(look):
    number, again = (finished_number(6, 8, look, 3) for _ in range(2))
    image, found = number.image, number.boxes
    assert np.array_equal(image, again.image)
    assert found == again.boxes
    assert image.dtype == np.uint8
    assert image.shape[0] == look.fit.height
    assert look.fit.width in (None, image.shape[1])
    assert (image.ndim == 3) == look.colour
    light = image if image.ndim == 2 else image.mean(2)
    corner, x0, y0, x1, y1 = light[0, 0], *found[0]
    darkest = light[y0:y1, x0:x1].min() if look.dark else 255 - light[y0:y1, x0:x1].max()
    assert darkest < (corner if look.dark else 255 - corner) - 40


def test_no_digit_touches_its_cell():
    look = Look(scene="comb")
    for index in range(10):
        number = finished_number(5, index, look)
        image, found = number.image, number.boxes
        printed = image == np.bincount(image[image < 255]).argmax()  # all of it is one grey
        upright = np.flatnonzero(printed.sum(0) > 0.6 * printed.any(1).sum())
        assert len(upright) == 6
        for x0, _, x1, _ in found:
            assert not set(range(x0, x1)) & set(upright.tolist())


def test_mnists_way_and_dark_ink_are_the_same_picture():
    dark, light = (finished_number(4, 8, Look(dark=ink), 3) for ink in (True, False))
    assert np.array_equal(dark.image, 255 - light.image)
    assert dark.boxes == light.boxes


def test_unknown_looks_are_refused_in_one_line():
    with pytest.raises(InkseedError, match="mild or strong"):
        find_level("awful")
    with pytest.raises(InkseedError, match="mild or strong"):
        Look(degrade="awful")
    with pytest.raises(InkseedError, match="comb or line"):
        Look(scene="forest")
