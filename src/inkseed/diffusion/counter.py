"""The one place that counts network evaluations, and that stops who would spend too many."""

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


class Ledger:
    """Counts every row that goes through a network while the ledger is open, as a `with` block.

    One row is one evaluation, whoever asks for it: guidance's second pass, inversions, discarded
    candidates and a second model's network all count. A backward pass through a row counts as two.
    `tell` hears of each batch of them. In a `dry` ledger the networks do not run: it finds out what
    a request would cost. What is counted in a ledger opened within another counts in both, unless
    the inner one is dry of its own accord.
    """

    def __init__(self, tell: Callable[[int], object] | None = None, dry: bool = False) -> None:
        self.evaluations = 0
        self.limit: int | None = None
        self.tell = tell
        self._dry = dry
        self._outer: Ledger | None = None
        self._token: Token[Ledger | None] | None = None

    def __enter__(self) -> "Ledger":
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
        """Let so many further evaluations be spent, and no more; None for any number."""
        self.limit = None if more is None else self.evaluations + more

    def watch(self, denoiser: "Denoiser") -> "Denoiser":
        """The same denoiser, for one that may be a user's own and run no network of inkseed's.

        If it runs none, each of its rows is one evaluation. Calling it raises OverspentError,
        before anything runs, where the limit leaves less than one evaluation a row.
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
        """Count so many. Raises OverspentError, and counts none, where the limit is passed."""
        self._check(evaluations)
        if self._outer is not None and not self._dry:
            self._outer.spend(evaluations)
        self.evaluations += evaluations
        if self.tell is not None:
            self.tell(evaluations)

    def run(self, network: Callable[[], Tensor], x: Tensor) -> Tensor:
        """What `network` makes of the rows x, counted; in a dry ledger half of x, for nothing."""
        self.spend(len(x))
        output = x / 2 if self.dry else network()
        self._count_backward(output)
        return output

    def _count_backward(self, output: Tensor) -> None:
        if output.requires_grad:  # on a GPU the hook runs in a thread where no ledger is open
            output.register_hook(lambda gradient: self.spend(BACKWARD * len(gradient)))

    def _check(self, evaluations: int) -> None:
        if self.limit is not None and self.evaluations + evaluations > self.limit:
            raise OverspentError(
                "the budget of network evaluations is spent: raise the budget, or lower candidates"
            )


_OPEN: ContextVar[Ledger | None] = ContextVar("ledger", default=None)


def counted(network: Callable[[], Tensor], x: Tensor) -> Tensor:
    """What `network` makes of the rows x (N, ...), counted in the ledger that is open, if any."""
    ledger = _OPEN.get()
    return network() if ledger is None else ledger.run(network, x)
