"""One batch of a request: the strategy's starting noise, then the sampler's steps to the images."""

from torch import Tensor

from inkseed.errors import InkseedError
from inkseed.model.request import start_of
from inkseed.model.run import BoundSampler
from inkseed.noise import Strategy, Task
from inkseed.samplers import Step


def draw(
    run: BoundSampler, task: Task, strategy: Strategy, trace: bool
) -> tuple[Tensor, list[Step]]:
    """The batch's unit noise (N, C, H, W), and the steps from there to its images.

    Without `trace` the last step alone. Raises InkseedError for a strategy that fails, or for a
    trace where it draws the images itself.
    """
    start = start_of(strategy, task)
    if start.x is not None:
        if trace:
            raise InkseedError("this noise strategy draws the images itself: there is no trace")
        return start.z, [Step(0.0, start.x, start.x)]
    walked: list[Step] = []
    for step in run.walk(start.z, task.condition, start.keys or task.keys):
        walked = [*walked, step] if trace else [step]
    return start.z, walked
