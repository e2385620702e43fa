"""Two-digit images and whole numbers, measured: python scripts/whole_numbers.py [--compile]

Makes the tables and the picture of docs/numbers.md: digits in one pass against pasted ones, the
boxes that the seam finds, and numbers of 1 to 12 digits read back. Judge B reads; nothing is chosen
by what it says.
"""

import argparse
import time
from collections.abc import Callable, Mapping

import numpy as np
import torch
from pages import DOCS, machine, replace
from PIL import Image

from inkseed import say
from inkseed.data.labelled import LabelledImages
from inkseed.data.pairs import (
    CANVAS,
    Hands,
    Layout,
    box_overlap,
    compose_pairs,
    ink_boxes,
    set_side_by_side,
)
from inkseed.data.split import split_mnist
from inkseed.evaluation.intervals import Estimate, wilson
from inkseed.evaluation.pairs import PairsMeasured, measure_pairs
from inkseed.judges import JudgeA, JudgeB
from inkseed.model.hand import DrawnHand
from inkseed.model.loading import load
from inkseed.model.model import Model
from inkseed.model.sampling import EVERYWHERE
from inkseed.model.style import draw_styles
from inkseed.pictures import PAPER, save_picture
from inkseed.writing.number import write
from inkseed.writing.reading import read_apart, read_number
from inkseed.writing.seam import part_pairs

PAGE = DOCS / "numbers.md"
MIDDLE = (0.3, 6.0)  # ratios of noise to signal
SETTINGS = [  # steps, where they are guided, how much: 14 evaluations, half of two digits' 28
    *[(10, MIDDLE, guide_w) for guide_w in (0.6, 1.0, 2.0, 3.0)],
    *[(7, EVERYWHERE, guide_w) for guide_w in (1.0, 1.5, 2.0, 3.0)],
]
Made = tuple[np.ndarray, int]  # images, and network evaluations for each
NOTHING: Mapping[str, float] = {}
FREE = {"slant": float("nan"), "thickness": float("nan")}
LEGIBLE = (0.05, 0.3, 0.6, 1.0, 1.6)
LEAST = 0.995  # of the images whose digits judge A must both read, in choosing guide_w
CHOICE_SEED = 1000
FEWER = 4  # what is only compared has a part of the count
FRIENDLY = ("00297375", "1984", "31415926", "07", "2026", "600613", "271828", "5", "90210", "46368")


def percent(found: Estimate) -> str:
    return f"{100 * found.value:.2f}% ({100 * found.low:.2f}% to {100 * found.high:.2f}%)"


def correlation(found: Estimate) -> str:
    return f"{found.value:.3f} ({found.low:.3f} to {found.high:.3f})"


def labels_of(count: int) -> np.ndarray:
    """All hundred, equally often."""
    return np.arange(count) % 100


def hands_of_numbers(count: int) -> list[DrawnHand]:
    """The hands in which `inkseed write` would write so many numbers, one each."""
    return [DrawnHand(CHOICE_SEED + k) for k in range(count)]


def choice(pairs: Model, count: int) -> list[str]:
    """How `pairs` is sampled, by judge A: where it reads LEAST, digits as alike as one writer's."""
    read, labels = JudgeA().digits, labels_of(count)
    wanted = measure_pairs(real(split_mnist().validation, count)[0], labels, read)
    rows, found = [], []
    for steps, interval, guide_w in SETTINGS:
        drawn = pairs.sample(labels, CHOICE_SEED, guide_w, None, steps, guide_interval=interval)
        found.append(measure_pairs(drawn.images, labels, read))
        where = "all" if interval == EVERYWHERE else f"{interval[0]:g} to {interval[1]:g}"
        rows.append([str(steps), where, f"{guide_w:g}", str(drawn.nfe), *as_cells(found[-1])])
        say.out(rows[-1])
    chosen = rows[best_of(found, wanted)]
    rows.append(["validation pairs by one writer", "", "", "", *as_cells(wanted)])
    lines = ["| steps | at ratios | guide_w | NFE | both right, judge A | slant | thickness |"]
    lines.append("| --- " * 7 + "|")
    for row in rows:
        cells = [f"**{cell}**" if row is chosen else cell for cell in row]
        lines.append(f"| {' | '.join(cells)} |")
    return [*lines, "", f"N = {count:,} a row, seed {CHOICE_SEED}, {machine(pairs.device)}."]


def as_cells(found: PairsMeasured) -> list[str]:
    return [percent(found.both_right), correlation(found.slant), correlation(found.thickness)]


