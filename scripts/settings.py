"""Measure what settings do to the same digits: python scripts/settings.py [--only precision]

Makes two tables of docs/samplers.md with the bundled `digits`: by how many grey levels pixels of
the same seed move where precision, batches, threads or torch.compile differ; and what ancestral
steps are worth where the variance explodes, by judge A, on validation digits. A quarter of an
hour on two slow cores.
"""

import argparse
from itertools import pairwise

import numpy as np
import torch
from digits import distance
from pages import DOCS, replace

from inkseed import say
from inkseed.data.least_ink import believed, possible_digits
from inkseed.data.split import split_mnist
from inkseed.evaluation.sets import natural_labels
from inkseed.judges import JudgeA
from inkseed.model.loading import load
from inkseed.model.model import Samples
from inkseed.nn.precision import PRECISIONS
from inkseed.samplers import Step, posterior

PAGE = DOCS / "samplers.md"
COUNT, SEED = 200, 3
STEPS = (10, 20, 50, 100)
VISIBLE, PLAIN = 8, 32  # grey levels of 255


def moved(one: Samples, other: Samples) -> str:
    """How far the pixels of two sets lie apart: images beyond each threshold, and the most."""
    most = abs(one.images.astype(int) - other.images).max((1, 2))
    return f"{(most > VISIBLE).mean():.1%} | {(most > PLAIN).mean():.1%} | {most.max()}"


def precision() -> list[str]:
    """One row a change, in either precision, against batches of 64 on one thread."""
    model, compiled = load("digits"), load("digits").compile()
    labels = [k % 10 for k in range(COUNT)]
    lines = [f"| instead of batches of 64 on one thread | precision | beyond {VISIBLE} | beyond"]
    lines[0] += f" {PLAIN} | most |"
    lines.append("| --- " * 5 + "|")
    torch.set_num_threads(1)
    plain = {each: model.sample(labels, SEED, precision=each) for each in PRECISIONS}
    for name, own in plain.items():
        others = {"batches of 7": model.sample(labels, SEED, precision=name, batch_size=7)}
        others["torch.compile"] = compiled.sample(labels, SEED, precision=name)
        torch.set_num_threads(2)
        others["two threads"] = model.sample(labels, SEED, precision=name)
        torch.set_num_threads(1)
        lines += [f"| {words} | {name} | {moved(own, other)} |" for words, other in others.items()]
    lines.append(f"| the other precision | float32 | {moved(*plain.values())} |")
    return [*lines, "", f"Images, and grey levels of 255. N = {COUNT}, seed {SEED}."]


def larger(denoiser, schedule, x_T, condition, times, noise):
    """Ancestral steps with DDPM's larger variance, which `ancestral` does not take here."""
    x = x_T
    for t, s in pairwise(times):
        x_0 = denoiser(x, t, condition)
        mean, deviation = posterior(schedule, x, x_0, t, s)
        x = mean + deviation * noise() if s > 0 else mean
        yield Step(float(s), x, x_0)


def exploding() -> list[str]:
    """One row a number of steps: judge A's accuracy and distance by either variance."""
    model, judge = load("digits"), JudgeA()
    reference = judge.probabilities(split_mnist().validation.images)
    labels = natural_labels(COUNT).tolist()
    lines = ["| steps | evaluations | eta 1: judge A | distance | beta_t: judge A | distance |"]
    lines.append("| --- " * 6 + "|")
    for steps in STEPS:
        cells = [str(steps)]
        for sampler in ("ancestral", larger):
            drawn = model.sample(labels, SEED, sampler=sampler, steps=steps, spacing="uniform")
            read = judge.probabilities(drawn.images)
            digits = believed(read.argmax(1).numpy(), possible_digits(drawn.images))
            right = float((digits == np.array(labels)).mean())
            cells += [str(drawn.nfe)] if len(cells) == 1 else []
            cells += [f"{right:.1%}", f"{distance(read, reference):.2f}"]
        say.out(cells)
        lines.append(f"| {' | '.join(cells)} |")
    return [*lines, "", f"`digits` at its own guidance, uniform steps. N = {COUNT}, seed {SEED}."]


if __name__ == "__main__":
    tables = {"precision": precision, "exploding": exploding}
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=sorted(tables), help="one table alone")
    asked = parser.parse_args()
    for name, made in tables.items():
        if asked.only in (None, name):
            replace(PAGE, name, made())
