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
# # 3. One step back, derived
#
# We have $x_t$ and want $x_s$, the same image with less noise ($s < t$). This notebook derives how, from
# Bayes and some school algebra, and arrives at the report's equation (2), with a division that is
# missing where the report prints it.
#
# From the notebooks before: $x_t = \alpha_t x_0 + \sigma_t \epsilon$; to get from $s$ to $t$, multiply by
# $a = \alpha_t / \alpha_s$ and add noise of variance $\beta = \sigma_t^2 - a^2 \sigma_s^2$; and a network's
# $D(x_t, t)$ is the mean of $x_0$ given $x_t$. We look at one pixel. The others go the same way, because each has its
# own, independent noise. (Only $D$ looks at all pixels of $x_t$ to guess one.)

# %%
import math

import numpy as np
import torch
from kit import REPORT, THREE, amount, check, noise

from inkseed.plots import COLOURS, GREY, INK, line, name_ends, plot, title
from inkseed.samplers import posterior

# %% [markdown]
# ## Step 1: pretend that we know the image
#
# Then we know two things about $x_s$, one from each side:
#
# * from the image: $x_s = \alpha_s x_0 + \sigma_s \epsilon$, so $x_s$ is near $\alpha_s x_0$, with variance $\sigma_s^2$;
# * from the later state: $x_t = a\, x_s + \sqrt\beta\, z$, so $a\, x_s$ is near $x_t$, with variance $\beta$.
#
# Bayes multiplies the two densities ($\propto$ means "equal up to a factor that does not depend on $x_s$"):
#
# $$p(x_s \mid x_t, x_0) \;\propto\; p(x_s \mid x_0)\; p(x_t \mid x_s) \;\propto\;
# \exp\left(-\frac{(x_s - \alpha_s x_0)^2}{2 \sigma_s^2} - \frac{(x_t - a\,x_s)^2}{2 \beta}\right)$$
#
# (The noise from $s$ to $t$ does not care about $x_0$, so $p(x_t \mid x_s, x_0)$ is $p(x_t \mid x_s)$.) The exponent
# is quadratic in $x_s$, so $x_s$ is Gaussian. To read off its mean $m$ and variance $v$, multiply out and compare with
# $-\frac{(x_s - m)^2}{2v} = -\frac{1}{2v} x_s^2 + \frac{m}{v} x_s - \ldots$:
#
# $$\text{in front of } {-\tfrac12} x_s^2:\quad \frac1v = \frac{1}{\sigma_s^2} + \frac{a^2}{\beta} \qquad\qquad
# \text{in front of } x_s:\quad \frac{m}{v} = \frac{\alpha_s x_0}{\sigma_s^2} + \frac{a\, x_t}{\beta}$$
#
# In words: *precisions* (one over variance) add, and the mean is the average of the two sources,
# each weighted by its precision. (The image says $\alpha_s x_0$, with precision $1 / \sigma_s^2$. The later state says
# $x_t / a$, with variance $\beta / a^2$, so precision $a^2 / \beta$.)
#
# Bring the first equation to one fraction: $\frac1v = \frac{\beta + a^2 \sigma_s^2}{\sigma_s^2\,
# \beta} = \frac{\sigma_t^2}{\sigma_s^2\, \beta}$, because $\beta + a^2\sigma_s^2 = \sigma_t^2$. So
#
# $$\boxed{\;v = \frac{\sigma_s^2}{\sigma_t^2}\,\beta, \qquad m = v \left(\frac{\alpha_s x_0}{\sigma_s^2} + \frac{a\,x_t}{\beta}\right)
# = \frac{\beta\, \alpha_s}{\sigma_t^2}\, x_0 + \frac{\sigma_s^2\, a}{\sigma_t^2}\, x_t\;}$$
#
# The last step of a chain goes to $s = 0$, where $\sigma_s = 0$, $\alpha_s = 1$ and $\beta = \sigma_t^2$: then
# $m = x_0$ and $v = 0$. So, once a guess takes the place of $x_0$ (step 2), the chain ends with its last guess. In a
# chain of many steps $t$ is so small by then that the guess is no blur.
#
# **Exercise 3.1.** Return $m$ and $\sqrt v$.


