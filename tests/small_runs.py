"""Two recipes that train in a second, the report's kind and ours; what tests ask of a run."""

import csv
from pathlib import Path

import torch

from inkseed.checkpoint import load_tensors

REPORTS = """
drop_prob = 0.1
epochs = {epochs}
batch_size = 64
learning_rate = 1e-3
images = 200
pictures = 3
[network]
n_feat = 8
[schedule]
name = "linear_betas"
betas = [1e-3, 0.3]
n_T = 10
[prediction]
name = "eps"
"""
OURS = """
data = "mnist_parts_a_b"
styles = true
drop_prob = 0.1
epochs = {epochs}
batch_size = 32
optimizer = "muon"
learning_rate = 1e-3
warm_up = 3
decay_start = 0.5
weight_decay = 0.01
max_grad_norm = 1.0
images = 200
pictures = 2
ema = [0.5, 0.9]
[network]
name = "patch_unet"
widths = [16, 64]
[schedule]
name = "variance_exploding"
sigma_max = 20.0
sigma_min = 0.02
[prediction]
name = "edm"
[sampling]
sampler = "ddim"
steps = 3
"""


def same(one: Path, other: Path) -> bool:
    a, b = load_tensors(one)[0], load_tensors(other)[0]
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


def rows_of(out: Path) -> list[dict[str, str]]:
    with (out / "loss.csv").open() as log:
        return list(csv.DictReader(log))
