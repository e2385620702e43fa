"""Conditional diffusion from data to digits in one file: python examples/minimal.py

Trains a small network on MNIST's training digits for a few minutes and writes digits.png: a row for
each of the labels 0 to 9. Needs torch, numpy and pillow; nothing is imported from inkseed. Every
idea here has a room of its own in src/inkseed, where it is done with care.
"""

import argparse
import gzip
import math
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn

HERE = Path(__file__).resolve().parent
MNIST = HERE.parent / "src" / "inkseed" / "data" / "files"
NULL = 10  # the label that means "no label"


# 1. Data: 60,000 images of 28x28 with their labels, as tensors in [-1, 1].
def read_idx(path, header):
    return np.frombuffer(gzip.decompress(path.read_bytes()), np.uint8, offset=header)


def load_mnist():
    images = read_idx(MNIST / "train-images-idx3-ubyte.gz", 16).reshape(-1, 1, 28, 28)
    labels = read_idx(MNIST / "train-labels-idx1-ubyte.gz", 8)
    x = torch.from_numpy(images.copy()).float() / 127.5 - 1
    return x, torch.from_numpy(labels.copy()).long()


# 2. Noise: x_t = alpha(t) x_0 + sigma(t) eps. At t = 0 all is image, at t = 1 all is noise.
def schedule(t):
    return torch.cos(t * math.pi / 2), torch.sin(t * math.pi / 2)


# 3. Network: a small U-Net that is told the time and the label, and guesses v (below).
class Block(nn.Module):
    """Two convolutions and a residual; between them the condition scales and shifts."""

    def __init__(self, c_in, c_out, c_condition):
        super().__init__()
        self.first = nn.Conv2d(c_in, c_out, 3, padding=1)
        self.norm = nn.GroupNorm(8, c_out)
        self.condition = nn.Linear(c_condition, 2 * c_out)
        self.second = nn.Conv2d(c_out, c_out, 3, padding=1)
        self.skip = nn.Conv2d(c_in, c_out, 1)

    def forward(self, x, condition):
        scale, shift = self.condition(condition)[:, :, None, None].chunk(2, 1)
        h = self.norm(self.first(x)) * (1 + scale) + shift
        return self.skip(x) + self.second(nn.functional.silu(h))


class Network(nn.Module):
    def __init__(self, width=32):
        super().__init__()
        c = 4 * width  # size of the condition
        self.label = nn.Embedding(11, c)
        self.time = nn.Sequential(nn.Linear(32, c), nn.SiLU(), nn.Linear(c, c))
        self.enter = nn.Conv2d(4, width, 3, padding=1)  # 28x28 pixels as 14x14 patches of 4
        self.down = Block(width, width, c)
        self.deep = nn.ModuleList([Block(width, 2 * width, c), Block(2 * width, 2 * width, c)])
        self.up = Block(3 * width, width, c)
        self.leave = nn.Conv2d(width, 4, 3, padding=1)

    def forward(self, x, t, label):
        waves = t[:, None] * torch.logspace(0, 2, 16)  # the time at 16 pitches
        condition = self.time(torch.cat([waves.sin(), waves.cos()], 1)) + self.label(label)
        condition = nn.functional.silu(condition)
        h = self.enter(nn.functional.pixel_unshuffle(x, 2))
        high = self.down(h, condition)
        low = nn.functional.avg_pool2d(high, 2)  # 7x7
        for block in self.deep:
            low = block(low, condition)
        h = torch.cat([high, nn.functional.interpolate(low, scale_factor=2)], 1)
        return nn.functional.pixel_shuffle(self.leave(self.up(h, condition)), 2)


# 4. Training: noise an image, guess v = alpha eps - sigma x_0, and be corrected. One label in ten
# is hidden, so that the network also learns what digits look like when nobody says which.
def train(network, x, labels, steps, batch, generator):
    optimizer = torch.optim.AdamW(network.parameters(), 2e-3)
    rate = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total_steps=steps)
    for step in range(steps):
        chosen = torch.randint(len(x), (batch,), generator=generator)
        x_0, label = x[chosen], labels[chosen].clone()
        label[torch.rand(batch, generator=generator) < 0.1] = NULL
        t = torch.rand(batch, generator=generator)
        eps = torch.randn(x_0.shape, generator=generator)
        alpha, sigma = (scale[:, None, None, None] for scale in schedule(t))
        v = network(alpha * x_0 + sigma * eps, t, label)
        loss = (v - (alpha * eps - sigma * x_0)).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        rate.step()
        if step % 100 == 0 or step == steps - 1:
            print(f"step {step:5d} of {steps}   loss {loss.item():.4f}", flush=True)


# 5. Guidance: go further from the guess without the label, towards the guess with it.
def guided(network, x_t, t, label, w):
    v = network(x_t, t, label)
    return v if w == 0 else (1 + w) * v - w * network(x_t, t, torch.full_like(label, NULL))


# 6. Sampling: start from noise; guess the image and the noise; mix them again with less noise.
@torch.no_grad()
def sample(network, label, w, steps, generator):
    x = torch.randn(len(label), 1, 28, 28, generator=generator)
    times = torch.linspace(1, 0, steps + 1)
    for now, after in pairwise(times):
        alpha, sigma = schedule(now)
        v = guided(network, x, now.expand(len(x)), label, w)
        x_0, eps = alpha * x - sigma * v, sigma * x + alpha * v
        alpha, sigma = schedule(after)
        x = alpha * x_0 + sigma * eps  # DDIM
    return x


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=1500, help="training steps")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--guide-w", type=float, default=1.0)
    parser.add_argument("--out", type=Path, default=Path("digits.png"))
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()

    torch.manual_seed(asked.seed)  # for the network's first weights
    generator = torch.Generator().manual_seed(asked.seed)
    network = Network()
    train(network, *load_mnist(), asked.steps, asked.batch, generator)
    digits = sample(network, torch.arange(100) // 10, asked.guide_w, 30, generator)
    rows = digits.clamp(-1, 1).reshape(10, 10, 28, 28).permute(0, 2, 1, 3).reshape(280, 280)
    Image.fromarray(((1 - rows) * 127.5).byte().numpy()).resize((840, 840)).save(asked.out)
    print(asked.out)
