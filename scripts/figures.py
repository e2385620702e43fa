"""Draw every picture in docs/pictures again, from the bundled weights: python scripts/figures.py

Takes some minutes on two cores: the chains of 400 steps cost thousands of evaluations. `--only
NAME` draws one of them. The pictures of docs/noise-study.md are scripts/noise_study.py's.
"""

import argparse

from pages import DOCS
from printed_update import draw_printed_update

from inkseed.cli import main
from inkseed.files import write_atomically
from inkseed.model.loading import load
from inkseed.pictures import Band, draw_bands, save_picture

PICTURES = DOCS / "pictures"
SHOWN = (("ancestral", 400), ("dpm_solver_sde", 20), ("dpm_solver", 20), ("ddim", 20), ("heun", 10))
FIGURE1_SEED = 3  # none of its forty digits is a blot, which would say nothing of guidance
HANDS = ((None, None), (-10, None), (10, None), (30, None), (None, 1.6), (None, 3.5), (25, 3))


def command(*words: object) -> None:
    """Run a command line as a user types it."""
    try:
        main([str(word) for word in words])
    except SystemExit as stopped:
        if stopped.code:
            raise


def number() -> None:
    """The number that the demo writes."""
    command("write", "00297375", "--seed", 2, "--out", PICTURES / "number.png")


def printed_update() -> None:
    """Equation (2) as printed, beside the right one."""
    figure = draw_printed_update(load("report"))
    path = PICTURES / "printed_update.png"
    write_atomically(path, lambda temporary: figure.savefig(temporary, dpi=100))


def samplers() -> None:
    """The same digits from the same noise by several samplers."""
    model, bands = load("report"), []
    for name, steps in SHOWN:
        drawn = model.sample(range(10), 3, sampler=name, steps=steps)
        caption = f"{name}, {steps} steps: {drawn.nfe} evaluations a digit"
        bands.append(Band(caption, drawn.images))
    save_picture(draw_bands(bands, 10), PICTURES / "samplers.png")


def styles() -> None:
    """The same digits from the same noise, asked for in several hands."""
    model, bands = load("digits"), []
    for slant, thickness in HANDS:
        drawn = model.sample(range(10), 3, slant=slant, thickness=thickness)
        asked = {"slant": slant, "thickness": thickness}
        words = [f"--{name} {value:g}" for name, value in asked.items() if value is not None]
        bands.append(Band(" ".join(words) or "both left free", drawn.images))
    save_picture(draw_bands(bands, 10), PICTURES / "styles.png")


def figure1() -> None:
    """The report's Figure 1: what guidance does to the same noise."""
    command(
        *("sample", "--labels", "0-9", "--count", 4, "--seed", FIGURE1_SEED),
        *("--guide-w", "0,0.5,2", "--out", PICTURES / "figure1.png"),
    )


FIGURES = {draw.__name__: draw for draw in (number, printed_update, samplers, styles, figure1)}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=FIGURES)
    asked = parser.parse_args()
    for name, draw in FIGURES.items():
        if asked.only in (None, name):
            draw()
