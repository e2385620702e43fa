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
# # 7. Is it any good?
#
# "The digits look nice" is no measurement. This notebook asks four questions that can be answered with
# numbers: are the labels right, is the distribution right, are they copies, are they useful? No number is
# read alone. Beside it stand an **interval**, because another sample would give another number, and a
# **baseline**: what as many real digits score.
#
# *Drawn* digits are those that the model made. MNIST's 60,000 real training digits are split into three
# parts. The model learned from `part_a` and `part_b`. `validation` was *held out*: it did not learn from it.

# %%
import math

import numpy as np
import torch
from kit import amount, check, model

from inkseed.data import split_mnist, to_tensor
from inkseed.evaluation.frechet import fit_gaussian, frechet_distance
from inkseed.judges import JudgeB
from inkseed.plots import COLOURS, GREY, line, name_ends, plot, show_images, title

n = amount(300, 60)
split, judge = split_mnist(), JudgeB()
labels = np.arange(n) % 10
drawn = model().sample(labels, seed=1, steps=amount(10, 2)).images


def real_like(source, labels):
    """Real digits with these labels, in order."""
    pools = {label: iter(np.flatnonzero(source.labels == label)) for label in range(10)}
    return source.subset(np.array([next(pools[label]) for label in labels.tolist()]))


held_out = real_like(split.validation, labels)
figure, axes = plot(2, 12, (8, 1.5))
show_images(axes[0], drawn[:12] / 127.5 - 1)
show_images(axes[1], held_out.images[:12] / 127.5 - 1)
for row, words in zip(axes, ("drawn", "real"), strict=True):
    row[0].set_ylabel(words, rotation=0, ha="right", va="center", fontsize=8)
figure

# %% [markdown]
# ## 1. Are the labels right?
#
# Let a classifier read them. It must not be one that helped to choose digits or to train the model: what it
# helped to make would please it too well. Judge B is used for measuring only.
#
# If $k$ of $n$ are read as asked, the share is $\hat p = k / n$. How far may the true $p$ be? $\hat p$ has standard
# deviation $\sqrt{p (1 - p) / n}$. Wilson's interval is all those $p$ for which the observed $\hat p$ is at most
# $z = 1.96$ standard deviations away; a Gaussian is that near its mean with probability 95 %. (This $z$ is a number,
# not noise.) Solve $(\hat p - p)^2 \le z^2\, p (1 - p) / n$ for $p$. Multiplied out it is
# $\left(1 + \frac{z^2}{n}\right) p^2 - 2 \left(\hat p + \frac{z^2}{2n}\right) p + \hat p^2 \le 0$, and $p$ lies
# between the two roots:
#
# $$\frac{\hat p + \frac{z^2}{2n} \;\pm\; z \sqrt{\frac{\hat p (1 - \hat p)}{n} + \frac{z^2}{4 n^2}}}{1 + \frac{z^2}{n}}$$
#
# Unlike the textbook's $\hat p \pm z \sqrt{\hat p (1 - \hat p) / n}$ it makes sense when all are right: then the textbook's has
# length 0, although 500 of 500 does not mean that an error is impossible.
#
# **Exercise 7.1.** Return its two ends.


# %%
def wilson(right, n, z=1.96):
    return ..., ...


check("7.1", wilson)

# %% [markdown]
# <details><summary>Solution</summary>The next cell.</details>


# %% jupyter={"source_hidden": true} tags=["hide-input", "solution"]
def wilson(right, n, z=1.96):
    share = right / n
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    reach = z / (1 + z**2 / n) * math.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return centre - reach, centre + reach


check("7.1", wilson)

# %%
for words, images, asked in (
    ("drawn", drawn, labels),
    ("real ", held_out.images, held_out.labels),
):
    right = int((judge.digits(images) == asked).sum())
    low, high = wilson(right, n)
    print(f"{words}: {right} of {n} right, {right / n:.1%} ({low:.1%} to {high:.1%})")

# %% [markdown]
# Overlapping intervals are no proof that two things are equal. They say that this sample cannot tell them apart.
#
# ## 2. Is the distribution right?
#
# A model that always draws the same perfect 3 when asked for one has perfect labels. So compare distributions. Before
# it decides, the judge describes each image by 64 numbers, its **features**. Fit a Gaussian (mean $m$, covariance matrix
# $S$) to the features of the drawn digits and one to those of real ones, and measure how far apart they are:
#
# $$d^2 = |m_1 - m_2|^2 + \mathrm{tr}\left(S_1 + S_2 - 2 (S_1 S_2)^{1/2}\right)$$
#
# ($\mathrm{tr}$ is the sum of the diagonal, and $A^{1/2}$ the matrix whose square is $A$.) This $d^2$ is called the
# **Fréchet distance** of two Gaussians. To turn one into the other, each point must be moved, and $d^2$ is the least
# possible mean of the squared lengths of the moves. In one dimension it is $(m_1 - m_2)^2 + (s_1 - s_2)^2$, with $s$
# the standard deviations.
#
# It is never 0 for a finite sample, not even for real digits, because a mean and a covariance from few points are
# off. So look at the baseline, with the same $n$ and as many of each label (another mix of labels would itself be a
# difference):

