"""One batch of a request: the strategy's starting noise, then the sampler's states on the way."""

from torch import Tensor

from inkseed.errors import InkseedError
from inkseed.noise import Strategy, Task
from inkseed.request import start_of


def draw(task: Task, strategy: Strategy, trace: bool) -> tuple[Tensor, list[Tensor]]:
    """The batch's unit noise (N, C, H, W), and its states from the first step to the images.

    Without `trace` the images alone. Raises InkseedError for a strategy that fails, or for a trace
    where it draws the images itself.
    """
    start = start_of(strategy, task)
    if start.x is not None:
        if trace:
            raise InkseedError("this noise strategy draws the images itself: there is no trace")
        return start.z, [start.x]
    states: list[Tensor] = []
    for step in task.sampler.walk(start.z, task.condition, start.keys or task.keys):
        states = [*states, step.x] if trace else [step.x]
    return start.z, states
