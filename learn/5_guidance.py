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
# # 5. Labels and guidance
#
# How does a model draw a 7 when asked for a 7? By showing the network the label as well. And why do
# people then *guide* it, with a number $w$ that makes it obey the label more? This notebook derives what $w$
# does, on three Gaussians where everything can be computed, and shows what it costs.

# %%
import numpy as np
import torch
from kit import REPORT, THREE, amount, check, model, noise

from inkseed.data import load_mnist
from inkseed.diffusion.guidance import ClassifierFreeGuidance
from inkseed.diffusion.schedule import times
from inkseed.evaluation.intervals import wilson
from inkseed.judges import JudgeB
from inkseed.plots import COLOURS, GREY, line, plot, show_images, title
from inkseed.samplers import dpm_solver

# %% [markdown]
# ## Labels need nothing new
#
# Show the network the label $c$ beside $x_t$ and $t$. By notebook 2 it learns $D(x_t, t, c) = E[x_0 \mid x_t, c]$, and
# every formula of notebooks 3 and 4 holds for the images of that label alone.
#
# For one training image in ten the label is hidden: that is *label dropout*. So the same network also
# learns $D(x_t, t) = E[x_0 \mid x_t]$, the guess without a label. Now there are two guesses, and their
# difference says **what the label changed**.
#
# ## Guidance exaggerates that difference
#
# $$\hat D = D(x_t, t, c) + w\,\big(D(x_t, t, c) - D(x_t, t)\big) = (1 + w)\, D(x_t, t, c) - w\, D(x_t, t)$$
#
# A sampler then uses $\hat D$ wherever it used $D$. $w$ is called `guide_w` in the code. With $w = 0$, $\hat D$ is
# the guess with the label. With $w = -1$ it is the guess without. With $w > 0$ it goes beyond the guess with the
# label, away from the guess without. Guidance costs two evaluations of the network per step instead of one.
#
# Equation (3) of the report mixes guesses of the noise instead: $\hat\epsilon = (1 + w)\, \epsilon_c - w\, \epsilon$, with $\epsilon_c$ the
# guess with the label and $\epsilon$ the one without. Put both guesses into $D = (x_t - \sigma \epsilon) / \alpha$: the weights $1 + w$
# and $-w$ add up to one, so $x_t$ comes out once, and $(x_t - \sigma \hat\epsilon) / \alpha$ is $\hat D$. Both ways are the same.
#
# **Exercise 5.1.** Write $\hat D$.


# %%
def guided(with_label, without, w):
    return ...


check("5.1", guided)

# %% [markdown]
# <details><summary>Solution</summary>The next cell.</details>


# %% jupyter={"source_hidden": true} tags=["hide-input", "solution"]
def guided(with_label, without, w):
    return (1 + w) * with_label - w * without


check("5.1", guided)

# %% [markdown]
# ## Where does that lead? A field of arrows
#
# Each arrow starts at a point $x_t$ and goes part of the way to the guess. We ask for the Gaussian at the
# top (the orange dot is its centre, shrunk by $\alpha_t$; grey points are $x_t$ of all labels). On the left is
# the guess with the label, in the middle the one without. On the right is $\hat D$: its arrows are longest at
# the bottom, where the other labels are, and there they aim beyond the centre.

# %%
t, top = 0.4, 2
alpha, sigma = REPORT.level(t)
axis_points = torch.linspace(-2.4, 2.4, 11, dtype=torch.float64)
points = torch.cartesian_prod(axis_points, axis_points)
told, untold = THREE.guess(points, alpha, sigma, top), THREE.guess(points, alpha, sigma)
figure, axes = plot(1, 3, (10, 3.9))
for axis, found, words in (
    (axes[0], told, "told the label: w = 0"),
    (axes[1], untold, "not told: w = -1"),
    (axes[2], guided(told, untold, 2.0), "guided: w = 2"),
):
    cloud = alpha * THREE.draw(1500) + sigma * noise(1500, 2, seed=1)
    axis.scatter(*cloud.T, s=1, color=GREY)
    step = (found - points) * 0.18
    axis.quiver(*points.T, *step.T, angles="xy", scale_units="xy", scale=1, color=COLOURS[0])
    axis.plot(*(alpha * THREE.means[top]), "o", color=COLOURS[1], markersize=6)
    axis.set(xlim=(-2.7, 2.7), ylim=(-2.7, 2.9), aspect="equal", xticks=[], yticks=[])
    title(axis, words)
figure

