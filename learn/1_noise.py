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
# # 1. Noising, and schedules
#
# A diffusion model learns to remove noise, step by step, until an image is left. So first: how is noise
# added?
#
# You know Python, and from probability: mean, variance, the Gaussian, conditional probability.
# After this notebook you know what $x_t$, $\alpha_t$ and $\sigma_t$ are, why a chain of small steps
# is the same as one large one, and what a *schedule* chooses.

# %%
import numpy as np
import torch
from kit import REPORT, amount, check, each_digit, noise

from inkseed.diffusion.schedule import Cosine, Flow, VarianceExploding
from inkseed.plots import COLOURS, line, name_ends, plot, show_images, title

# %% [markdown]
# ## One formula
#
# Let $x_0$ be an image: 28 by 28 numbers from -1 (paper) to 1 (ink). *Time* $t$ goes from 0, the clean
# image, to 1, noise. Draw $\epsilon$, as many independent Gaussian numbers of mean 0 and variance 1,
# and mix:
#
# $$x_t = \alpha_t\, x_0 + \sigma_t\, \epsilon \qquad\text{(the report's equation 1, in our letters)}$$
#
# $\alpha_t$ says how much of the image is left, and $\sigma_t$ how much noise there is. They are
# plain numbers, the same for all pixels. A **schedule** is the pair of functions $\alpha, \sigma$ of $t$.
# These letters keep their meaning in all seven notebooks.
#
# *The report* is the lab report that inkseed grew out of ([docs/report.md](../docs/report.md)). In the code,
# `REPORT` is its schedule, and `REPORT.level(t)` gives $\alpha$ and $\sigma$ at one time.

# %%
x_0 = each_digit()[2:4]
times = torch.linspace(0, 1, 8, dtype=torch.float64)
eps = noise(*x_0.shape)
figure, axes = plot(2, 8, (9, 2.6))
for k, t in enumerate(times):
    alpha, sigma = REPORT.level(t)
    names = [f"t = {t:.2f}\nα {alpha:.2f}, σ {abs(sigma):.2f}"]
    show_images(axes[:, k], (alpha * x_0 + sigma * eps)[:, 0], names)
figure

# %% [markdown]
# ## A chain of small steps is one large step
#
# The report follows a paper called DDPM ([2006.11239](https://arxiv.org/abs/2006.11239)), and adds noise in
# $n_T = 400$ small steps. Step $i$ shrinks what is there a little and adds a little new noise of
# variance $\beta_i$. (In this section the index counts steps: $x_i$ is $x_t$ at $t = i / n_T$.)
#
# $$x_i = \sqrt{1 - \beta_i}\; x_{i-1} + \sqrt{\beta_i}\; z_i, \qquad z_i \sim N(0, 1)\text{, independent}$$
#
# ($N(0, 1)$ is the Gaussian of mean 0 and variance 1. A factor $k$ in front makes its variance $k^2$.) The $\beta_i$
# rise evenly from 0.0001 to 0.02. Why those two factors? If $x_{i-1}$ has variance 1, then $x_i$ has
# $(1 - \beta_i) \cdot 1 + \beta_i = 1$: the numbers neither grow nor die out.
#
# Now take two steps.
#
# $$x_2 = \sqrt{(1 - \beta_2)(1 - \beta_1)}\; x_0 + \sqrt{(1 - \beta_2)\,\beta_1}\; z_1 + \sqrt{\beta_2}\; z_2$$
#
# The two noises are independent Gaussians, so their sum is a Gaussian, and its variance is the sum of
# theirs: $(1 - \beta_2)\beta_1 + \beta_2 = 1 - (1 - \beta_2)(1 - \beta_1)$. So the sum can be written as the root of
# this variance times *one* Gaussian $\epsilon$ of variance 1. Write $\bar\alpha_i$ ("alpha bar")
# for the product $(1 - \beta_1) \cdots (1 - \beta_i)$. Then two steps give $\sqrt{\bar\alpha_2}\, x_0 +
# \sqrt{1 - \bar\alpha_2}\, \epsilon$, and by the same argument $i$ steps give
#
# $$x_i = \sqrt{\bar\alpha_i}\; x_0 + \sqrt{1 - \bar\alpha_i}\; \epsilon$$
#
# That is our one formula, with $\alpha_t = \sqrt{\bar\alpha_i}$, $\sigma_t = \sqrt{1 - \bar\alpha_i}$ and
# $t = i / n_T$. So nobody needs to walk: one can jump to any $t$ at once. Training (notebook 2) does. Let us
# see whether walking and jumping agree, on a single pixel of value 0.7.

# %%
n, betas = amount(20_000, 2_000), np.linspace(1e-4, 0.02, 400)
rng = np.random.default_rng(0)
x = np.full(n, 0.7)
walked = []
for beta in betas:
    x = np.sqrt(1 - beta) * x + np.sqrt(beta) * rng.standard_normal(n)
    walked.append((x.mean(), x.std()))
walked = np.array(walked)
abar = np.cumprod(1 - betas)

figure, (left, right) = plot(1, 2, (9, 2.8))
steps = np.arange(1, 401)
for axis, seen, formula, words in (
    (left, walked[:, 0], np.sqrt(abar) * 0.7, "mean of the pixel"),
    (right, walked[:, 1], np.sqrt(1 - abar), "its standard deviation"),
):
    line(axis, steps, seen, f"{n:,} walks", COLOURS[1], linewidth=4, alpha=0.5)
    line(axis, steps, formula, "the formula", COLOURS[0])
    axis.set_xlabel("step i")
    title(axis, words)
    name_ends(axis)