def best_of(found: list[PairsMeasured], wanted: PairsMeasured) -> int:
    """Which is nearest to real pairs in its correlations, among those read in LEAST, or all."""
    alike = np.array([[each.slant.value, each.thickness.value] for each in (*found, wanted)])
    gaps = np.abs(alike[:-1] - alike[-1]).sum(1)
    enough = np.array([each.both_right.value >= LEAST for each in found])
    return int(np.where(enough, gaps, np.inf if enough.any() else gaps).argmin())


def legible(digits: Model, count: int) -> list[str]:
    """How far `inkseed write` guides `digits`: judge A reads digits, each in a number's hand."""
    judge, labels = JudgeA(), np.arange(count) % 10
    lines = ["| guide_w | judge A reads |", "| --- | --- |"]
    for guide_w in LEGIBLE:
        images = digits.sample(labels, CHOICE_SEED, guide_w, hand=hands_of_numbers(count)).images
        right = int((judge.digits(images) == labels).sum())
        lines.append(f"| {guide_w:g} | {percent(wilson(right, count))} |")
        say.out(lines[-1])
    return [*lines, "", f"N = {count:,} a row, seed {CHOICE_SEED}, {machine(digits.device)}."]


def drawn(model: Model, count: int, style: Mapping[str, float] = NOTHING) -> Made:
    """Images of two digits, and evaluations for each."""
    found = model.sample(labels_of(count), 0, **style)
    return found.images, found.nfe