# %% [markdown]
# Compared with the left, guided arrows are pushed away from the places where *other* labels are likely. The
# next section says how much.
#
# ## What w does, in probabilities
#
# The **score** is the gradient of $\log p(x_t)$ with respect to $x_t$, written $\nabla \log p(x_t)$. It points to
# where the density of $x_t$ rises fastest, and it is hidden in $D$. The density of $x_t$ is an average of Gaussians,
# one around each $\alpha x_0$: $p(x_t) = E_{x_0}[N(x_t;\, \alpha x_0, \sigma^2)]$, where $E_{x_0}$ is the mean over
# all images $x_0$. The Gaussian is $e^{-(x_t - \alpha x_0)^2 / 2\sigma^2}$ times a constant, so its gradient with
# respect to $x_t$ is itself times $(\alpha x_0 - x_t) / \sigma^2$. Therefore (the gradient of $\log p$ is that of
# $p$, divided by $p$)
#
# $$\nabla \log p(x_t) = \frac{\nabla p(x_t)}{p(x_t)} = E_{x_0}\left[\frac{N(x_t;\, \alpha x_0, \sigma^2)}{p(x_t)} \cdot
# \frac{\alpha x_0 - x_t}{\sigma^2}\right]$$
#
# The first fraction is $p(x_t \mid x_0) / p(x_t)$, which by Bayes is $p(x_0 \mid x_t) / p(x_0)$. An average over all $x_0$ with this
# weight is the average over $x_0$ *given* $x_t$. And the mean of $x_0$ given $x_t$ is $D$:
#
# $$\nabla \log p(x_t) = \frac{\alpha\, E[x_0 \mid x_t] - x_t}{\sigma^2} = \frac{\alpha\, D(x_t, t) - x_t}{\sigma^2}$$
#
# This is *Tweedie's formula*. The same holds among the images of one label, with $D(x_t, t, c)$.
#
# **Exercise 5.2.** Write the score, given the guess.


# %%
def score(x_t, guess, alpha, sigma):
    return ...


check("5.2", score)

# %% [markdown]
# <details><summary>Solution</summary>The next cell.</details>


# %% jupyter={"source_hidden": true} tags=["hide-input", "solution"]
def score(x_t, guess, alpha, sigma):
    return (alpha * guess - x_t) / sigma**2


check("5.2", score)

# %% [markdown]
# The score is a straight-line function of $D$, and $1 + w$ and $-w$ add up to one. So the score that belongs to
# $\hat D$ is the same mixture of scores:
#
# $$(1 + w) \nabla \log p(x_t \mid c) - w\, \nabla \log p(x_t) = \nabla \log p(x_t \mid c) + w\, \nabla \big(\log p(x_t \mid c) - \log
# p(x_t)\big)$$
#
# By Bayes $p(x_t \mid c) / p(x_t) = p(c \mid x_t) / p(c)$, and $p(c)$ does not depend on $x_t$, so its gradient is 0. What is left is
#
# $$\text{guided score} = \nabla \log p(x_t \mid c) + w\, \nabla \log p(c \mid x_t)$$
#
# In words: **move to where images of this label are, and in addition, $w$ times, to where a classifier would be surer
# of the label.** In the guess itself, where $D = (x_t + \sigma^2\, \text{score}) / \alpha$, this is
# $\hat D = D(x_t, t, c) + w\, \frac{\sigma^2}{\alpha} \nabla \log p(c \mid x_t)$: the push in the picture above. No
# classifier was trained; the two guesses contain one. It is called *classifier-free guidance*. Let us check on the
# mixture, where $p(c \mid x_t)$ is known (`label_given`): PyTorch computes the gradient of its logarithm, and we
# compare it with the difference of the two scores.

# %%
here = torch.tensor([[0.4, 0.1]], dtype=torch.float64, requires_grad=True)
THREE.label_given(here, alpha, sigma)[0, top].log().backward()
with torch.no_grad():
    told_here = score(here, THREE.guess(here, alpha, sigma, top), alpha, sigma)
    untold_here = score(here, THREE.guess(here, alpha, sigma), alpha, sigma)
print("the classifier's gradient:", here.grad[0].numpy().round(4))
print("difference of the scores: ", (told_here - untold_here)[0].numpy().round(4))

# %% [markdown]
# ## What it costs
#
# Sample the label at the top with more and more guidance. Fewer and fewer points lie where other labels are likely.
# But good points near there are lost as well: the cloud moves away from its own true centre, and shrinks. The guided
# score is that of a density proportional to $p(x_t \mid c)\, p(c \mid x_t)^w$, which is smaller wherever the label is
# in doubt. So guided samples are **not** samples of $p(x_0 \mid c)$. Nor are they quite samples of that product at
# $t = 0$, because the products at later times are not its noised versions. ("Sure" is the mean of $p(c \mid x_0)$ for
# the label asked for.)

