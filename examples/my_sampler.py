"""A sampler of your own, in one file: inkseed write 2026 --sampler examples/my_sampler.py

Between DDIM, which draws no noise on its way, and DDPM, which draws as much as the chain's own
statistics have: half of it. What a sampler gets and gives is explained in docs/samplers.md.
"""

from itertools import pairwise

from inkseed.samplers import Step, posterior, register


@register("half_noise", steps=20)
def half_noise(denoiser, schedule, x_T, condition, times, noise):
    """DDIM's family at eta 0.5."""
    x = x_T
    for t, s in pairwise(times):
        x_0 = denoiser(x, t, condition)  # the guess at the image, by the request's guidance
        mean, deviation = posterior(schedule, x, x_0, t, s, eta=0.5)
        x = mean + deviation * noise() if s > 0 else mean
        yield Step(float(s), x, x_0)


if __name__ == "__main__":
    import inkseed

    model = inkseed.load("digits")
    drawn = model.sample(labels=range(10), sampler="half_noise")
    print(f"{len(drawn.images)} digits at {drawn.nfe} network evaluations each")