figure

# %% [markdown]
# **Exercise 1.1.** Return $\alpha$ and $\sigma$ after every step, given all the betas. (`np.cumprod` gives the running products.)
#
# Exercises are like this one: write your answer in place of `...`, run the cell, and the check says that it is
# right, or what is off.


# %%
def scales(betas):
    return ...


check("1.1", scales)

# %% [markdown]
# <details><summary>Solution</summary>The next cell, which Jupyter shows folded.</details>


# %% jupyter={"source_hidden": true} tags=["hide-input", "solution"]
def scales(betas):
    abar = np.cumprod(1 - betas)
    return np.sqrt(abar), np.sqrt(1 - abar)


check("1.1", scales)

# %% [markdown]
# ## What schedules differ in
#
# Only the ratio counts: divide $x_t$ by $\alpha_t$, and it is $x_0 + r_t\, \epsilon$ with $r_t = \sigma_t /
# \alpha_t$. So two schedules with the same ratios show a network the same pictures up to a factor, only at
# other times. The **signal-to-noise ratio** is $\mathrm{SNR}_t = \alpha_t^2 / \sigma_t^2 = 1 / r_t^2$. It falls
# as $t$ grows, and schedules differ in how much of the time they spend at each ratio. Four of them:
#
# * linear betas, the report's: the chain above;
# * cosine: nearly $\alpha = \cos(\pi t / 2)$, $\sigma = \sin(\pi t / 2)$;
# * flow: $\alpha = 1 - t$, $\sigma = t$;
# * EDM, named after a paper ([2206.00364](https://arxiv.org/abs/2206.00364)): $\alpha = 1$, $\sigma = 20\, t^7$.
#   The image never shrinks; at $t = 1$ it drowns in noise 20 times as large.

# %%
t = torch.linspace(0.01, 0.99, 99, dtype=torch.float64)
schedules = {
    "linear betas": REPORT,
    "cosine": Cosine(),
    "flow": Flow(),
    "EDM": VarianceExploding(20.0),
}
figure, axes = plot(1, 3, (11, 3))
for (name, schedule), colour in zip(schedules.items(), COLOURS, strict=False):
    alpha, sigma = schedule(t)
    for axis, y in zip(axes, (alpha, sigma, 2 * (alpha / sigma).log10()), strict=True):
        line(axis, t, y, name, colour)
axes[1].set_ylim(0, 2)  # EDM's goes on to 20
axes[2].set_ylim(-5, 6)
for axis, words in zip(axes, ("α, the signal", "σ, the noise", "log10 of the SNR"), strict=True):
    title(axis, words)
    axis.set_xlabel("time t")
name_ends(axes[2])
figure

# %% [markdown]
# With the report's schedule some signal is left at the very end. Training never shows the network
# pure noise, yet drawing an image (notebook 4) starts from pure noise. That is a small flaw of the report's
# schedule, and of many others ([2305.08891](https://arxiv.org/abs/2305.08891)).

# %%
alpha, sigma = REPORT.level(1.0)
print(f"at t = 1: alpha {alpha:.3f}, sigma {sigma:.3f}")

# %% [markdown]
# ## From any time to any later time
#
# Let $s < t$. How does one get from $x_s$ to $x_t$? Shrink first, by $a = \alpha_t / \alpha_s$, so that the
# signal is right: $a\, x_s = \alpha_t x_0 + a\, \sigma_s\, \epsilon$. Its noise has variance $a^2 \sigma_s^2$; it should have
# $\sigma_t^2$. So add fresh noise, that is, noise independent of all before, with the missing variance:
#
# $$\beta_{t|s} = \sigma_t^2 - \left(\frac{\alpha_t}{\alpha_s}\right)^2 \sigma_s^2$$
#
# Read $\beta_{t|s}$ as "beta from $s$ to $t$"; later notebooks write just $\beta$. For neighbours, $s = t - 1/n_T$,
# it is the report's $\beta_i$. Notebook 3 needs it.
#
# **Exercise 1.2.** Write this function, and check by hand that it returns $\beta_i$ for two
# neighbours of the report's schedule.


# %%
def added_variance(alpha_t, sigma_t, alpha_s, sigma_s):
    return ...


check("1.2", added_variance)

# %% [markdown]
# <details><summary>Solution</summary>The next cell. By hand: α² is ᾱ, so (αₜ / αₛ)² = ᾱᵢ / ᾱᵢ₋₁ = 1 − βᵢ,
# and σ² is 1 − ᾱ. So it is 1 − ᾱᵢ − (1 − βᵢ)(1 − ᾱᵢ₋₁) = 1 − ᾱᵢ − (1 − βᵢ) + (1 − βᵢ) ᾱᵢ₋₁, where the last
# term is ᾱᵢ again. What is left is βᵢ.</details>


# %% jupyter={"source_hidden": true} tags=["hide-input", "solution"]
def added_variance(alpha_t, sigma_t, alpha_s, sigma_s):
    return sigma_t**2 - (alpha_t / alpha_s * sigma_s) ** 2


check("1.2", added_variance)
i = 200
print(added_variance(*REPORT.level(i / 400), *REPORT.level((i - 1) / 400)), float(REPORT.beta[i]))

# %% [markdown]
# ## In short
#
# $x_t = \alpha_t x_0 + \sigma_t \epsilon$, whether one jumps or walks. A schedule chooses $\alpha$ and $\sigma$; what
# a network sees depends on their ratio alone. Next: what a network that is shown $x_t$ should answer.
