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
# # 6. The starting noise
#
# The report's second puzzle asks whether some starting noises are better than others, and answers: take
# the most *stable* of K. This notebook shows what stability is, why the report's listing measures chance
# instead, and how to tell luck from a finding.

# %%
import math

import numpy as np
import torch
from kit import REPORT, amount, check, digits_on, noise

from inkseed.diffusion.schedule import times
from inkseed.plots import COLOURS, INK, line, name_ends, plot, show_images, title
from inkseed.samplers import ddim, invert

guess = digits_on(REPORT)

# %% [markdown]
# ## With DDIM, the noise is the image
#
# DDIM (notebook 4) draws no fresh noise. So the starting noise $z$ and the label decide everything. Follow
# a straight line of noises from one to another, on a circle so that they stay unit noise: $z(\phi) =
# z_1 \cos\phi + z_2 \sin\phi$.

# %%
z_1, z_2 = noise(1, 1, 28, 28, seed=1), noise(1, 1, 28, 28, seed=2)
turns = torch.linspace(0, math.pi / 2, amount(9, 2))[:, None, None, None]
circle = z_1 * turns.cos() + z_2 * turns.sin()
grid = times(REPORT, amount(20, 4))
three = torch.full((len(turns),), 3)
images = [step.x for step in ddim(guess, REPORT, circle, three, grid)][-1]
figure, axes = plot(2, len(turns), (8, 2))
show_images(axes[0], circle[:, 0] / 2)
show_images(axes[1], images[:, 0])
figure

# %% [markdown]
# ## Back to the noise: inversion
#
# DDIM's step mixes $D$ and $\epsilon$ anew: $x_s = \alpha_s D + \sigma_s \epsilon$, both taken at $x_t$. Solve for $x_t$ and you have
# a step from image to noise:
#
# $$x_t = \frac{\alpha_t}{\alpha_s}\, x_s + \left(\sigma_t - \frac{\alpha_t}{\alpha_s} \sigma_s\right) \epsilon(x_t, t)$$
#
# There is a catch: $\epsilon$ is needed at $x_t$, which we do not have yet. Inversion uses $x_s$ in its place. The
# smaller the steps, the nearer they are, and the better the way back:

# %%
n = amount(20, 3)
z, labels = noise(n, 1, 28, 28, seed=3), torch.arange(n) % 10


def there_and_back(z, steps):
    """The image of noise z, and the noise that inversion leads back to."""
    grid = times(REPORT, steps)
    x_0 = [step.x for step in ddim(guess, REPORT, z, labels[: len(z)], grid)][-1]
    return x_0, [step.x for step in invert(guess, REPORT, x_0, labels[: len(z)], grid)][-1]


# %% [markdown]
# As a measure of likeness take the **cosine** between two noises, read as long vectors: 1 if they point the
# same way, 0 if they have nothing in common.
#
# **Exercise 6.1.** Write it, for vectors $a$ and $b$.


# %%
def cosine(a, b):
    return ...


check("6.1", cosine)

# %% [markdown]
# <details><summary>Solution</summary>The next cell.</details>


# %% jupyter={"source_hidden": true} tags=["hide-input", "solution"]
def cosine(a, b):
    return float((a * b).sum() / (a.norm() * b.norm()))


check("6.1", cosine)

# %%
counts = amount((5, 10, 20, 40), (3, 6))
stability = {}
for steps in counts:
    back = there_and_back(z, steps)[1]
    stability[steps] = [cosine(a.flatten(), b.flatten()) for a, b in zip(z, back, strict=True)]
mean = np.array([np.mean(each) for each in stability.values()])
low, high = (np.quantile(list(stability.values()), q, axis=1) for q in (0.1, 0.9))
figure, axis = plot(size=(6, 3))
line(axis, counts, mean, "mean of the noises", band=(low, high), marker="o", markersize=4)
axis.set(xlabel="steps each way", ylabel="cosine with the start")
title(axis, "stability rises with the steps (band: 8 of 10 noises)")
name_ends(axis)
figure

# %% [markdown]
# So a noise's stability says how much the way there bends, in steps of this size. That is a real
# property of the noise. Whether a stable noise also makes a *better image* is another question.
#
# ## What the report's listing measures
#
# Its `inverse_noise` goes from image to noise by *adding fresh noise at every step*: $x \leftarrow \alpha_i\, x + \sigma_i\, z$ for
# $i$ = 1 to 400. What comes out was drawn just now. It cannot know the noise we began with. What cosine
# do two unrelated noises have?
#
# Let $a$ and $b$ be independent, $d = 784$ numbers each. $a \cdot b$ is a sum of $d$ products of mean 0
# and variance 1, so it has standard deviation $\sqrt d$. The norms are close to $\sqrt d$ each. So the cosine is
# about $N(0, 1/d)$: a deviation of $1 / \sqrt{784} = 1/28 = 0.036$.

