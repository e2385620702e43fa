"""What should a number recogniser learn from? python benchmarks/recogniser.py [--seeds 0 1 2]

One small CRNN with CTC learns to read numbers of 4 to 8 digits from equal counts of images in equal
steps: MNIST's digits (parts A and B) pasted at random, pasted by one writer each, our numbers, and
the last two together, half of each and all of both. All are set on lines and fitted by the same
code, so that only digits differ. Each is tested on the same numbers, composed of MNIST's test
digits by one unseen writer each; a number counts as wrong if any of its digits is. Nothing is
chosen by these figures: the last weights are taken. Sets and readings are kept in `--out`: a
stopped run goes on where it was, and `--only` does a part of it.
"""

import argparse
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor, nn

from inkseed.cli import mistakes_in_one_line
from inkseed.data import join, split_mnist
from inkseed.data.labelled import LabelledImages
from inkseed.evaluation.evaluation import held_out_digits
from inkseed.evaluation.intervals import DIFFERENCE, SHARE, Estimate, around
from inkseed.files import write_atomically
from inkseed.nn.device import find_device
from inkseed.pictures import PAPER, save_picture
from inkseed.sets.drawing import LineSetter
from inkseed.sets.fit import Fit
from inkseed.sets.labelled_number import LabelledNumber
from inkseed.sets.look import Look
from inkseed.writing.number import Part

SHORTEST, LONGEST = 4, 8
LOOK = Look(Fit(32, 128), dark=False)  # as `inkseed dataset --paper dark` makes them
BLANK = 10  # CTC's
BATCH = 128
RATE, DECAY = 2e-3, 1e-2
RESAMPLES = 1000
AT_ONCE = 100  # numbers that a process sets
SHOWN = 24  # misread numbers in the picture
ROWS = {  # name, and which sets it learns from: how many parts of each
    "pasted at random": {"random": 1.0},
    "pasted by one writer": {"writer": 1.0},
    "ours": {"ours": 1.0},
    "one writer and ours, half of each": {"writer": 0.5, "ours": 0.5},
    "one writer and ours, all of both": {"writer": 1.0, "ours": 1.0},
}
BASE = "pasted by one writer"
SETS = {"random": (1, False), "writer": (2, True)}  # seed, and whether one writer has all digits


class Numbers(NamedTuple):
    """Images (N, 32, 128), ink 255, what they say, and who wrote them (-1 for nobody or many)."""

    images: np.ndarray
    labels: np.ndarray
    writers: np.ndarray


class Recogniser(nn.Module):
    """A CRNN (Shi, Bai and Yao, arXiv 1507.05717), small: 32 columns of eleven classes."""

    def __init__(self) -> None:
        super().__init__()
        widths, pools = (1, 16, 32, 64, 96), ((2, 2), (2, 2), (2, 1), (2, 1))
        layers: list[nn.Module] = []
        for before, after, pool in zip(widths[:-1], widths[1:], pools, strict=True):
            layers += [nn.Conv2d(before, after, 3, padding=1, bias=False), nn.BatchNorm2d(after)]
            layers += [nn.ReLU(), nn.MaxPool2d(pool)]
        self.columns = nn.Sequential(*layers)
        self.context = nn.LSTM(2 * widths[-1], 96, bidirectional=True, batch_first=True)
        self.read = nn.Linear(192, BLANK + 1)

    def forward(self, images: Tensor) -> Tensor:
        """uint8 (N, 32, 128) -> log probabilities (N, 32, 11)."""
        found = self.columns(images[:, None].float() / 255)
        found, _ = self.context(found.flatten(1, 2).transpose(1, 2))
        return self.read(found).log_softmax(2)


def pasted(
    digits: LabelledImages, count: int, seed: int, one_writer: bool, look: Look = LOOK
) -> Iterator[tuple[LabelledNumber, int]]:
    """Numbers of these digits and their writers: one each, who has all digits, or any, told as -1.

    They are set on lines and finished as our own are, by all processors.
    """
    chosen = list(_choices(digits, count, seed, one_writer))
    images = [digits.images[rows] for _, rows, _ in chosen]
    said = ["".join(map(str, label)) for label, _, _ in chosen]
    with ProcessPoolExecutor() as pool:
        numbers = pool.map(
            partial(_set_one, look, seed), range(count), said, images, chunksize=AT_ONCE
        )
        yield from zip(numbers, (writer for *_, writer in chosen), strict=True)


