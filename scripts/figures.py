"""Draw every picture in docs/pictures again, from the bundled weights: python scripts/figures.py

Takes some minutes on two cores: the chains of 400 steps cost thousands of evaluations. `--only
NAME` draws one of them. The pictures of docs/noise-study.md are scripts/noise_study.py's.
"""

import argparse
from collections.abc import Callable

import mathematics
import numpy as np
from pages import DOCS
from PIL import Image, ImageDraw, ImageFont
from printed_update import draw_printed_update

from inkseed.cli import main
from inkseed.data import split_mnist
from inkseed.data.style import measure_style
from inkseed.model.loading import load
from inkseed.pictures import GREY, Band, beside, draw_bands, save_picture
from inkseed.plots import Plot, save_plot
from inkseed.sets.drawing import LineSetter
from inkseed.sets.fit import Fit
from inkseed.sets.look import Look
from inkseed.writing.number import Number, Part, write

PICTURES = DOCS / "pictures"
SHOWN = (("ancestral", 400), ("dpm_solver_sde", 20), ("dpm_solver", 20), ("ddim", 20), ("heun", 10))
FIGURE1_SEED = 3  # none of its forty digits is a blot, which would say nothing of guidance
WRITERS = 6  # in the picture of hands, at equal steps from the thinnest strokes to the boldest
NUMBERS = ("00297375", "314159", "20260101")
LOOKS = (
    ("32x128, as it is by default", Look()),
    ("--paper dark", Look(dark=False)),
    ("--margin 2-8 --gap 0-4 --align anywhere", Look(Fit(32, 128, (2, 8), (0, 4), "anywhere"))),
    ("--scene line", Look(scene="line")),
    ("--scene comb", Look(scene="comb")),
    ("--degrade mild", Look(degrade="mild")),
    ("--degrade strong", Look(degrade="strong")),
    ("--degrade strong --scene comb", Look(degrade="strong", scene="comb")),
)
STYLES = ((None, None), (-10, None), (10, None), (30, None), (None, 1.6), (None, 3.5), (25, 3))


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
    save_plot(draw_printed_update(load("report")), PICTURES / "printed_update.png")


def samplers() -> None:
    """The same digits from the same noise by several samplers."""
    model, bands = load("report"), []
    for name, steps in SHOWN:
        drawn = model.sample(range(10), 3, sampler=name, steps=steps)
        caption = f"{name}, {steps} steps: {drawn.nfe} evaluations a digit"
        bands.append(Band(caption, drawn.images))
    save_picture(draw_bands(bands, 10), PICTURES / "samplers.png")


def styles() -> None:
    """The same digits from the same noise, asked for in several styles."""
    model, bands = load("digits"), []
    for slant, thickness in STYLES:
        drawn = model.sample(range(10), 3, slant=slant, thickness=thickness)
        asked = {"slant": slant, "thickness": thickness}
        words = [f"--{name} {value:g}" for name, value in asked.items() if value is not None]
        bands.append(Band(" ".join(words) or "both left free", drawn.images))
    save_picture(draw_bands(bands, 10), PICTURES / "styles.png")


def few_steps() -> None:
    """The same digits from the same noise: the student in 1 to 4 steps, and its teacher."""
    student, teacher = load("digits-fast"), load("digits")
    bands = [
        Band(
            f"digits-fast, {n} evaluation{'s' * (n > 1)}",
            student.sample(range(10), 5, steps=n).images,
        )
        for n in (1, 2, 3, 4)
    ]
    drawn = teacher.sample(range(10), 5)
    bands.append(Band(f"digits, {drawn.nfe} evaluations", drawn.images))
    save_picture(draw_bands(bands, 10), PICTURES / "few_steps.png")


def figure1() -> None:
    """The report's Figure 1: what guidance does to the same noise."""
    command(
        *("sample", "--labels", "0-9", "--count", 4, "--seed", FIGURE1_SEED),
        *("--guide-w", "0,0.5,2", "--out", PICTURES / "figure1.png"),
    )


def hands() -> None:
    """Ten digits of each of six validation writers, and 0 to 9 drawn in the hand of those ten."""
    model, validation = load("digits"), split_mnist().validation
    given: dict[int, np.ndarray] = {}
    for writer in np.unique(validation.writers).tolist():
        own = validation.subset(validation.writers == writer)
        labels, first = np.unique(own.labels, return_index=True)
        if len(labels) == 10:
            given[writer] = own.images[first]
    by_thickness = sorted(given, key=lambda writer: measure_style(given[writer])[1].mean())
    shown = [by_thickness[k] for k in np.linspace(0, len(given) - 1, WRITERS).round().astype(int)]
    bands = []
    for writer in shown:
        drawn = model.sample(range(10), writer, hand=model.hand_of(given[writer]))
        bands.append(Band(f"writer {writer}", given[writer]))
        bands.append(Band("drawn in that hand", drawn.images))
    columns = [draw_bands(part, 10) for part in (bands[:WRITERS], bands[WRITERS:])]
    save_picture(beside(*columns), PICTURES / "hands.png")


def sets() -> None:
    """Three numbers in every look that a labelled set can have, with their boxes in the last."""
    drawn = [write(text, seed) for seed, text in enumerate(NUMBERS)]
    shown = [(words, look, False) for words, look in LOOKS]
    shown.append((f"{LOOKS[-1][0]}, and its boxes", LOOKS[-1][1], True))
    rows = [
        (words, [dressed(each, look, k, boxed) for k, each in enumerate(drawn)])
        for words, look, boxed in shown
    ]
    width, height = rows[0][1][0].size
    gap, caption = 10, 22
    sheet = Image.new(
        "RGB",
        (3 * (width + gap) + gap, len(rows) * (height + gap + caption) + gap),
        (255, 255, 255),
    )
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=14)
    for k, (words, pictures) in enumerate(rows):
        y = gap + k * (height + gap + caption)
        pen.text((gap, y), words, fill=(GREY,) * 3, font=font)
        for place, picture in enumerate(pictures):
            sheet.paste(picture, (gap + place * (width + gap), y + caption))
    save_picture(sheet, PICTURES / "sets.png")


def dressed(number: Number, look: Look, index: int, boxed: bool) -> Image.Image:
    """A number in a look, twice as large, in a thin frame."""
    parts = [Part(digit, 1) for digit in number.text]
    setter = LineSetter(look, 0, range(index, index + 1), [number.text], [parts])
    (set_,) = setter.numbers(number.samples.images)
    picture = Image.fromarray(set_.image).convert("RGB")
    picture = picture.resize((picture.width * 2, picture.height * 2), Image.Resampling.NEAREST)
    pen = ImageDraw.Draw(picture)
    for x0, y0, x1, y1 in set_.boxes if boxed else ():
        pen.rectangle((2 * x0 - 1, 2 * y0 - 1, 2 * x1, 2 * y1), outline=(220, 40, 40))
    pen.rectangle((0, 0, picture.width - 1, picture.height - 1), outline=(200, 200, 200))
    return picture


def drawn_as_plot(draw: Callable[[], Plot]) -> Callable[[], None]:
    """Draw one of the pictures of docs/mathematics.md."""
    return lambda: save_plot(draw(), PICTURES / f"{draw.__name__}.png")


DRAWN = (number, printed_update, samplers, styles, hands, few_steps, figure1, sets)
FIGURES = {draw.__name__: draw for draw in DRAWN}
FIGURES |= {draw.__name__: drawn_as_plot(draw) for draw in mathematics.DRAWN}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=FIGURES)
    asked = parser.parse_args()
    for name, draw in FIGURES.items():
        if asked.only in (None, name):
            draw()