def pasted(model: Model, count: int, matched: bool, guide_w: float | None = None) -> Made:
    """Two digits of `digits` set side by side as the training pairs are, and their evaluations.

    `matched` asks both for the same slant and thickness, drawn for each image.
    """
    labels = labels_of(count)
    digits = np.stack((labels // 10, labels % 10), 1).ravel()
    style = {}
    if matched:
        styles = draw_styles(model.styles, 0, range(count))
        style = {name: np.repeat(each, 2) for name, each in styles.items()}
    found = model.sample(digits, 0, guide_w, **style)
    cells = found.images.reshape(count, 2, *found.images.shape[1:])
    images, _ = set_side_by_side(cells, Layout(), np.random.default_rng(0))
    return images, 2 * found.nfe


def real(
    digits: LabelledImages, count: int, size: tuple[int, int] = CANVAS, match: str = "writer"
) -> Made:
    """Pairs of real digits, by one writer or of two that look alike."""
    layout = Layout(match=match)
    return compose_pairs(Hands(digits), labels_of(count), 0, size, layout).source.images, 0


def one_pass(pairs: Model, digits: Model, count: int) -> list[str]:
    """End to end against pasted digits, and against the data."""
    split, as_pairs = split_mnist(), pairs.settings().guide_w
    return compared(
        pairs.device,
        [
            ("training pairs by one writer, part A", lambda: real(split.part_a, count)),
            ("validation pairs by one writer", lambda: real(split.validation, count)),
            (
                "validation pairs of two who look alike",
                lambda: real(split.validation, count, match="style"),
            ),
            ("`pairs`, one pass", lambda: drawn(pairs, count)),
            ("`pairs`, style left free", lambda: drawn(pairs, count // FEWER, FREE)),
            ("`digits` pasted", lambda: pasted(digits, count // FEWER, False)),
            ("`digits` pasted, one style", lambda: pasted(digits, count // FEWER, True)),
            (
                "the same, guided as `pairs` is",
                lambda: pasted(digits, count // FEWER, True, as_pairs),
            ),
        ],
    )


def one_hot(report_pairs: Model, count: int) -> list[str]:
    """The report's own way to 00 to 99, whose digits are half as wide as MNIST's."""
    size, validation = report_pairs.image_size, split_mnist().validation
    return compared(
        report_pairs.device,
        [
            ("validation pairs in that size", lambda: real(validation, count, size)),
            ("`report-pairs`", lambda: drawn(report_pairs, count)),
        ],
    )


def compared(device: torch.device, ways: list[tuple[str, Callable[[], Made]]]) -> list[str]:
    """One row for each way to make two-digit images."""
    lines = [
        "| way | N | both right | a digit right | slant | thickness | NFE |",
        "| --- " * 7 + "|",
    ]
    for name, make in ways:
        images, nfe = make()
        found = measure_pairs(images, labels_of(len(images)))
        cells = [f"{len(images):,}", percent(found.both_right), percent(found.digit_right)]
        cells += [correlation(found.slant), correlation(found.thickness), str(nfe or "")]
        lines.append(f"| {name} | {' | '.join(cells)} |")
        say.out(lines[-1])
    return [*lines, "", f"Seed 0, {machine(device)}."]


def boxes(count: int) -> list[str]:
    """How well the seam finds boxes that are known."""
    made = compose_pairs(Hands(split_mnist().validation), labels_of(count), 1)
    images, labels = made.source.images, made.source.labels
    found = ink_boxes(part_pairs(images).reshape(-1, *images.shape[1:]))
    overlap = box_overlap(found.reshape(-1, 2, 4), made.boxes)
    cuts = np.zeros((count, 2, *images.shape[1:]), np.uint8)
    for k, pair in enumerate(made.boxes):
        for j, (x0, y0, x1, y1) in enumerate(pair):
            cuts[k, j, y0:y1, x0:x1] = images[k, y0:y1, x0:x1]
    right = read_apart(cuts, JudgeB().digits) == np.stack((labels // 10, labels % 10), 1)
    apart = made.boxes[:, 1, 0] > made.boxes[:, 0, 2]
    lines = ["| pairs | share | mean overlap | overlap above 0.9 |", "| --- " * 4 + "|"]
    for name, some in (("apart", apart), ("touching or over each other", ~apart)):
        own = overlap[some]
        share = f"{100 * some.mean():.1f}%"
        lines.append(f"| {name} | {share} | {own.mean():.3f} | {100 * (own > 0.9).mean():.1f}% |")
    known = percent(wilson(int(right.all(1).sum()), count))
    return [
        *lines,
        "",
        f"Cut by the known boxes, both digits are read right in {known}. N = {count:,}.",
    ]


def read_back(models: dict[str, Model], count: int) -> list[str]:
    """Random numbers of 1 to 12 digits, written and read by judge B; with --check and without."""
    rng, read = np.random.default_rng(0), JudgeB().digits
    numbers = ["".join(map(str, rng.integers(0, 10, rng.integers(1, 13)))) for _ in range(count)]
    lines = [
        "| model | check | read back | drawn again | NFE a digit | seconds |",
        "| --- " * 6 + "|",
    ]
    for name, model in models.items():
        for check in (False, True):
            began, right, again, nfe = time.perf_counter(), 0, 0, 0
            for seed, number in enumerate(numbers):
                written = write(number, seed, model=model, check=check)
                right += read_number(written.image, written.boxes, read) == number
                again, nfe = again + written.redrawn, nfe + written.nfe
            took = (time.perf_counter() - began) / count
            digits = sum(map(len, numbers))
            cells = [
                f"`{name}`",
                "yes" if check else "no",
                percent(wilson(right, count)),
                str(again),
            ]
            lines.append(f"| {' | '.join(cells)} | {nfe / digits:.1f} | {took:.2f} |")
            say.out(lines[-1])
    return [
        *lines,
        "",
        f"{count:,} numbers, {digits:,} digits, seeds 0 and on, {machine(model.device)}.",
    ]


def gallery(model: Model) -> Image.Image:
    """Ten numbers, one below the other."""
    rows = [write(number, seed, model=model).image for seed, number in enumerate(FRIENDLY)]
    page = Image.new("L", (max(row.width for row in rows), sum(row.height for row in rows)), PAPER)
    for k, row in enumerate(rows):
        page.paste(row, (0, k * row.height))
    return page


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--numbers", type=int, default=1000)
    parser.add_argument(
        "--only",
        choices=("choice", "legible", "one_pass", "one_hot", "boxes", "read_back", "gallery"),
    )
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--device", default="cpu")
    asked = parser.parse_args()
    pairs, digits = (load(name, asked.device) for name in ("pairs", "digits"))
    if asked.compile:
        pairs, digits = pairs.compile(), digits.compile()
    sections: dict[str, Callable[[], list[str]]] = {
        "choice": lambda: choice(pairs, asked.count // 10),
        "legible": lambda: legible(digits, asked.count // 10),
        "boxes": lambda: boxes(asked.count),
        "one_pass": lambda: one_pass(pairs, digits, asked.count),
        "one_hot": lambda: one_hot(load("report-pairs", asked.device), asked.count // 20),
        "read_back": lambda: read_back({"digits": digits, "pairs": pairs}, asked.numbers),
    }
    for name, make in sections.items():
        if asked.only in (None, name):
            replace(PAGE, name, make())
    if asked.only in (None, "gallery"):
        save_picture(gallery(pairs), DOCS / "pictures" / "numbers.png")


if __name__ == "__main__":
    main()
