"""Measure a bundled model at the default settings, for `inkseed models`.

python tools/measure.py report [--count 1000] [--compile]

Draws `count` images in MNIST's own mix of digits from seed 0, measures them with floors on the test
digits (the figures are final: nothing is chosen by them) and keeps them beside the weights.
"""

import argparse

from rich.console import Console

from inkseed.catalogue import record_quality
from inkseed.data.labelled import LabelledImages
from inkseed.evaluate import EvaluatedSet, evaluate
from inkseed.evaluate.sets import natural_labels
from inkseed.evaluate.table import print_evaluation
from inkseed.model import load

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("name")
parser.add_argument("--count", type=int, default=1000)
parser.add_argument("--compile", action="store_true")
asked = parser.parse_args()

model = load(asked.name)
if asked.compile:
    model.compile()
how = model.settings()
drawn = model.sample(natural_labels(asked.count))
source = LabelledImages(drawn.images, drawn.labels, model.class_names)
found = evaluate([EvaluatedSet(source, how.guide_w)], final=True)
print_evaluation(found, Console())
sampling = {
    "sampler": how.sampler,
    "steps": how.steps,
    "guide_w": how.guide_w,
    "guide_interval": list(how.guide_interval),
    "nfe": drawn.nfe,
    "seed": 0,
}
measured = found.as_json()
kept = {name: measured[name] for name in ("n", "floor", "judge", "metrics")}
print(record_quality(asked.name, {"sampling": sampling, **kept}))
