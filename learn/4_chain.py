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
# # 4. A whole chain, and fewer steps
#
# Step by step from noise to data. Then the question that every user asks: why not in ten steps?
#
# To know whether a sampler is right, we need a case where the answer is known. So here the "images"
# are points in the plane, drawn from three Gaussians, and the denoiser $D$ is not a network but the exact
# formula. Every error that you see is the sampler's own, but for a small one at the start, which
# is pure noise where the report's schedule still has some signal (notebook 1).

# %%
import torch
from kit import REPORT, THREE, amount, check, digits_on, noise

from inkseed.diffusion.schedule import times
from inkseed.plots import COLOURS, GREY, INK, line, name_ends, plot, show_images, title
from inkseed.samplers import ancestral, ddim, dpm_solver

# %% [markdown]
# ## The exact denoiser of a mixture
#
# A point has label $c$ with probability $p_c$. Given $c$, it is Gaussian around a centre $m_c$, with standard
# deviation $s_c$ in each coordinate. Then $x_t = \alpha x_0 + \sigma \epsilon$ is Gaussian too, with mean
# $\alpha\, m_c$ and variance $V_c = \alpha^2 s_c^2 + \sigma^2$. What is the mean of $x_0$ given $x_t$ and $c$? Again
# there are two sources, to be averaged by precision as in notebook 3: the label says $m_c$, with precision
# $1 / s_c^2$, and $x_t$ says $x_t / \alpha$, with precision $\alpha^2 / \sigma^2$ (their product is
# $\alpha\, x_t / \sigma^2$). Multiply above and below by $s_c^2\, \sigma^2$:
#
# $$D(x_t, t, c) = \frac{m_c / s_c^2 + \alpha\, x_t / \sigma^2}{1 / s_c^2 + \alpha^2 / \sigma^2} = \frac{\sigma^2 m_c + \alpha\, s_c^2\, x_t}{V_c} =
# m_c + \frac{\alpha\, s_c^2}{V_c} (x_t - \alpha\, m_c)$$
#
# If the label is not given, average over labels, each with its probability given $x_t$:
#
# $$D(x_t, t) = \sum_c p(c \mid x_t)\, D(x_t, t, c), \qquad p(c \mid x_t) \propto p_c\; N(x_t;\, \alpha\, m_c,\, V_c)$$
#
# Here $N(x; m, v)$ is the density at $x$ of the Gaussian with mean $m$ and variance $v$ (in the plane, the product
# over both coordinates). This is `Mixture.guess` in [kit.py](kit.py).
#
# Now the whole chain, with the step of notebook 3, adding $\sqrt\beta\, z$ as the report does. It is also called *ancestral
# sampling*, and `ancestral` is inkseed's function for it. It is given the denoiser, the schedule, the starting noise, a label for each point (-1 is none), the times to
# step through, and a function that draws fresh noise; it yields every state on the way. ("Images" have the
# shape (N, channels, height, width), so N points of the plane are (N, 1, 1, 2).)

# %%
denoiser, n = THREE.denoiser(REPORT), amount(2000, 100)
free, z = torch.full((n,), -1), noise(n, 1, 1, 2).double()
fresh = torch.Generator().manual_seed(5)


def new_noise():
    return torch.randn(n, 1, 1, 2, generator=fresh, dtype=torch.float64)


grid = times(REPORT, amount(400, 40))
states = [z, *(step.x for step in ancestral(denoiser, REPORT, z, free, grid, new_noise))]
figure, axes = plot(1, 5, (11, 2.6))
for axis, share in zip(axes, (0, 0.4, 0.7, 0.9, 1), strict=True):
    k = round(share * (len(states) - 1))
    axis.scatter(*states[k].reshape(n, 2).T, s=2, color=COLOURS[0])
    axis.set(xlim=(-3, 3), ylim=(-3, 3), aspect="equal", xticks=[], yticks=[])
    title(axis, f"t = {float(grid[k]):.2f}")
truth = THREE.draw(n)
axes[-1].scatter(*truth.T, s=2, color=COLOURS[1], alpha=0.5)
axes[-1].text(-2.8, -2.8, "orange: true points", fontsize=8, color=COLOURS[1])
figure

