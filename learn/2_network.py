# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 2. What the network learns, and why mean squared error is right
#
# A *network* is a function with many adjustable numbers, its *weights*. *Training* shows it examples and
# changes the weights, a little at a time, so that the mean of some error over the examples, the *loss*,
# falls.
#
# We show a network $x_t$ and $t$ and ask for $x_0$. But many images could have become this $x_t$. What should
# it answer? And what does it learn to answer, if it is trained with the squared error?

# %%
import math

import numpy as np
import torch
from kit import REPORT, amount, check, digits_on, each_digit, noise
from torch import nn

from inkseed.plots import COLOURS, INK, line, name_ends, plot, show_images, title

# %% [markdown]
# ## The best guess is the mean
#
# Hold $x_t$ fixed, and look at one pixel. We do not know $x_0$, but it has a distribution *given* $x_t$, the
# **posterior**. Let $g$ be our answer, and $m = E[x_0 \mid x_t]$ the mean of that distribution. Both are fixed
# numbers once $x_t$ is fixed. Put $m$ in the middle:
#
# $$E[(x_0 - g)^2 \mid x_t] = E[(x_0 - m + m - g)^2 \mid x_t] = \underbrace{E[(x_0 - m)^2 \mid
# x_t]}_{\text{variance}} + 2 (m - g) \underbrace{E[x_0 - m \mid x_t]}_{=\,0} + (m - g)^2$$
#
# The first term does not depend on $g$, the second is 0 by the definition of $m$, and the third is
# smallest, namely 0, for $g = m$. So:
#
# > The answer with the least mean squared error is the **posterior mean** $E[x_0 \mid x_t]$. What is left of
# > the error is the variance of $x_0$ given $x_t$, which no network can remove.
#
# We call this best answer $D(x_t, t)$, the **denoiser**.
#
# Training takes the mean of $(x_0 - g)^2$ over pairs $(x_0, x_t)$. This is the mean, over all $x_t$, of what we
# have just computed for one. So it is smallest if the answer is the posterior mean at *every* $x_t$, and a
# network with enough weights comes near that. Nobody needs to know the distribution: pairs are
# enough, and by notebook 1 we can make millions of them.
#
# ## A world of one pixel
#
# Let an "image" be one number, $+1$ or $-1$, equally likely. Then $x_t$ is Gaussian around $\alpha$ or around
# $-\alpha$, with variance $\sigma^2$. Call $q$ the probability of $+1$ given $x_t$. Use Bayes (what both terms share,
# the one half and the constant of the Gaussian, cancels), and then divide above and below by the first exponential:
#
# $$q = p(x_0 = 1 \mid x_t) = \frac{e^{-(x_t - \alpha)^2 / 2\sigma^2}}{e^{-(x_t - \alpha)^2 / 2\sigma^2} + e^{-(x_t + \alpha)^2 /
# 2\sigma^2}} = \frac{1}{1 + e^{-2 \alpha x_t / \sigma^2}}$$
#
# because $-(x_t + \alpha)^2 + (x_t - \alpha)^2 = -4 \alpha x_t$. The mean is
# $q \cdot 1 + (1 - q) \cdot (-1) = 2q - 1$. With $u = \alpha x_t / \sigma^2$ it is
# $\frac{2}{1 + e^{-2u}} - 1 = \frac{1 - e^{-2u}}{1 + e^{-2u}}$, which is called $\tanh u$.
#
# Now train a small network that knows nothing of this, by the squared error, and another by the absolute error.

# %%
alpha, sigma = 0.7, 0.7
curves, grid = {}, torch.linspace(-2.5, 2.5, 101)[:, None]
for words, distance in (
    ("squared error", lambda gap: gap.square()),
    ("absolute error", lambda gap: gap.abs()),
):
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Linear(1, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 1)
    )
    optimizer = torch.optim.Adam(network.parameters(), 5e-3)
    for _ in range(amount(1500, 60)):
        x_0 = torch.randint(0, 2, (500, 1)) * 2.0 - 1
        x_t = alpha * x_0 + sigma * torch.randn(500, 1)
        loss = distance(network(x_t) - x_0).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    curves[words] = network(grid).detach()[:, 0]

figure, axis = plot(size=(6, 3))
truth = torch.tanh(alpha * grid / sigma**2)[:, 0]
line(axis, grid[:, 0], truth, "the posterior mean", INK, linewidth=4, alpha=0.3)
for (words, curve), colour in zip(curves.items(), COLOURS, strict=False):
    line(axis, grid[:, 0], curve, words, colour)
axis.set(xlabel="$x_t$", ylabel="the network's answer")
title(axis, "which answer each loss teaches")
name_ends(axis)
figure

# %% [markdown]
# The squared error teaches the mean. The absolute error teaches the median, which is the likelier of
# the two values: it never says "I am not sure". Only the mean will lead us back to the right
# distribution in notebooks 3 and 4.
#
# **Exercise 2.1.** Now $x_0 = 1$ has probability $p$, not one half. Write the
# posterior mean. Hint: multiply the two exponentials by $p$ and $1 - p$; the rest is as above.


# %%
def posterior_mean(x_t, alpha, sigma, p):
    return ...


