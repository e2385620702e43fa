"""One look for every plot: names at the lines' ends, at most six, bands, a file."""

import numpy as np
import pytest
from PIL import Image

from inkseed.errors import InkseedError
from inkseed.plots import (
    COLOURS,
    MOST_LINES,
    line,
    name_ends,
    plot,
    save_plot,
    show_images,
    title,
)


def written(axis) -> dict[str, tuple[float, float]]:
    """Where each text stands, in parts of the axis."""
    return {text.get_text(): text.get_position() for text in axis.texts}


def test_lines_are_named_beside_their_ends_in_their_own_colours():
    figure, axis = plot()
    line(axis, [0, 1], [0, 1.0], "high", COLOURS[0])
    line(axis, [0, 1], [0, 0.2], "low", COLOURS[1])
    line(axis, [0, 1], [0, 0.6])  # without a name
    name_ends(axis)
    places = written(axis)
    assert set(places) == {"high", "low"}
    assert places["high"][1] > places["low"][1]
    assert all(x > 1 for x, _ in places.values())
    assert [text.get_color() for text in axis.texts] == list(COLOURS[:2])
    assert axis.get_legend() is None
    assert figure._repr_png_().startswith(b"\x89PNG")


def test_a_line_that_leaves_the_axis_is_named_at_its_edge():
    _, axis = plot()
    line(axis, [0, 1], [1, 1000.0], "steep")
    axis.set_ylim(0, 2)
    name_ends(axis)
    assert written(axis)["steep"][1] == pytest.approx(1)


def test_more_than_six_lines_are_refused():
    _, axis = plot()
    for k in range(MOST_LINES + 1):
        line(axis, [0, 1], [0, k], f"line {k}")
    with pytest.raises(InkseedError, match="at most 6"):
        name_ends(axis)


def test_an_interval_is_a_band_and_images_are_dark_on_light(tmp_path):
    figure, axes = plot(1, 2, (4, 2))
    line(axes[0], [0, 1], [1, 2], band=([0, 1], [2, 3]))
    assert len(axes[0].collections) == 1
    title(axes[0], "left")
    assert axes[0].get_title(loc="left") == "left"
    show_images(axes[1:], -np.ones((1, 28, 28)))
    save_plot(figure, tmp_path / "plot.png")
    with Image.open(tmp_path / "plot.png") as picture:
        pixels = np.asarray(picture.convert("L"))
    assert pixels[pixels.shape[0] // 2, -picture.width // 4] == 255  # paper