# %% [markdown]
# ## DDIM: keep the noise instead of drawing it anew
#
# The chain took some noise out at each step and put fresh noise in. Is the fresh noise needed? The guess
# $D$ splits $x_t$ into an image and a noise, $\epsilon = (x_t - \alpha_t D) / \sigma_t$. **DDIM** simply mixes the same two
# again, in the proportions of the earlier time:
#
# $$x_s = \alpha_s\, D + \sigma_s\, \epsilon$$
#
# No $z$: the same start always leads to the same end.
#
# Why is that allowed? Suppose that $D$ were the true $x_0$. Then $\epsilon$ is the true noise, and $x_s$ is our one
# formula at time $s$. The step of notebook 3 gives that formula as well, only with partly new noise. Put
# $x_t = \alpha_t D + \sigma_t \epsilon$ into it, with $\alpha_t = a\, \alpha_s$. In front of $D$ we get
# $\alpha_s (\beta + a^2 \sigma_s^2) / \sigma_t^2 = \alpha_s$. In front of $\epsilon$ we get
# $\sigma_s^2\, a / \sigma_t$, whose square is
# $\sigma_s^2 \cdot a^2 \sigma_s^2 / \sigma_t^2 = \sigma_s^2 (\sigma_t^2 - \beta) / \sigma_t^2 = \sigma_s^2 - v$. So
# it reads
#
# $$x_s = \alpha_s\, D + \sqrt{\sigma_s^2 - v}\; \epsilon + \sqrt v\; z$$
#
# It keeps a part of the old noise and draws the rest anew, and the two variances add up to $\sigma_s^2$. DDIM keeps
# all of the old noise. But $D$ is only a mean, so this is no proof. Yet it can be proved that in small steps both
# give $x_t$ the same distribution at each time ([2011.13456](https://arxiv.org/abs/2011.13456), section 4.3). And
# smooth paths can be followed in fewer, larger steps than jittery ones.
#
# **Exercise 4.1.** Write this step.


# %%
def ddim_step(x_t, guess, alpha_t, sigma_t, alpha_s, sigma_s):
    return ...


check("4.1", ddim_step)

# %% [markdown]
# <details><summary>Solution</summary>The next cell.</details>


# %% jupyter={"source_hidden": true} tags=["hide-input", "solution"]
def ddim_step(x_t, guess, alpha_t, sigma_t, alpha_s, sigma_s):
    eps = (x_t - alpha_t * guess) / sigma_t
    return alpha_s * guess + sigma_s * eps


check("4.1", ddim_step)

# %% [markdown]
# The paths of both from the same eight starts, in 100 steps. (The starts are 1.5 times as wide as unit noise,
# so that the paths are easier to tell apart.)

# %%
start = 1.5 * noise(8, 1, 1, 2, seed=3).double()
path_noise = torch.Generator().manual_seed(1)


def eight():
    return torch.randn(8, 1, 1, 2, generator=path_noise, dtype=torch.float64)


figure, axes = plot(1, 2, (8, 3.6))
few = times(REPORT, 100)
for axis, sampler, words in (
    (axes[0], ancestral, "ancestral (DDPM): fresh noise"),
    (axes[1], ddim, "DDIM: none"),
):
    walk = sampler(denoiser, REPORT, start, torch.full((8,), -1), few, eight)
    path = torch.stack([start, *(step.x for step in walk)])[:, :, 0, 0]
    axis.scatter(*THREE.draw(500).T, s=2, color=GREY)
    for k in range(8):
        line(axis, *path[:, k].T, colour=COLOURS[k % len(COLOURS)], linewidth=1)
        axis.plot(*path[-1, k], "o", color=INK, markersize=4)
    axis.set(xlim=(-3.2, 3.2), ylim=(-3.2, 3.2), aspect="equal", xticks=[], yticks=[])
    title(axis, words)
figure

