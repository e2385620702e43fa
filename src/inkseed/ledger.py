"""The one place that counts network evaluations."""

from torch import Tensor

from inkseed.denoiser import Denoiser

BACKWARD = 2  # evaluations that a backward pass counts as


class Ledger:
    """Counts every row that passes through the denoisers it watches.

    One row is one evaluation: guidance's second pass, inversions and discarded candidates all
    count. A backward pass through a row counts as two.
    """

    def __init__(self) -> None:
        self.evaluations = 0

    def watch(self, denoiser: Denoiser) -> Denoiser:
        """The same denoiser, counted. Watch the one next to the network, beneath guidance."""

        def watched(x_t: Tensor, t: Tensor, label: Tensor) -> Tensor:
            rows = len(x_t)
            self.evaluations += rows
            x_0 = denoiser(x_t, t, label)
            if x_0.requires_grad:
                x_0.register_hook(lambda gradient: self._backward(rows))
            return x_0

        return watched

    def _backward(self, rows: int) -> None:
        self.evaluations += BACKWARD * rows