def _choices(
    digits: LabelledImages, count: int, seed: int, one_writer: bool
) -> Iterator[tuple[np.ndarray, np.ndarray, int]]:
    """What each number says, which digits it is made of, and their writer."""
    rng = np.random.default_rng(seed)
    assert digits.writers is not None
    names, writer = np.unique(digits.writers, return_inverse=True)
    owner = writer if one_writer else np.zeros(len(digits), int)
    of = owner * 10 + digits.labels
    order, sizes = np.argsort(of, kind="stable"), np.bincount(of, minlength=10 * (owner.max() + 1))
    first, has = sizes.cumsum() - sizes, sizes.reshape(-1, 10)
    for _ in range(count):
        label = rng.integers(0, 10, rng.integers(SHORTEST, LONGEST + 1))
        able = np.flatnonzero((has >= np.bincount(label, minlength=10)).all(1))
        who = int(rng.choice(able))
        groups = who * 10 + label
        chosen = np.empty(len(label), int)
        for group in np.unique(groups):  # "77" is two sevens, not the same one twice
            places = groups == group
            chosen[places] = first[group] + rng.choice(sizes[group], places.sum(), replace=False)
        yield label, order[chosen], int(names[who]) if one_writer else -1


def _set_one(look: Look, seed: int, k: int, said: str, images: np.ndarray) -> LabelledNumber:
    """Number k, of these digits."""
    setter = LineSetter(look, seed, range(k, k + 1), [said], [[Part(each, 1) for each in said]])
    (number,) = setter.numbers(images)
    return number


def compose(digits: LabelledImages, count: int, seed: int, one_writer: bool) -> Numbers:
    """Pasted numbers as arrays."""
    found, writers = zip(*pasted(digits, count, seed, one_writer), strict=True)
    images, labels = [each.image for each in found], [each.label for each in found]
    return Numbers(np.stack(images), np.array(labels), np.array(writers))


def kept(path: Path, make: Callable[[], Numbers]) -> Numbers:
    """A set from its file, or made and kept there."""
    if not path.exists():
        made = make()
        write_atomically(path, lambda opened: np.savez_compressed(opened, **made._asdict()))
    with np.load(path, allow_pickle=False) as arrays:
        return Numbers(*(arrays[name] for name in Numbers._fields))


def ours(out: Path, count: int, options: list[str]) -> Numbers:
    """Numbers that `inkseed dataset` draws, which goes on with what is there."""
    command = [sys.executable, "-m", "inkseed", "dataset", f"digits:{SHORTEST}-{LONGEST}"]
    command += ["--count", str(count), "--out", str(out), "--format", "npz", "--paper", "dark"]
    subprocess.run([*command, *options], check=True)
    with np.load(out / "train" / "numbers.npz", allow_pickle=False) as arrays:
        return Numbers(arrays["images"], arrays["labels"], np.full(count, -1))


def mixed(numbers: Callable[[str], Numbers], shares: dict[str, float]) -> Numbers:
    """Parts of several sets as one."""
    sets = [(numbers(name), share) for name, share in shares.items()]
    parts = [[each[: round(share * len(each))] for each in arrays] for arrays, share in sets]
    return Numbers(*map(np.concatenate, zip(*parts, strict=True)))


def train(numbers: Numbers, steps: int, seed: int, device: torch.device) -> Recogniser:
    """A recogniser after so many steps."""
    torch.manual_seed(seed)
    network = Recogniser().to(device)
    optimizer = torch.optim.AdamW(network.parameters(), RATE, weight_decay=DECAY)
    course = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps)
    loss = nn.CTCLoss(blank=BLANK)
    images = torch.from_numpy(numbers.images)
    targets = torch.zeros(len(images), LONGEST, dtype=torch.long)
    lengths = torch.tensor([len(label) for label in numbers.labels.tolist()])
    for k, label in enumerate(numbers.labels.tolist()):
        targets[k, : len(label)] = torch.tensor(list(map(int, label)))
    order = torch.empty(0, dtype=torch.long)
    network.train()
    for _ in range(steps):
        if len(order) < BATCH:
            order = torch.cat((order, torch.randperm(len(images))))
        rows, order = order[:BATCH], order[BATCH:]
        found = network(images[rows].to(device)).transpose(0, 1)
        columns = torch.full((len(rows),), len(found))
        value = loss(found, targets[rows].to(device), columns, lengths[rows])
        optimizer.zero_grad()
        value.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimizer.step()
        course.step()
    return network.eval()


@torch.no_grad()
def read(network: Recogniser, images: np.ndarray, device: torch.device) -> np.ndarray:
    """What the recogniser reads: each column's likeliest class, without repeats and blanks."""
    found: list[str] = []
    for part in torch.from_numpy(images).split(512):
        for row in network(part.to(device)).argmax(2).cpu().tolist():
            changed = [a for a, b in zip(row, [None, *row], strict=False) if a != b]
            found.append("".join(str(each) for each in changed if each != BLANK))
    return np.array(found)