# %%
denoiser, n = THREE.denoiser(REPORT), amount(1500, 60)
z, asked = noise(n, 1, 1, 2, seed=7).double(), torch.full((n,), top)
grid, strengths = times(REPORT, amount(60, 10), "log_snr"), (0.0, 1.0, 3.0)
figure, axes = plot(1, 3, (10, 3.4))
for axis, w in zip(axes, strengths, strict=True):
    walk = dpm_solver(ClassifierFreeGuidance(denoiser, w), REPORT, z, asked, grid)
    found = [step.x for step in walk][-1].reshape(n, 2)
    axis.scatter(*THREE.draw(n).T, s=2, color=GREY)
    axis.scatter(*found.T, s=2, color=COLOURS[0])
    sure = THREE.label_given(found)[:, top].mean()
    words = f"w = {w:g}: {sure:.1%} sure, spread {found.std(0).mean():.2f}"
    axis.plot(*THREE.means[top], "+", color=COLOURS[1], markersize=12)
    axis.set(xlim=(-3, 3), ylim=(-2.6, 3.4), aspect="equal", xticks=[], yticks=[])
    title(axis, words)
figure

# %% [markdown]
# (Grey: all points of all labels. The cross is the true centre; the true spread is 0.5.)
#
# ## Digits
#
# Now with the model `digits`, on its own schedule (EDM's of notebook 1: $\alpha = 1$, and $\sigma$ up to 20). From top
# to bottom $w$ = 0, 0.5, 2 and 5, from the same noise.


# %%
def draw(labels, w):
    """Digits of these labels, guided by w at all noise levels."""
    return model().sample(labels, seed=12, guide_w=w, guide_interval=(0, None), steps=steps).images


steps, labels = amount(10, 2), range(amount(10, 2))
strengths = (0.0, 0.5, 2.0, 5.0)
figure, axes = plot(4, len(labels), (7, 3))
for row, w in zip(axes, strengths, strict=True):
    show_images(row, draw(labels, w) / 127.5 - 1)
    row[0].set_ylabel(f"w = {w:g}", rotation=0, ha="right", va="center", fontsize=8)
figure

# %% [markdown]
# To measure it, let a classifier, *judge B*, read many digits. *Right* is the share that it reads as the label asked for, with
# a 95 % interval (notebook 7). For *spread*, take the 64 numbers by which the judge describes a digit, their variance among
# digits of one label, and divide by the same for real digits: at 1 the digits vary as much as real ones.

# %%
each, strengths = amount(8, 2), amount((0.0, 0.5, 1.0, 2.0, 4.0), (0.0, 2.0))
labels, judge, mnist = np.repeat(np.arange(amount(10, 2)), each), JudgeB(), load_mnist(train=True)


def spread_of(features, own):
    """The variance of features (n, 64) within each label, averaged over labels."""
    return np.mean([features[own == label].var(0).sum() for label in np.unique(labels)])


real = np.concatenate([np.flatnonzero(mnist.labels == label)[:100] for label in np.unique(labels)])
real_spread = spread_of(judge.read(mnist.images[real])[1], mnist.labels[real])
right, spread = [], []
for w in strengths:
    read, features = judge.read(draw(labels, w))
    right.append(wilson(int((read.argmax(1).numpy() == labels).sum()), len(labels)))
    spread.append(spread_of(features, labels) / real_spread)
share, low, high = np.transpose(right)
figure, (left, middle) = plot(1, 2, (9, 2.8))
line(left, strengths, share, band=(low, high), marker="o", markersize=4)
line(middle, strengths, spread, colour=COLOURS[1], marker="o", markersize=4)
middle.axhline(1, color=GREY, linewidth=1)
middle.set_ylim(0, None)
for axis, words in ((left, f"right, of {len(labels)}"), (middle, "spread (grey: real digits)")):
    axis.set_xlabel("w")
    title(axis, words)
figure

# %% [markdown]
# Without guidance some images are not the digit asked for, or no digit at all, and they add to the spread. A little
# guidance removes most of them. More makes the digits alike. Somewhere in between the set is most like real digits, and
# where that is depends on the network: the report's, trained far less, needs a larger $w$ than this one
# ([docs/report.md](../docs/report.md#how-well-it-draws) has both). inkseed's default is a small $w$, and only at some
# noise levels. With little noise guidance changes next to nothing: there both guesses are nearly the same, as the last
# picture of notebook 2 shows. With the most noise it costs more variety than it is worth
# ([2404.07724](https://arxiv.org/abs/2404.07724)).

# %%
how = model().settings()
print(f"guide_w {how.guide_w} where sigma / alpha is from {how.guide_interval}")

# %% [markdown]
# ## In short
#
# Guidance adds to the score $w$ times the gradient of $\log p(c \mid x_t)$, a classifier's. It makes labels surer. It
# costs variety and a second evaluation per step, and samples no longer follow the data's distribution. Other
# libraries call $1 + w$ the "guidance scale". Next: the noise at the beginning.