# %%
part = real_like(split.part_a, np.arange(amount(2500, 150)) % 10)
reference = fit_gaussian(judge.read(part.images)[1])
others = judge.read(real_like(split.validation, np.arange(amount(1200, 80)) % 10).images)[1]
own = judge.read(drawn)[1]
sizes = [k for k in (50, 100, 200, 300, 600, 1200) if k <= len(others)]
baseline = [frechet_distance(fit_gaussian(others[:k]), reference) for k in sizes]
sizes_own = [k for k in sizes if k <= n]
found = [frechet_distance(fit_gaussian(own[:k]), reference) for k in sizes_own]
figure, axis = plot(size=(6, 3))
line(axis, sizes, baseline, "real digits", GREY, marker="o", markersize=4)
line(axis, sizes_own, found, "drawn digits", COLOURS[0], marker="o", markersize=4)
axis.set(xscale="log", yscale="log", xlabel="images in the sample", ylabel="Fréchet distance")
axis.set_xticks(sizes, [str(k) for k in sizes])
axis.set_yticks([0.05, 0.1, 0.2, 0.5], ["0.05", "0.1", "0.2", "0.5"])
axis.minorticks_off()
title(axis, "the distance falls with n, for real digits too")
name_ends(axis)
figure

# %% [markdown]
# A distance without its n and its baseline means nothing: 50 real digits are "far" from other real digits.
#
# ## 3. Are they copies?
#
# A model that only repeats its training digits would pass both tests. So find each drawn digit's nearest training digit.
# (Here we search `part_a`, half of them, to save time.) But how near is too near? Held-out digits have near neighbours
# too. Ask therefore: **how often is a drawn digit nearer to the training set than a held-out one?** If drawn and
# held-out digits follow the same distribution, that is half of the time; if all are copies, always.
#
# **Exercise 7.2.** Given the distances of drawn digits and of held-out ones to their nearest training
# digits, return the share of pairs (drawn, held out) in which the drawn one is nearer. A tie counts half.


# %%
def nearer(distances, held_out):
    return ...


check("7.2", nearer)

# %% [markdown]
# <details><summary>Solution</summary>The next cell.</details>


# %% jupyter={"source_hidden": true} tags=["hide-input", "solution"]
def nearer(distances, held_out):
    gap = held_out[None] - distances[:, None]
    return float(((gap > 0) + 0.5 * (gap == 0)).mean())


check("7.2", nearer)

# %%
training = to_tensor(split.part_a.images[: amount(25_000, 500)]).flatten(1)


def to_nearest(images):
    gaps = [torch.cdist(rows, training).min(1) for rows in to_tensor(images).flatten(1).split(100)]
    return (torch.cat([getattr(each, part) for each in gaps]) for part in ("values", "indices"))


distances, nearest = to_nearest(drawn)
distances_held_out, _ = to_nearest(held_out.images)
share = nearer(distances.numpy(), distances_held_out.numpy())
print(f"nearer than a held-out digit: {share:.1%} of pairs (copies: 100 %, new digits: 50 %)")
closest = distances.argsort()[:12]
figure, axes = plot(2, 12, (8, 1.5))
show_images(axes[0], drawn[closest.numpy()] / 127.5 - 1)
show_images(axes[1], training[nearest[closest]].reshape(-1, 28, 28))
for row, words in zip(axes, ("drawn", "nearest"), strict=True):
    row[0].set_ylabel(words, rotation=0, ha="right", va="center", fontsize=8)
figure

# %% [markdown]
# These are the twelve drawn digits that are nearest of all to a training digit. They are mostly ones, because all
# ones look alike. That is why inkseed compares ones with ones, twos with twos, and so on.
#
# ## 4. Are they useful?
#
# Train a classifier on drawn digits, and test it on real ones. As the baseline, train the same classifier on as many
# real digits. A few hundred images and a small network will do for a first look.

# %%
test = split.validation.subset(np.arange(amount(5000, 200), amount(7000, 400)))
tested, asked = to_tensor(test.images), torch.from_numpy(test.labels)
real = real_like(split.part_b, labels)
for words, images, named in (("drawn", drawn, labels), ("real ", real.images, real.labels)):
    scores = []
    for seed in range(amount(3, 1)):
        torch.manual_seed(seed)
        network = torch.nn.Sequential(
            torch.nn.Conv2d(1, 16, 3, 2, 1),
            torch.nn.ReLU(),
            torch.nn.Conv2d(16, 32, 3, 2, 1),
            torch.nn.ReLU(),
            torch.nn.Flatten(),
            torch.nn.Linear(32 * 49, 10),
        )
        optimizer = torch.optim.AdamW(network.parameters(), 2e-3)
        x, c = to_tensor(images), torch.from_numpy(np.asarray(named)).long()
        for _ in range(amount(60, 2)):
            for rows in torch.randperm(n).split(50):
                loss = torch.nn.functional.cross_entropy(network(x[rows]), c[rows])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
        scores.append(float((network(tested).argmax(1) == asked).float().mean()))
    print(f"learned from {n} {words} digits: {min(scores):.1%} to {max(scores):.1%} of real ones")

# %% [markdown]
# `inkseed evaluate` asks all four questions, with far more images and with intervals for everything:
# [docs/evaluation.md](../docs/evaluation.md).
#
# ## In short
#
# Right labels, the right distribution, no copies, useful to learn from: these are four different questions, and a good
# answer to one does not answer the others. Every number needs its n, its interval and its baseline.