def estimates(wrong: dict[str, np.ndarray], writers: np.ndarray) -> dict[str, tuple[Estimate, ...]]:
    """Each row's error, and how much more that is than BASE's, with bootstrap intervals.

    `wrong` are bool (seeds, N). Writers are resampled, since one writer's numbers are alike, and so
    are seeds.
    """
    rng = np.random.default_rng(0)
    names, owner = np.unique(writers, return_inverse=True)
    totals = np.bincount(owner)
    sums = {
        name: np.stack([np.bincount(owner, each, len(names)) for each in values])
        for name, values in wrong.items()
    }
    seeds = len(next(iter(wrong.values())))
    replicates: dict[str, list[float]] = {name: [] for name in wrong}
    for _ in range(RESAMPLES):
        counts = np.bincount(rng.integers(0, len(names), len(names)), minlength=len(names))
        own = rng.integers(0, seeds, seeds)
        for name, each in sums.items():
            replicates[name].append(float((each[own].mean(0) @ counts) / (totals @ counts)))
    found = {}
    for name, values in wrong.items():
        more = float(values.mean() - wrong[BASE].mean())
        differences = np.subtract(replicates[name], replicates[BASE])
        found[name] = (
            around(float(values.mean()), replicates[name], SHARE),
            around(more, differences, DIFFERENCE),
        )
    return found


def table(wrong: dict[str, np.ndarray], writers: np.ndarray) -> list[str]:
    """Errors as Markdown, in percent of all numbers."""
    lines = [f"| learns from | wrong, % | more than {BASE} | each seed |", "| --- " * 4 + "|"]
    for name, (error, more) in estimates(wrong, writers).items():
        cells = [
            f"{100 * e.value:.2f} ({100 * e.low:.2f} to {100 * e.high:.2f})" for e in (error, more)
        ]
        if name == BASE:
            cells[1] = ""
        each = ", ".join(f"{100 * share:.2f}" for share in wrong[name].mean(1))
        lines.append(f"| {name} | {' | '.join(cells)} | {each} |")
    return lines


def draw_errors(test: Numbers, readings: dict[str, np.ndarray], path: Path) -> None:
    """The numbers that most rows misread, each with its label and what every row reads."""
    wrong = np.sum([reading != test.labels for reading in readings.values()], 0)
    worst = [k for k in np.argsort(-wrong, kind="stable")[:SHOWN].tolist() if wrong[k]]
    height, width = 32 + 14 * (len(readings) + 1) + 8, 320
    columns = 3
    sheet = Image.new("L", (columns * width, max(1, -(-len(worst) // columns)) * height), PAPER)
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=11)
    for place, k in enumerate(worst):
        x, y = place % columns * width + 4, place // columns * height + 4
        sheet.paste(Image.fromarray(PAPER - test.images[k]), (x, y))
        pen.text((x, y + 32), f"{test.labels[k]}, by writer {test.writers[k]}", fill=0, font=font)
        for j, (name, reading) in enumerate(readings.items(), start=1):
            said = "right" if reading[k] == test.labels[k] else reading[k] or "nothing"
            pen.text((x, y + 32 + 14 * j), f"{name}: {said}", fill=96, font=font)
    save_picture(sheet, path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("runs/recogniser"))
    parser.add_argument("--count", type=int, default=50_000, help="numbers to learn from")
    parser.add_argument("--tests", type=int, default=10_000, help="numbers to test on")
    parser.add_argument("--steps", type=int, default=3000, help=f"of {BATCH} images")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--only", default="", help="a row, or those with this in their names")
    parser.add_argument("--options", default="", help="more options for inkseed dataset")
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    device, parts = find_device(asked.device), split_mnist()
    known = join([parts.part_a, parts.part_b])
    place = asked.out / f"{asked.count}"

    @cache
    def numbers(name: str) -> Numbers:
        """One of the sets that rows learn from."""
        if name == "ours":
            return ours(Path(f"{place}-ours"), asked.count, shlex.split(asked.options))
        seed, one_writer = SETS[name]
        path = Path(f"{place}-{name}.npz")
        return kept(path, lambda: compose(known, asked.count, seed, one_writer))

    test = kept(
        asked.out / f"test-{asked.tests}.npz",
        lambda: compose(held_out_digits(final=True), asked.tests, 3, True),
    )
    wrong, readings = {}, {}
    for name, shares in ROWS.items():
        if asked.only != name and (asked.only in ROWS or asked.only not in name):
            continue
        found = []
        for seed in asked.seeds:
            path = asked.out / f"{name}-{asked.count}-{asked.steps}-{asked.tests}-{seed}.npy"
            if not path.exists():
                network = train(mixed(numbers, shares), asked.steps, seed, device)
                said = read(network, test.images, device)
                write_atomically(path, lambda opened, said=said: np.save(opened, said))
            found.append(np.load(path, allow_pickle=False))
            print(
                f"{name}, seed {seed}: {100 * np.mean(found[-1] != test.labels):.2f} % wrong",
                flush=True,
            )
        wrong[name], readings[name] = np.stack(found) != test.labels, found[0]
    if BASE in wrong:
        print()
        print("\n".join(table(wrong, test.writers)))
        draw_errors(test, readings, asked.out / "errors.png")


if __name__ == "__main__":
    with mistakes_in_one_line():
        main()