# %%
def step_back(x_t, x_0, alpha_t, sigma_t, alpha_s, sigma_s):
    a = alpha_t / alpha_s
    beta = sigma_t**2 - a**2 * sigma_s**2
    return ..., ...


check("3.1", step_back)

# %% [markdown]
# <details><summary>Solution</summary>The next cell.</details>


# %% jupyter={"source_hidden": true} tags=["hide-input", "solution"]
def step_back(x_t, x_0, alpha_t, sigma_t, alpha_s, sigma_s):
    a = alpha_t / alpha_s
    beta = sigma_t**2 - a**2 * sigma_s**2
    mean = beta * alpha_s / sigma_t**2 * x_0 + sigma_s**2 * a / sigma_t**2 * x_t
    return mean, math.sqrt(sigma_s**2 / sigma_t**2 * beta)


check("3.1", step_back)

# %% [markdown]
# ### Believe it? Count instead
#
# Fix $x_0 = 1$. Draw many pairs $(x_s, x_t)$ by adding noise forwards. Keep the pairs whose $x_t$ lies
# within 0.02 of 0.2, and look at their $x_s$. This uses no formula, only counting.

# %%
t, s = 0.6, 0.5
(alpha_t, sigma_t), (alpha_s, sigma_s) = REPORT.level(t), REPORT.level(s)
rng, n = np.random.default_rng(0), amount(2_000_000, 100_000)
x_s = alpha_s * 1.0 + sigma_s * rng.standard_normal(n)
a = alpha_t / alpha_s
x_t = a * x_s + math.sqrt(sigma_t**2 - a**2 * sigma_s**2) * rng.standard_normal(n)
kept = x_s[abs(x_t - 0.2) < 0.02]

m, deviation = step_back(0.2, 1.0, alpha_t, sigma_t, alpha_s, sigma_s)
grid = np.linspace(-3, 3, 200)
bell = np.exp(-((grid - m) ** 2) / (2 * deviation**2)) / (deviation * math.sqrt(2 * math.pi))
figure, axis = plot(size=(6, 3))
axis.hist(x_s, 80, range=(-3, 3), density=True, color=GREY)
axis.hist(kept, 80, range=(-3, 3), density=True, color=COLOURS[3], alpha=0.6)
line(axis, grid, bell, colour=INK)
for height, colour, words in (
    (0.9, "#777777", "grey: all x_s"),
    (0.8, COLOURS[0], f"blue: the {len(kept):,} with x_t near 0.2"),
    (0.7, INK, "line: the formula"),
):
    axis.text(0.02, height, words, color=colour, transform=axis.transAxes)
axis.set(xlabel="$x_s$", yticks=[])
title(axis, "x_s, before and after x_t is known")
figure

