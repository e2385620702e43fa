"""How well hands are told apart: python scripts/hands.py

On the digits of validation's 91 writers, whom no network here has seen: the writer judge beside a
linear discriminant on slant and thickness, two-digit images made both ways, and digits drawn by
`--model` in those writers' hands. Puts the tables `hands` and `pairs_hands` into
docs/evaluation.md, `in_hands` into docs/hands.md. Two minutes on one thread, and ten for
`in_hands`.
"""

import argparse

import numpy as np
from pages import DOCS, machine, replace

from inkseed import say
from inkseed.data import LabelledImages, split_mnist
from inkseed.data.pairs import Hands, Layout, compose_pairs
from inkseed.data.style import measure_style
from inkseed.evaluation.hands import ROUNDS, auc_of_writers, hand_auc, two_sets
from inkseed.evaluation.intervals import Estimate
from inkseed.judges.hands import WriterJudge, alike
from inkseed.model.loading import load
from inkseed.model.model import Model

EVALUATION = DOCS / "evaluation.md"
DIGITS = (1, 5, 10)
SEED = 0
DRAWN_ROUNDS = 2  # of sets that are drawn
PAIRS = 4_550  # 50 for each writer


def style_of_sets(source: LabelledImages, sets: np.ndarray) -> np.ndarray:
    """The mean slant and thickness of sets of digits: (rounds, 2, W, 2)."""
    return np.stack(measure_style(source.images), 1)[sets].mean(-2)


def differences(style: np.ndarray) -> np.ndarray:
    """How far apart every two sets are in both styles: (rounds, W, W, 2)."""
    found: np.ndarray = np.abs(style[:, 0, :, None] - style[:, 1, None])
    return found


def discriminant(style: np.ndarray) -> np.ndarray:
    """Fisher's linear discriminant on the differences, learned on other writers' sets: (2,)."""
    found = differences(style)
    same = np.eye(found.shape[1], dtype=bool)
    own, strange = found[:, same].reshape(-1, 2), found[:, ~same].reshape(-1, 2)
    weights: np.ndarray = np.linalg.solve(
        np.cov(own.T) + np.cov(strange.T), own.mean(0) - strange.mean(0)
    )
    return weights


def shown(found: Estimate) -> str:
    """An area with its interval."""
    return f"{found.value:.3f} ({found.low:.3f} to {found.high:.3f})"


def real(judge: WriterJudge) -> list[str]:
    """The rows of real digits, a column for each size of set."""
    split = split_mnist()
    codes = judge.codes(split.validation.images)
    by_judge, by_style = [], []
    for digits in DIGITS:
        sets = two_sets(split.validation.writers, digits, SEED)
        first, second = codes[sets].unbind(1)
        by_judge.append(shown(hand_auc(first, second)))
        weights = discriminant(
            style_of_sets(split.part_b, two_sets(split.part_b.writers, digits, SEED))
        )
        likeness = differences(style_of_sets(split.validation, sets)) @ weights
        by_style.append(shown(auc_of_writers(likeness)))
    heads = "".join(f" {digits} against {digits} |" for digits in DIGITS)
    return [
        f"| told apart by |{heads}",
        "| --- |" + " --- |" * len(DIGITS),
        f"| slant and thickness | {' | '.join(by_style)} |",
        f"| the writer judge | {' | '.join(by_judge)} |",
    ]


def pairs(judge: WriterJudge) -> list[str]:
    """How alike the two digits of a pair are, against the digits of two pairs."""
    validation = split_mnist().validation
    codes, lines = judge.codes(validation.images), ["| pairs made by | AUC |", "| --- | --- |"]
    labels = np.random.default_rng(SEED).integers(0, 100, PAIRS)
    for match in ("style", "writer"):
        made = compose_pairs(Hands(validation), labels, SEED, layout=Layout(match=match))
        sides = codes[made.parts].view(-1, 91, 2, 1, codes.shape[1]).unbind(2)
        lines.append(f"| {match} | {shown(auc_of_writers(alike(*sides).double().numpy()))} |")
    return lines


def in_hands(judge: WriterJudge, model: Model, guide_w: float | None) -> list[str]:
    """Digits drawn in the hands of writers that the model never saw, a row for each way."""
    validation = split_mnist().validation
    style = dict(zip(("slant", "thickness"), measure_style(validation.images), strict=True))
    codes, rows = judge.codes(validation.images), {}
    for digits in (5, 10):
        sets = two_sets(validation.writers, digits, SEED, DRAWN_ROUNDS)
        given, others = sets[:, 0].reshape(-1, digits), codes[sets[:, 1]]
        means = {name: each[given].mean(1).repeat(digits) for name, each in style.items()}
        hands = [model.hand_of(validation.images[each]) for each in given]
        each_hand = [hand for hand in hands for _ in range(digits)]
        rng = np.random.default_rng(SEED)
        labels = np.concatenate([rng.permutation(10)[:digits] for _ in given])
        ways: dict[str, dict[str, object]] = {
            "nothing": {},
            "their mean slant and thickness": means,
            "the hand": {"hand": each_hand},
            "all three": {"hand": each_hand, **means},
        }
        for way, asked in ways.items():
            images = model.sample(labels, SEED, guide_w, batch_size=250, **asked).images
            area = hand_auc(judge.codes(images).view(*sets[:, 0].shape, -1), others)
            rows.setdefault(way, []).append((area, images))
        rows.setdefault("real digits", []).append(
            (hand_auc(codes[sets[:, 0]], others), validation.images[given.ravel()])
        )
    lines = [
        "| asked for | 5 against 5 | 10 against 10 | slant within a hand | thickness |",
        "| --- | --- | --- | --- | --- |",
    ]
    for way, ((five, _), (ten, images)) in rows.items():
        slant, thickness = (each.reshape(-1, 10).std(1).mean() for each in measure_style(images))
        spread = f"{slant:.1f} degrees | {thickness:.2f} px"
        lines.append(f"| {way} | {shown(five)} | {shown(ten)} | {spread} |")
    return lines


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=("hands", "pairs_hands", "in_hands"))
    parser.add_argument("--model", choices=("digits", "digits-fast"), default="digits")
    parser.add_argument("--guide-w", type=float, help="print in_hands at this, in place of writing")
    parser.add_argument("--device", default="cpu", help="where digits are drawn")
    asked = parser.parse_args()
    only = asked.only
    writer_judge = WriterJudge()
    sha = f"writer judge `{writer_judge.sha256[:12]}`; {machine(asked.device)}."
    if only in (None, "hands"):
        facts = f"validation, 91 writers, {ROUNDS} rounds of sets, intervals over writers; {sha}"
        replace(EVALUATION, "hands", [*real(writer_judge), "", facts])
    if only in (None, "pairs_hands"):
        facts = f"{PAIRS:,} pairs of validation's digits, one digit against one; {sha}"
        replace(EVALUATION, "pairs_hands", [*pairs(writer_judge), "", facts])
    if only in (None, "in_hands"):
        facts = f"91 writers, {DRAWN_ROUNDS} rounds of sets, intervals over writers; {sha}"
        lines = in_hands(writer_judge, load(asked.model, asked.device), asked.guide_w)
        if asked.guide_w is None:
            replace(DOCS / "hands.md", f"in_hands {asked.model}", [*lines, "", facts])
        else:
            say.out(*lines, "", facts)
