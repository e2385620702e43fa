"""What the notebooks share: how much to compute, a mixture with a known answer, digits, checks.

Set LEARN=small in the environment to run every notebook in seconds, with worse pictures.
"""

import math
import os
from functools import cache

import torch
from checks import CHECKS

import inkseed
from inkseed.data import load_mnist, to_tensor
from inkseed.diffusion.condition import Condition
from inkseed.diffusion.schedule import LinearBetas

SMALL = os.environ.get("LEARN") == "small"
REPORT = LinearBetas((1e-4, 0.02), 400)  # the report's schedule


def amount(full, small):
    """How many images, steps or points: `small` where the notebooks are only to be tried."""
    return small if SMALL else full


def noise(*shape, seed=0):
    """Unit Gaussian noise, the same for the same seed."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def check(exercise, answer):
    """Say whether an answer to an exercise is right or, if not, what is off."""
    try:
        wrong = CHECKS[exercise](answer)
    except Exception as error:  # a student's own code may fail in any way
        wrong = f"it stops with {type(error).__name__}: {error}"
    print(f"{exercise}: " + (f"not yet. {wrong}" if wrong else "right."))


@cache
def model():
    """The bundled model `digits`."""
    return inkseed.load("digits")


@cache
def real_digits():
    """MNIST's training digits: images (60000, 1, 28, 28) in [-1, 1], and labels (60000,)."""
    mnist = load_mnist(train=True)
    return to_tensor(mnist.images), torch.from_numpy(mnist.labels)


@cache
def each_digit():
    """One real digit of each label 0 to 9, (10, 1, 28, 28)."""
    images, labels = real_digits()
    return torch.stack([images[(labels == digit).nonzero()[3, 0]] for digit in range(10)])


def digits_on(schedule):
    """The network of `digits` as a denoiser (x_t, t, label) -> D on another schedule than its own.

    It was trained with alpha = 1. But x_t / alpha = x_0 + (sigma / alpha) eps is such an image, so
    any x_t can be shown to it, at the time at which its own sigma is sigma / alpha.
    A label of -1 is left free.
    """
    own = model()

    @torch.no_grad()
    def guess(x_t, t, condition):
        alpha, sigma = schedule.level(float(torch.as_tensor(t).flatten()[0]))
        t_own = own.schedule.time_of(torch.tensor(sigma / alpha, dtype=torch.float64))
        return own.denoiser((x_t / alpha).float(), t_own, condition)

    return guess


class Mixture:
    """Points in the plane from K Gaussians: all that a diffusion model learns, in closed form.

    A point's label is the Gaussian that it came from: x_0 ~ N(m_c, s_c^2 I). Tensors are float64.
    """

    def __init__(self, means, deviations, shares=None):
        self.means = torch.tensor(means, dtype=torch.float64)  # (K, 2)
        self.deviations = torch.tensor(deviations, dtype=torch.float64)  # (K,)
        count = len(means)
        self.shares = torch.tensor(shares or [1 / count] * count, dtype=torch.float64)

    def draw(self, n, label=None, seed=0):
        """n points (n, 2), of one label or of all."""
        generator = torch.Generator().manual_seed(seed)
        c = torch.multinomial(self.shares, n, replacement=True, generator=generator)
        c = c if label is None else torch.full((n,), label)
        z = torch.randn(n, 2, generator=generator, dtype=torch.float64)
        return self.means[c] + self.deviations[c, None] * z

    def log_joint(self, x_t, alpha=1.0, sigma=0.0):
        """log p(x_t, c) for points (n, 2): (n, K). Each component of x_t is a Gaussian, too."""
        variance = alpha**2 * self.deviations**2 + sigma**2
        square = (x_t[:, None] - alpha * self.means).square().sum(2)
        return self.shares.log() - square / (2 * variance) - (2 * math.pi * variance).log()

    def label_given(self, x_t, alpha=1.0, sigma=0.0):
        """p(c | x_t), by Bayes: (n, K)."""
        return self.log_joint(x_t, alpha, sigma).softmax(1)

    def guess(self, x_t, alpha, sigma, label=None):
        """D(x_t, t, c) = E[x_0 | x_t, c] for points (n, 2); without a label, E[x_0 | x_t]."""
        variance = alpha**2 * self.deviations**2 + sigma**2
        shrink = (alpha * self.deviations**2 / variance)[:, None]
        each = self.means + shrink * (x_t[:, None] - alpha * self.means)  # (n, K, 2)
        if label is not None:
            return each[:, label]
        return (self.label_given(x_t, alpha, sigma)[..., None] * each).sum(1)

    def denoiser(self, schedule):
        """The same as a denoiser for inkseed's samplers, on "images" (n, 1, 1, 2)."""

        def denoise(x_t, t, condition):
            alpha, sigma = schedule.level(float(torch.as_tensor(t).flatten()[0]))
            asked, points = Condition.of(condition), x_t.reshape(len(x_t), 2)
            found = self.guess(points, alpha, sigma)
            for label in range(len(self.means)):
                own = (asked.label == label) & ~asked.free_label
                if own.any():
                    found[own] = self.guess(points[own], alpha, sigma, label)
            return found.reshape(x_t.shape)

        return denoise


THREE = Mixture([[-1.2, -0.7], [1.2, -0.7], [0.0, 1.2]], [0.35, 0.35, 0.5])
