"""The one place that counts network evaluations, and that stops who would spend too many."""

from collections.abc import Callable

from torch import Tensor

from inkseed.denoiser import Denoiser
from inkseed.errors import InkseedError


class OverspentError(InkseedError):
    """More network evaluations were asked for than the budget has."""


BACKWARD = 2  # evaluations that a backward pass counts as


class Ledger:
    """Counts every row that passes through the denoisers it watches.

    One row is one evaluation: guidance's second pass, inversions and discarded candidates all
    count. A backward pass through a row counts as two. `tell` hears of each batch of them.
    """

    def __init__(self, tell: Callable[[int], object] | None = None) -> None:
        self.evaluations = 0
        self.limit: int | None = None
        self.tell = tell

    def allow(self, more: int | None) -> None:
        """Let so many further evaluations be spent, and no more; None for any number."""
        self.limit = None if more is None else self.evaluations + more

    def watch(self, denoiser: Denoiser) -> Denoiser:
        """The same denoiser, counted. Watch the one next to the network, beneath guidance.

        Calling it raises OverspentError, before the network runs, where the limit would be passed.
        """

        def watched(x_t: Tensor, t: Tensor, label: Tensor) -> Tensor:
            self._spend(len(x_t))
            x_0 = denoiser(x_t, t, label)
            if x_0.requires_grad:
                x_0.register_hook(lambda gradient: self._spend(BACKWARD * len(gradient)))
            return x_0

        return watched

    def _spend(self, evaluations: int) -> None:
        if self.limit is not None and self.evaluations + evaluations > self.limit:
            raise OverspentError(
                "the budget of network evaluations is spent: raise the budget, or lower candidates"
            )
        self.evaluations += evaluations
        if self.tell is not None:
            self.tell(evaluations)
