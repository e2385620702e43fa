"""Measure a bundled model at the default settings, for `inkseed models`.

python scripts/measure.py report [--count 1000] [--compile]

Draws `count` images in MNIST's own mix of digits (of 00 to 99: all equally often) from seed 0,
measures them with baselines on the test digits, or on pairs made of them (the figures are final:
nothing is chosen by them), and keeps them beside the weights. `--drawn` takes the same digits from
a file, as a GPU drew them, in bfloat16.
"""

import argparse
from pathlib import Path

import numpy as np

from inkseed import say
from inkseed.cli import mistakes_in_one_line
from inkseed.console import Console
from inkseed.data.labelled import LabelledImages
from inkseed.data.pairs import PAIRS, Hands, compose_pairs
from inkseed.evaluation import EvaluatedSet, evaluate
from inkseed.evaluation.evaluation import held_out_digits
from inkseed.evaluation.metrics import Metric
from inkseed.evaluation.pairs import measure_pairs
from inkseed.evaluation.sets import natural_labels, read_sets
from inkseed.evaluation.table import print_evaluation
from inkseed.model.catalogue import record_quality
from inkseed.model.loading import load
from inkseed.nn.precision import BFLOAT16


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--drawn", type=Path, help="an .npz of digits instead")
    asked = parser.parse_args()
    if asked.count < 1:
        parser.error("--count must be 1 or more")

    model = load(asked.name, asked.device)
    if asked.compile:
        model.compile()
    how = model.settings(precision=None if asked.drawn is None else BFLOAT16)
    sampling = {**how.facts(), "guide_w": how.guide_w, "seed": 0}
    evaluated = None
    if model.class_names == PAIRS:
        labels = np.arange(asked.count) % len(PAIRS)
        drawn = model.sample(labels)
        test = compose_pairs(Hands(held_out_digits(final=True)), labels, 0, model.image_size)
        found, baseline = (measure_pairs(each.images, labels) for each in (drawn, test.source))
        metrics = {
            name: Metric(*getattr(found, name), *getattr(baseline, name))._asdict()
            for name in found._fields
        }
        kept = {"n": len(labels), "baseline": "test", "metrics": metrics}
    else:
        labels = natural_labels(asked.count)
        if asked.drawn is None:
            source = LabelledImages(model.sample(labels).images, labels, model.class_names)
        else:
            source = read_sets(asked.drawn)[0].source
            if not np.array_equal(source.labels, labels):
                parser.error(f"{asked.drawn} does not hold these {asked.count} labels")
        evaluated = evaluate([EvaluatedSet(source, how.guide_w)], final=True)
        measured = evaluated.as_json()
        kept = {name: measured[name] for name in ("n", "baseline", "judge", "metrics")}
    sampling["nfe"] = model.cost()
    path = record_quality(asked.name, {"sampling": sampling, **kept})
    if evaluated is None:
        say.out(*(f"{name} {metric}" for name, metric in kept["metrics"].items()))
    else:
        print_evaluation(evaluated, Console())
    say.out(path)


if __name__ == "__main__":
    with mistakes_in_one_line():
        main()
