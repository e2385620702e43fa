"""The one place that counts network evaluations, and stops a request that exceeds its budget."""

from collections.abc import Callable
from contextvars import ContextVar, Token
from typing import TYPE_CHECKING

from torch import Tensor

from inkseed.errors import InkseedError

if TYPE_CHECKING:
    from inkseed.diffusion.condition import Condition
    from inkseed.diffusion.denoiser import Denoiser


class OverspentError(InkseedError):
    """More network evaluations were asked for than the budget has."""


BACKWARD = 2  # evaluations that a backward pass counts as


class Counter:
    """Counts every row that goes through a network inside its `with` block.

    One row is one evaluation, whoever asks for it: guidance's second pass, inversions, discarded
    candidates and a second model's network all count. A backward pass through a row counts as two.
    Counters may be nested: the outer one counts what the inner one does, unless the inner is dry.

    Args:
        tell: called with the number of evaluations in each batch.
        dry: count without running the networks, to find out what a request would cost.
    """

    def __init__(self, tell: Callable[[int], object] | None = None, dry: bool = False) -> None:
        self.evaluations = 0
        self.limit: int | None = None
        self.tell = tell
        self._dry = dry
        self._outer: Counter | None = None
        self._token: Token[Counter | None] | None = None

    def __enter__(self) -> "Counter":
        self._outer = _OPEN.get()
        self._token = _OPEN.set(self)
        return self

    def __exit__(self, *_: object) -> None:
        if self._token is not None:
            _OPEN.reset(self._token)
        self._outer = self._token = None

    @property
    def dry(self) -> bool:
        """Whether networks are only counted, and not run."""
        return self._dry or (self._outer is not None and self._outer.dry)

    def allow(self, more: int | None) -> None:
        """Allow `more` evaluations from now on; None is no limit."""
        self.limit = None if more is None else self.evaluations + more

    def watch(self, denoiser: "Denoiser") -> "Denoiser":
        """The same denoiser, counted even if it is a user's own and runs no network of inkseed's.

        In that case each of its rows is one evaluation. Calling it raises OverspentError, before
        anything runs, if fewer evaluations are left than it has rows.
        """

        def watched(x_t: Tensor, t: Tensor, condition: "Condition") -> Tensor:
            self._check(len(x_t))
            before = self.evaluations
            x_0 = denoiser(x_t, t, condition)
            if self.evaluations == before:
                self.spend(len(x_t))
                self._count_backward(x_0)
            return x_0

        return watched

    def spend(self, evaluations: int) -> None:
        """Count `evaluations`. Raises OverspentError, and counts none, if they exceed the limit."""
        self._check(evaluations)
        if self._outer is not None and not self._dry:
            self._outer.spend(evaluations)
        self.evaluations += evaluations
        if self.tell is not None:
            self.tell(evaluations)

    def run(self, network: Callable[[], Tensor], x: Tensor) -> Tensor:
        """The output of `network` for the rows x, counted; when dry, x / 2 in its place."""
        self.spend(len(x))
        output = x / 2 if self.dry else network()
        self._count_backward(output)
        return output

    def _count_backward(self, output: Tensor) -> None:
        if output.requires_grad:  # on a GPU the hook runs in a thread where no counter is open
            output.register_hook(lambda gradient: self.spend(BACKWARD * len(gradient)))

    def _check(self, evaluations: int) -> None:
        if self.limit is not None and self.evaluations + evaluations > self.limit:
            raise OverspentError(
                "the budget of network evaluations is spent: raise the budget, or lower candidates"
            )


_OPEN: ContextVar[Counter | None] = ContextVar("counter", default=None)


def counted(network: Callable[[], Tensor], x: Tensor) -> Tensor:
    """The output of `network` for the rows x (N, ...), counted in the open counter, if any."""
    counter = _OPEN.get()
    return network() if counter is None else counter.run(network, x)