# %% [markdown]
# ## Step 2: admit that we do not
#
# When we draw a new image (this is called *sampling*), there is no $x_0$, only a network's guess $D(x_t, t)$.
# We put the guess in its place:
#
# $$x_s = \frac{\beta\, \alpha_s}{\sigma_t^2}\, D(x_t, t) + \frac{\sigma_s^2\, a}{\sigma_t^2}\, x_t + \sqrt v\; z, \qquad z \sim N(0, 1)$$
#
# Why is that allowed, if $D$ is a blur and no digit? Two reasons.
#
# * **The mean is exactly right**, if $D$ is the posterior mean. Were $x_0$ known, the mean of $x_s$ would be $m(x_0)$; it
#   is not, so average $m(x_0)$ over all $x_0$ given $x_t$. And $m$ is a straight-line function of $x_0$, whose mean is the
#   function of the mean: $E[x_s \mid x_t] = E\big[m(x_0) \mid x_t\big] = m\big(E[x_0 \mid x_t]\big)$.
#   That is what notebook 2 was for: a network that guesses the *mean* is just what is needed.
# * **The shape is nearly right.** The true $p(x_s \mid x_t)$ is a mixture of such Gaussians, one for each possible
#   $x_0$. Their means $m(x_0)$ differ, and the variance of a mixture is the mean of the variances plus the variance
#   of the means: $v + \left(\beta\, \alpha_s / \sigma_t^2\right)^2 \mathrm{Var}(x_0 \mid x_t)$. We use $v$ alone. But
#   in a small step $\beta$ is small. $v$ is about $\beta$, and the term left out goes with $\beta^2$, which is far
#   smaller.
#
# Do the small errors add up to a large one? A chain of steps half as long has twice as many steps. But each leaves
# out a quarter of what a long one does, so all together leave out half as much. In this sense many small steps are
# right, and few large ones are not. The next picture shows it for points in the plane, from a mixture of three
# Gaussians that we will use from now on: `THREE` in [kit.py](kit.py), whose exact $D$ is `THREE.guess` (notebook 4
# derives it). Blue is the true $p(x_s \mid x_t)$ for $x_t$ near (0.1, 0.1), by counting, and the line is the single
# Gaussian. Only the first coordinate is shown.

# %%
figure, axes = plot(1, 3, (9, 2.6))
t, here = 0.7, torch.tensor([0.1, 0.1])
for axis, s in zip(axes, (0.68, 0.55, 0.3), strict=True):
    (alpha_t, sigma_t), (alpha_s, sigma_s) = REPORT.level(t), REPORT.level(s)
    n, a = amount(1_000_000, 50_000), alpha_t / alpha_s
    x_s = alpha_s * THREE.draw(n) + sigma_s * noise(n, 2, seed=1)
    x_t = a * x_s + math.sqrt(sigma_t**2 - a**2 * sigma_s**2) * noise(n, 2, seed=2)
    kept = x_s[(x_t - here).norm(dim=1) < 0.1][:, 0]
    guess = THREE.guess(here[None].double(), alpha_t, sigma_t)[0, 0]
    m, deviation = step_back(here[0].item(), guess.item(), alpha_t, sigma_t, alpha_s, sigma_s)
    grid = np.linspace(m - 4 * deviation - 0.5, m + 4 * deviation + 0.5, 200)
    bell = np.exp(-((grid - m) ** 2) / (2 * deviation**2)) / (deviation * math.sqrt(2 * math.pi))
    axis.hist(kept, 40, range=(grid[0], grid[-1]), density=True, color=COLOURS[3], alpha=0.6)
    line(axis, grid, bell, colour=INK)
    axis.set(xlabel="$x_s$", yticks=[])
    title(axis, f"from t = {t} to s = {s}")
figure

