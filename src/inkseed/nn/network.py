"""What inkseed requires of a network."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol, Self

from torch import Tensor, nn

from inkseed.registry import NETWORKS

MOST_CHANNELS = 4096  # of a layer: what claims more is no network of handwriting


class Network(Protocol):
    """An `nn.Module` whose forward takes `(x, c, t, context_mask[, style])`.

    `x` (N, C, H, W) are noisy images, `c` (N,) class indices, `t` (N,) the time as the denoiser
    encodes it, and `context_mask` (N,) is 1 where the label is dropped, 0 where it is used. `style`
    (N, S) is for networks built with `styles`: the attributes in their units, NaN where they are
    free. The output has x's shape; what it means is up to the denoiser.

    A recipe's `[network]` names a network and its settings; `in_channels`, `n_classes` and, if the
    recipe has `styles`, each style's mean and deviation come from the data.
    """

    in_channels: int
    n_classes: int
    edges: frozenset[str]  # the outermost layers, which Muon leaves to AdamW

    @property
    def forward(self) -> Callable[..., Tensor]: ...

    # the rest is `nn.Module`'s

    def __call__(self, *inputs: Tensor) -> Tensor: ...

    def parameters(self) -> Iterator[nn.Parameter]: ...

    def named_parameters(self) -> Iterator[tuple[str, nn.Parameter]]: ...

    def state_dict(self) -> dict[str, Tensor]: ...

    def load_state_dict(self, state_dict: Mapping[str, Any], *, assign: bool = False) -> Any: ...

    def requires_grad_(self, requires_grad: bool = True) -> Self: ...

    def train(self) -> Self: ...

    def eval(self) -> Self: ...


def network_from(settings: Mapping[str, Any]) -> Network:
    """Build the network that a configuration names.

    Args:
        settings: its `name` in `NETWORKS`, and the arguments of its class.

    Returns:
        The network, freshly initialised.

    Raises:
        InkseedError: for an unknown name, and for impossible settings.
    """
    network: Network = NETWORKS.make(settings, name="context_unet")
    return network