# %%
n = amount(20_000, 500)
a, b = noise(n, 784, seed=5), noise(n, 784, seed=6)
unrelated = torch.nn.functional.cosine_similarity(a, b)
times_each = amount(50, 5)
start = z.flatten(1).repeat(times_each, 1)
x = there_and_back(z, counts[0])[0].flatten(1).repeat(times_each, 1)
for i in range(1, 401):  # the listing's inverse_noise
    alpha, sigma = REPORT.level(i / 400)
    x = alpha * x + sigma * noise(*x.shape, seed=1000 + i)
listed = torch.nn.functional.cosine_similarity(start, x)
values = np.linspace(-0.15, 0.15, 200)
bell = 28 / math.sqrt(2 * math.pi) * np.exp(-((28 * values) ** 2) / 2)
figure, axis = plot(size=(6, 3))
axis.hist(unrelated, 60, range=(-0.15, 0.15), density=True, color=COLOURS[3], alpha=0.5)
axis.hist(
    listed, 60, range=(-0.15, 0.15), density=True, histtype="step", color=COLOURS[1], linewidth=1.5
)
line(axis, values, bell, colour=INK)
axis.text(-0.15, 10.0, "blue: unrelated noises", color=COLOURS[0])
axis.text(-0.15, 8.8, "orange: the report's listing", color=COLOURS[1])
axis.text(-0.15, 7.6, "line: N(0, 1/784)", color=INK)
axis.set(xlabel="cosine", yticks=[])
title(axis, "the listed score is chance")
figure

# %% [markdown]
# ## The best of K lucky draws
#
# Choosing the best of K by such a score gives a number above 0 every time, and looks like progress. How large is
# it by luck alone?
#
# **Exercise 6.2.** Return the mean of the largest of $K$ cosines of unrelated noises in $d$
# dimensions, by simulation: each cosine is a draw from $N(0, 1/d)$. Repeat a few thousand times.


# %%
def best_of(k, d):
    return ...


check("6.2", best_of)

# %% [markdown]
# <details><summary>Solution</summary>The next cell.</details>


# %% jupyter={"source_hidden": true} tags=["hide-input", "solution"]
def best_of(k, d):
    draws = np.random.default_rng(0).standard_normal((5000, k)) / math.sqrt(d)
    return draws.max(1).mean()


check("6.2", best_of)

# %%
for k in (1, 10, 100):
    print(f"the best of {k:3d}: {best_of(k, 784):.3f} by luck")

# %% [markdown]
# If a report prints "we chose noise of stability 0.055 among ten", it chose at random.
#
# ## And real stability?
#
# Let us look at the most and the least stable of some noises by the honest score, both ways DDIM.

# %%
z, labels = noise(amount(60, 4), 1, 28, 28, seed=8), torch.full((60,), 3)
x_0, back = there_and_back(z, amount(10, 3))
scores = torch.nn.functional.cosine_similarity(z.flatten(1), back.flatten(1))
order, k = scores.argsort(), amount(8, 2)
figure, axes = plot(2, k, (7, 2))
show_images(axes[0], x_0[order[-k:], 0])
show_images(axes[1], x_0[order[:k], 0])
for row, words in zip(axes, ("most stable", "least stable"), strict=True):
    row[0].set_ylabel(words, rotation=0, ha="right", va="center", fontsize=8)
ink = (x_0.clamp(-1, 1) + 1).mean((1, 2, 3)) / 2
print(f"correlation of stability and ink: {np.corrcoef(scores, ink)[0, 1]:.2f}")
figure

# %% [markdown]
# Are the stable ones better digits? Look for yourself: when this was written they were not. And do they
# differ in something duller, such as the amount of ink? A fair test compares with
# a random pick from the same noises, with the least stable, with a pick by ink, and with spending the
# same number of network evaluations on more steps. [docs/noise-study.md](../docs/noise-study.md) does
# that with a dozen ways of choosing.
#
# ## In short
#
# Without fresh noise the start decides the image, and inversion leads back, up to the size of the
# steps. A score that adds fresh noise measures luck, and the best of K by luck is not 0. Next: measuring
# quality at all.