check("2.1", posterior_mean)

# %% [markdown]
# <details><summary>Solution</summary>The next cell. Now q is 1 / (1 + e^(−2u)) with
# e^(−2u) = (1 − p) / p · e^(−2αxₜ/σ²), and the mean is 2q − 1 = tanh u again.
# Take the logarithm: u = αxₜ/σ² + ½ log(p / (1 − p)).</details>


# %% jupyter={"source_hidden": true} tags=["hide-input", "solution"]
def posterior_mean(x_t, alpha, sigma, p):
    return math.tanh(alpha * x_t / sigma**2 + 0.5 * math.log(p / (1 - p)))


check("2.1", posterior_mean)

# %% [markdown]
# ## Guess the image or guess the noise: the same knowledge
#
# The report's network answers with the noise $\epsilon$ instead of $x_0$. Take the mean given $x_t$ of both
# sides of $x_t = \alpha x_0 + \sigma \epsilon$. On the left, $x_t$ is known, and so is its own mean:
#
# $$x_t = \alpha\, E[x_0 \mid x_t] + \sigma\, E[\epsilon \mid x_t]$$
#
# So either answer gives the other. The errors differ only by a factor: if $D$ is off by $\delta$, the guess of the
# noise is off by $-\alpha \delta / \sigma$. So training on $\epsilon$ is training on $x_0$, with every squared error
# multiplied by $\alpha^2 / \sigma^2$, the SNR.
#
# **Exercise 2.2.** Turn a guess of the noise into a guess of the image.


# %%
def image_from_noise(x_t, eps, alpha, sigma):
    return ...


check("2.2", image_from_noise)

# %% [markdown]
# <details><summary>Solution</summary>The next cell: equation (1) of the report, solved for
# x_0.</details>


# %% jupyter={"source_hidden": true} tags=["hide-input", "solution"]
def image_from_noise(x_t, eps, alpha, sigma):
    return (x_t - sigma * eps) / alpha


check("2.2", image_from_noise)

# %% [markdown]
# ## Digits
#
# Here is a trained network, inkseed's model `digits`, shown the same two digits under more and more noise.
# Above $x_t$, below its guess $D(x_t, t)$. It could be told which digit it sees, but is not (label -1 is
# "not told"). It was trained on another schedule, but only the ratio counts (notebook 1): `digits_on(REPORT)` turns
# $x_t$ of the report's schedule into what it knows, and gives its guess.

# %%
x_0 = each_digit()[[4, 8]]
eps, guess = noise(*x_0.shape, seed=1), digits_on(REPORT)
times = (0.05, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 1.0)
free = torch.tensor([-1, -1])
figure, axes = plot(4, 8, (9, 5))
for k, t in enumerate(times):
    alpha, sigma = REPORT.level(t)
    x_t = alpha * x_0 + sigma * eps
    names = [f"t = {t}", "D", "", "D"]
    pairs = torch.stack((x_t, guess(x_t, t, free)), 1).flatten(0, 1)
    show_images(axes[:, k], pairs[:, 0], names)
figure

# %% [markdown]
# With little noise the guess is the digit. With much noise it is a blur: **the mean of all digits that
# could have become this $x_t$**, weighted by how likely each is. A blur is not a failure. It is the answer
# with the least mean squared error. It may even look like another digit than the one that was hidden: nobody who
# sees only $x_t$ can know better. (At $t = 1$ it is not yet the mean of *all* digits, because the report's
# schedule leaves $\alpha = 0.13$, and 784 pixels that each tell a little tell something together.)
#
# How wrong are the guesses? The squared error cannot go to zero: what is left is the variance of $x_0$
# given $x_t$. So a training loss does not say how far from perfect a network is. (The bands below are 95 %
# intervals of the mean.)

# %%
from kit import real_digits

images, labels = real_digits()
chosen = torch.arange(amount(100, 8))
x_0, z = images[chosen], noise(len(chosen), 1, 28, 28, seed=2)
told = {"without the label": torch.full_like(labels[chosen], -1), "with the label": labels[chosen]}
grid = np.linspace(0.05, 1, amount(12, 3))
figure, axis = plot(size=(6, 3))
for (words, label), colour in zip(told.items(), COLOURS, strict=False):
    errors = []
    for t in grid:
        alpha, sigma = REPORT.level(t)
        gap = (guess(alpha * x_0 + sigma * z, t, label) - x_0).square().mean((1, 2, 3))
        errors.append((gap.mean(), 1.96 * gap.std() / len(gap) ** 0.5))
    mean, reach = torch.tensor(errors).T
    line(axis, grid, mean, words, colour, band=(mean - reach, mean + reach))
axis.set(xlabel="time t", ylabel="mean squared error of D")
title(axis, "what cannot be known")
name_ends(axis)
figure

# %% [markdown]
# The label helps where noise hides the digit, and not where the digit can be seen. Remember this
# picture in notebook 5.
#
# ## In short
#
# Squared error teaches the posterior mean $D(x_t, t) = E[x_0 \mid x_t]$; guessing $\epsilon$ is the same
# knowledge. Next: how to use a blur to take one step back.
