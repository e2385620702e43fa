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
# The report ends with two puzzles. The second asks whether some starting noises are better than others, and
# answers: take the most *stable* of K. This notebook shows what stability is, why the code that the report
# lists for it measures chance instead, and how to tell luck from a finding.

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
# ## With DDIM, the noise decides the image
#
# DDIM (notebook 4) draws no fresh noise. So the starting noise $z$ and the label decide everything. Let us go
# from one noise to another, and see the image change. We go along an arc, $z(\phi) = z_1 \cos\phi + z_2 \sin\phi$:
# its variance stays $\cos^2\phi + \sin^2\phi = 1$. Above the noises, below the images, all asked to be a 3.

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
# DDIM's step mixes $D$ and $\epsilon$ anew: $x_s = \alpha_s D + \sigma_s \epsilon$, both guessed from $x_t$. Put
# $D = (x_t - \sigma_t \epsilon) / \alpha_t$ in, solve for the $x_t$ that now stands there, and you have a step from
# image to noise. A chain of such steps is called *inversion*.
#
# $$x_t = \frac{\alpha_t}{\alpha_s}\, x_s + \left(\sigma_t - \frac{\alpha_t}{\alpha_s} \sigma_s\right) \epsilon(x_t, t)$$
#
# There is a catch: $\epsilon(x_t, t)$, the guess of the noise, is needed at $x_t$, which we do not have yet.
# Inversion uses $\epsilon(x_s, t)$ in its place, as if $x_s$ were $x_t$. The smaller the steps, the nearer
# $x_s$ is to $x_t$, and the better the way back.

# %%
n = amount(20, 3)
z, labels = noise(n, 1, 28, 28, seed=3), torch.arange(n) % 10


def there_and_back(z, steps):
    """The image of noise z, and the noise that inversion leads back to."""
    grid = times(REPORT, steps)
    x_0 = [step.x for step in ddim(guess, REPORT, z, labels[: len(z)], grid)][-1]
    return x_0, [step.x for step in invert(guess, REPORT, x_0, labels[: len(z)], grid)][-1]


# %% [markdown]
# To compare two noises, read them as long vectors and take the **cosine** of the angle between them: 1 if they
# point the same way, 0 if they are at right angles. The **stability** of a noise is the cosine between it
# and the noise that inversion finds from its image.
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
# So a noise's stability says how little the guess $\epsilon$ changes along its path: if it stayed the same, inversion
# would be exact, in steps of any size. That is a real property of the noise. Whether a stable noise also makes a
# *better image* is another question.
#
# ## What the report's listing measures
#
# The report lists a function `inverse_noise`. It goes from image to noise by *adding fresh noise at every step*:
# $x \leftarrow \alpha_t\, x + \sigma_t\, z$ at $t = i / 400$, for $i$ = 1 to 400, with a new $z$ each time. After 400
# factors $\alpha_t < 1$ nothing is left of the image. What comes out was drawn just now, and has nothing to do with
# the noise that we began with. What cosine do two unrelated noises have?
#
# Let $a$ and $b$ be independent, $d = 784$ numbers each. $a \cdot b$ is a sum of $d$ independent products of mean 0
# and variance 1, so it has standard deviation $\sqrt d$, and is nearly Gaussian. The lengths of $a$ and $b$ are close
# to $\sqrt d$ each, since a squared length is a sum of $d$ squares of mean 1. The cosine is $a \cdot b$ divided by
# both. So it is about $N(0, 1/d)$, with standard deviation $1 / \sqrt{784} = 1/28 = 0.036$.

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
# ## The best of K, by luck
#
# The best of K such scores is nearly always above 0, and looks like progress. How large is it by luck alone?
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
# So "the most stable of ten noises has 0.055" is what choosing at random gives.
#
# ## And real stability?
#
# Now use the real score, by DDIM and its inversion. Here are threes from the most and the least stable
# of some noises.

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
# Are the stable ones better digits? Look for yourself: when this was written they did not look better. And do
# they differ in something simpler, such as the amount of ink? A fair test compares with
# a random pick from the same noises, with the least stable, with a pick by ink, and with spending the
# same number of network evaluations on more steps. [docs/noise-study.md](../docs/noise-study.md) does
# that with a dozen ways of choosing.
#
# ## In short
#
# Without fresh noise the start decides the image, and inversion leads back to it, the better the smaller the
# steps. A score that adds fresh noise measures luck, and the best of K by luck is not 0. Next: how to
# measure quality.
