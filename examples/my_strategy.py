"""A noise strategy of your own, in one file: inkseed write 2026 --noise examples/my_strategy.py

Of a few starting noises for each digit, keep the one whose image holds the most ink. What a
strategy gets and gives is explained in docs/noise.md.
"""

from inkseed.noise import SEARCH, Start, Task, register


@register("boldest", SEARCH)
def boldest(task: Task) -> Start:
    """The candidate whose image holds the most ink."""
    tries = task.tries()  # task.candidates noises for each image, and what belongs to them
    x = task.sampler.images(tries.z, tries.keys, tries.condition)  # in [-1, 1], ink +1
    ink = x.clamp(-1, 1).mean((1, 2, 3))
    return tries.best(ink, x)


if __name__ == "__main__":
    import inkseed

    model = inkseed.load("digits")
    drawn = model.sample(labels=range(10), noise="boldest", candidates=4)
    print(f"{len(drawn.images)} digits at {drawn.nfe} network evaluations each")
