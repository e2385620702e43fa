"""One file of one's own for each kind, installed as a package or run: inkseed is not touched."""

import sys

import pytest
import torch

import inkseed
from inkseed.cli import main
from inkseed.training.recipes import recipe_from

SAMPLER = """
from itertools import pairwise
from inkseed.samplers import Step, ddim_step, register

@register("mine", steps=3)
def mine(denoiser, schedule, x_T, label, times, noise):
    x = x_T
    for t, s in pairwise(times):
        x_0 = denoiser(x, t, label)
        x = ddim_step(schedule, x, x_0, t, s)
        yield Step(float(s), x, x_0)
"""
STRATEGY = """
from inkseed.noise import CHANGED, register

@register("mine", CHANGED)
def mine(task):
    return 0.9 * task.gaussian()
"""
SCHEDULE = """
import math
import torch
from inkseed.diffusion.schedule import Schedule
from inkseed.registry import SCHEDULES

@SCHEDULES.register("mine")
class Sine(Schedule):
    def __init__(self, most: float = 0.999) -> None:
        self.most = most

    def __call__(self, t):
        sigma = self.most * torch.sin(math.pi / 2 * t)
        return (1 - sigma**2).sqrt(), sigma

    def time_of(self, ratio):
        sigma = ratio / (1 + ratio**2).sqrt()
        return torch.asin((sigma / self.most).clamp(0, 1)) * 2 / math.pi
"""
PREDICTION = """
from inkseed.diffusion.denoiser import NetworkDenoiser
from inkseed.registry import PREDICTIONS

@PREDICTIONS.register("mine")
class Correction(NetworkDenoiser):
    '''What is to be added to x_t to have x_0.'''

    def x_0(self, x_t, t, condition, alpha, sigma):
        return x_t + self.predict(x_t, t, condition)

    def loss(self, x_0, eps, t, condition):
        alpha, sigma = self.scales(t, x_0)
        return (self(alpha * x_0 + sigma * eps, t, condition) - x_0).square().mean()
"""
SPACING = """
import torch
from inkseed.registry import SPACINGS

@SPACINGS.register("mine")
def cubic(schedule, steps):
    return (torch.arange(steps, -1, -1, dtype=torch.float64) / steps) ** 3
"""
NETWORK = """
from torch import nn
from inkseed.registry import NETWORKS

@NETWORKS.register("mine")
class Small(nn.Module):
    edges = frozenset()

    def __init__(self, in_channels, n_classes, width=4):
        super().__init__()
        self.in_channels, self.n_classes = in_channels, n_classes
        self.label = nn.Embedding(n_classes, width)
        self.into, self.out = nn.Conv2d(1, width, 3, padding=1), nn.Conv2d(width, 1, 3, padding=1)

    def forward(self, x, c, t, context_mask):
        told = self.label(c) * (1 - context_mask)[:, None]
        return self.out(self.into(x) + told[:, :, None, None])
"""
SOURCES = {
    "samplers": SAMPLER,
    "noise": STRATEGY,
    "schedules": SCHEDULE,
    "predictions": PREDICTION,
    "spacings": SPACING,
    "networks": NETWORK,
}
RECIPE = {
    "epochs": 1,
    "batch_size": 32,
    "learning_rate": 1e-3,
    "drop_prob": 0.1,
    "images": 64,
    "pictures": 1,
    "network": {"name": "mine", "width": 6},
    "schedule": {"name": "mine", "most": 0.99},
    "prediction": {"name": "mine"},
    "sampling": {"sampler": "mine", "spacing": "mine", "steps": 2},
}


@pytest.fixture
def installed(tmp_path, monkeypatch, forget):
    """A package for each kind, named by an entry point as `pip install` would."""
    modules = []
    for kind, source in SOURCES.items():
        (tmp_path / f"my_{kind}.py").write_text(source)
        modules.append(f"my_{kind}")
    told = tmp_path / "mine-1.0.dist-info"
    told.mkdir()
    (told / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n")
    points = [f"[inkseed.{kind}]\nmine = my_{kind}\n" for kind in SOURCES]
    (told / "entry_points.txt").write_text("\n".join(points))
    monkeypatch.syspath_prepend(tmp_path)
    yield
    for module in modules:
        sys.modules.pop(module, None)


def test_all_kinds_of_an_installed_package_train_and_draw(installed, tmp_path):
    recipe = recipe_from(RECIPE, "mine.toml")
    path = inkseed.train(recipe, "mine", tmp_path / "run")
    model = inkseed.load(path)
    assert model.network.label.embedding_dim == 6
    assert model.schedule.most == 0.99
    plain = model.sample([3, 4], seed=1)
    assert plain.nfe == 4  # two steps, guided
    smaller = model.sample([3, 4], seed=1, noise="mine")
    assert torch.equal(torch.as_tensor(smaller.noise), 0.9 * torch.as_tensor(plain.noise))


def test_help_names_an_installed_package(installed, capsys):
    with pytest.raises(SystemExit):
        main(["write", "--help"])
    words = " ".join(capsys.readouterr().out.split())
    assert "heun, mine; or a .py file" in words
    assert "of installed packages: mine; or a .py file" in words
    assert "my_samplers" not in sys.modules
