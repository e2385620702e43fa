"""A training step as one CUDA graph: hundreds of small kernels that start at once."""

from collections.abc import Callable, Iterable

import torch
from torch import nn

WARM_UP = 3  # calls before the capture, as torch's documentation asks


class Graphed:
    """A step without arguments, captured on a GPU, called as it is elsewhere.

    The step reads its batch from tensors that stay where they are, computes the loss, calls
    `backward` and moves the parameters. On a GPU it is called three times before it is captured:
    its learning rate is a tensor, and 0 until then.

    Source:
        [CUDA graphs](https://docs.pytorch.org/docs/stable/notes/cuda.html#cuda-graphs) in torch.
    """

    def __init__(
        self,
        step: Callable[[], object],
        device: torch.device,
        parameters: Iterable[nn.Parameter],
    ) -> None:
        self.step, self.parameters = step, list(parameters)
        self.graph: torch.cuda.CUDAGraph | None = None
        if device.type == "cuda":
            self._capture()

    def __call__(self) -> None:
        """Take one step."""
        if self.graph is not None:
            self.graph.replay()
        else:
            self._forget_gradients()
            self.step()

    def _capture(self) -> None:
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(WARM_UP):
                self._forget_gradients()
                self.step()
        torch.cuda.current_stream().wait_stream(side)
        self._forget_gradients()  # so that the captured step writes them anew, and adds to nothing
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, capture_error_mode="thread_local"):
            self.step()
        self.graph = graph

    def _forget_gradients(self) -> None:
        for parameter in self.parameters:
            parameter.grad = None