# %% [markdown]
# ## Step 3: the report's equation (2)
#
# The report's network guesses the noise, so write $D = (x_t - \sigma_t\, \epsilon) / \alpha_t$, with $\epsilon$ the guess.
# For neighbouring steps of its schedule, $a = \sqrt{1 - \beta}$ (notebook 1). Put this $D$ into the formula of step 2, and
# collect the terms with $x_t$:
#
# $$\frac{\beta\, \alpha_s}{\sigma_t^2\, \alpha_t} + \frac{\sigma_s^2\, a}{\sigma_t^2} = \frac{1}{\sigma_t^2\, a}\left(\beta + a^2 \sigma_s^2\right) =
# \frac1a \qquad\text{(since } \alpha_s / \alpha_t = 1/a \text{ and } \beta + a^2\sigma_s^2 = \sigma_t^2)$$
#
# and those with $\epsilon$: $\;-\frac{\beta\, \alpha_s}{\sigma_t^2} \cdot \frac{\sigma_t}{\alpha_t} = -\frac{1}{a} \cdot \frac{\beta}{\sigma_t}$. Together
#
# $$\boxed{\;x_s = \frac{1}{\sqrt{1 - \beta}} \left(x_t - \frac{\beta}{\sigma_t}\, \epsilon\right) + \sqrt v\; z\;}$$
#
# The report prints it without the division by $\sigma_t = \sqrt{1 - \bar\alpha_t}$. Near $t = 1$, where sampling
# begins, $\sigma_t$ is nearly 1 and nothing shows. Near $t = 0$, where $\sigma_t$ is small, too little noise is taken
# out ([docs/report.md](../docs/report.md) has the picture). The report also adds $\sqrt\beta\, z$ instead of
# $\sqrt v\, z$, as DDPM's paper allows: $v$ is right if all images are the same (then
# $\mathrm{Var}(x_0 \mid x_t) = 0$), $\beta$ if they are themselves unit noise, and real data lie in between. As
# $v = \beta\, \sigma_s^2 / \sigma_t^2$, the two are nearly the same, except in the last steps.
#
# **Exercise 3.2.** Return the mean of equation (2), given $\beta$ and $\bar\alpha_t$, where
# $\sigma_t = \sqrt{1 - \bar\alpha_t}$.


# %%
def equation_2(x_t, eps, beta, abar):
    return ...


check("3.2", equation_2)

# %% [markdown]
# <details><summary>Solution</summary>The next cell.</details>


# %% jupyter={"source_hidden": true} tags=["hide-input", "solution"]
def equation_2(x_t, eps, beta, abar):
    return (x_t - beta / math.sqrt(1 - abar) * eps) / math.sqrt(1 - beta)


check("3.2", equation_2)

# %% [markdown]
# In inkseed the step is the function `posterior`. Its mean agrees with ours:

# %%
x_t, eps, i = 0.4, -1.1, 250
t, s = i / 400, (i - 1) / 400
alpha_t, sigma_t = REPORT.level(t)
x_0 = (x_t - sigma_t * eps) / alpha_t
print("derived:", equation_2(x_t, eps, float(REPORT.beta[i]), float(REPORT.alpha_bar[i])))
print("inkseed:", float(posterior(REPORT, torch.tensor(x_t).double(), x_0, t, s)[0]))

# %% [markdown]
# ## How much does the division matter?
#
# Take one pixel whose true value is 0.7, and let every guess be perfect. Then the chain should end at
# exactly 0.7, with no noise left. We walk it many times and look at the spread.

# %%
figure, axis = plot(size=(6, 3))
steps, walks = np.arange(400, -1, -1), amount(300, 40)
for words, divide, colour in (
    ("with the division", True, COLOURS[0]),
    ("as printed", False, COLOURS[1]),
):
    rng = np.random.default_rng(0)
    x, spreads = rng.standard_normal(walks), [1.0]
    for i in range(400, 0, -1):
        beta, abar = float(REPORT.beta[i]), float(REPORT.alpha_bar[i])
        eps = (x - math.sqrt(abar) * 0.7) / math.sqrt(1 - abar)  # a perfect guess
        share = beta / math.sqrt(1 - abar) if divide else beta
        x = (x - share * eps) / math.sqrt(1 - beta)
        if i > 1:
            x = x + math.sqrt(beta) * rng.standard_normal(walks)
        spreads.append(x.std())
    line(axis, steps, spreads, words, colour)
axis.set_xlim(400, 0)
axis.set(xlabel="steps to go", ylabel="standard deviation")
title(axis, "the noise that is left in a pixel of known value")
name_ends(axis)
figure

# %% [markdown]
# ## In short
#
# Knowing $x_0$, Bayes gives $x_s$: an average of what the image says and what the later state says, weighted
# by precision. Not knowing it, we use its mean, which is exact for the mean of $x_s$ and nearly right
# for its shape if the step is small. Sampling is then a short loop: begin with noise; ask for $D$; mix it with
# $x_t$ and add a little noise; go on until $t = 0$. Next: all the steps, and then fewer.