# %% [markdown]
# ## Why large steps go wrong, and how to do better
#
# DDIM holds $D$ fixed during a step. But $D$ changes along the way: on the curved paths above it turns from
# the centre towards one of the Gaussians. Using the value at the start of the step is *Euler's method*
# of numerical mathematics. Its error halves when the number of steps doubles.
#
# Divide DDIM's step by $\sigma_s$ and put $\epsilon = (x_t - \alpha_t D) / \sigma_t$ in:
#
# $$\frac{x_s}{\sigma_s} = \frac{x_t}{\sigma_t} + \left(\frac{\alpha_s}{\sigma_s} - \frac{\alpha_t}{\sigma_t}\right) D$$
#
# So in a step $x / \sigma$ grows by $D$ times the growth of $\alpha / \sigma$. Write $\lambda = \log(\alpha / \sigma)$, so that $\alpha / \sigma = e^\lambda$, which grows
# by $e^\lambda\, d\lambda$ in a tiny step. In the limit of tiny steps the whole growth is an integral, $\int D\, e^\lambda\, d\lambda$. DDIM
# replaces $D$ in it by its value where the step begins. Its value in the *middle* would be far better, as in the midpoint
# rule for integrals.
#
# **DPM-Solver++(2M)** remembers the guess $D'$ of the step before, and assumes that $D$, as a function of $\lambda$, goes on along
# the straight line through both. Let this step be $h$ long in $\lambda$ and the one before $h'$. Half a step further on, the line is at
#
# $$\tilde D = D + \frac{h / 2}{h'} (D - D')$$
#
# and DDIM's step is taken with $\tilde D$ instead of $D$. No further evaluation of the network is needed. Two steps use $D$
# itself: the first, which has no $D'$, and the last, where $\sigma_s = 0$ makes $h$ infinite.
#
# **Exercise 4.2.** Write $\tilde D$.


# %%
def in_the_middle(now, before, h, h_before):
    return ...


check("4.2", in_the_middle)

# %% [markdown]
# <details><summary>Solution</summary>The next cell.</details>


# %% jupyter={"source_hidden": true} tags=["hide-input", "solution"]
def in_the_middle(now, before, h, h_before):
    return now + h / (2 * h_before) * (now - before)


check("4.2", in_the_middle)

# %% [markdown]
# DDIM and DPM-Solver++ end, with enough steps, at the same points. How far are they from there with fewer? The steps
# are even in $\lambda$ (`"log_snr"`). The plot has logarithms on both axes: a slope of -1 (*first order*) means that
# twice the steps halve the error, and a slope of -2 (*second order*) that they quarter it.


# %%
def end(sampler, steps):
    grid = times(REPORT, steps, "log_snr")
    return [step.x for step in sampler(denoiser, REPORT, z, free, grid)][-1]


counts = amount((5, 10, 20, 40, 80, 160), (5, 10, 20))
exact = end(dpm_solver, amount(1500, 100))
figure, axis = plot(size=(6, 3.2))
for sampler, words, colour in (
    (ddim, "DDIM", COLOURS[1]),
    (dpm_solver, "DPM-Solver++", COLOURS[0]),
):
    errors = [float((end(sampler, k) - exact).flatten(1).norm(dim=1).median()) for k in counts]
    line(axis, counts, errors, words, colour, marker="o", markersize=4)
axis.set(xscale="log", yscale="log", xlabel="steps", ylabel="median distance from the exact end")
axis.set_xticks(counts, [str(k) for k in counts])
axis.minorticks_off()
title(axis, "second order pays")
name_ends(axis)
figure

# %% [markdown]
# ## Digits
#
# The same with the model `digits`: digits 0 to 9 from the same noise, by both samplers. The number on
# the left is the number of steps.

# %%
guess, digits = digits_on(REPORT), torch.arange(amount(10, 3))
z = noise(10, 1, 28, 28, seed=4)[: len(digits)]
rows = [(sampler, k) for sampler in (ddim, dpm_solver) for k in amount((3, 6, 12, 25), (3,))]
figure, axes = plot(len(rows), len(digits), (7, 0.72 * len(rows)))
for (sampler, steps), row in zip(rows, axes, strict=True):
    grid = times(REPORT, steps, "log_snr")
    images = [step.x for step in sampler(guess, REPORT, z, digits, grid)][-1]
    show_images(row, images[:, 0])
    words = "DDIM" if sampler is ddim else "DPM-Solver++"
    row[0].set_ylabel(f"{words} {steps}", rotation=0, ha="right", va="center", fontsize=8)
figure

# %% [markdown]
# With a network there is a second error: its own $D$ is not exact, and more steps do not mend that. So
# more than 20 or so steps rarely pay, and fresh noise, which washes out errors made earlier, can even
# help: [docs/samplers.md](../docs/samplers.md) measures both.
#
# ## In short
#
# The chain of notebook 3 works with many steps. Without fresh noise (DDIM) the paths are smooth;
# with the line through two guesses (DPM-Solver++), 20 steps come about as near to the exact end as DDIM's 160.
# Next: making it draw what we ask for.
