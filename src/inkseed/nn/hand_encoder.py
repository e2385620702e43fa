"""What a writer's digits say of the hand that wrote them, as one vector whatever their number.

The mean of a set's codes is a set network (Zaheer et al., arXiv 1703.06114): the order of the
digits cannot matter, and more of them make it surer.
"""

import torch
from torch import Tensor, nn

SIDE = 28  # pixels: digits as MNIST has them
MOST_DIGITS = 16  # of a hand: training shows no more
TYPICAL_DIGITS = 10  # of a hand that is drawn
GROUPS = 8


class HandEncoder(nn.Sequential):
    """A digit (N, 1, 28, 28) in [-1, 1] -> its code (N, length), whatever its label is."""

    def __init__(self, length: int) -> None:
        super().__init__(
            *_layer(1, 32),  # 14x14
            *_layer(32, 64),  # 7x7
            *_layer(64, 128),  # 4x4
            nn.Flatten(),
            nn.Linear(128 * 16, length),
        )


def hands_of(codes: Tensor, owner: Tensor, counts: Tensor) -> Tensor:
    """The hand of each of N sets of digits.

    Args:
        codes: of all their digits, (M, length).
        owner: which set each digit belongs to, int64 (M,) from 0 to N - 1.
        counts: how many digits each set has, (N,).

    Returns:
        (N, length + 1): a set's mean code at mean 0 and variance 1, and one over the root of its
        number of digits, which tells how sure the mean is.
    """
    sums = codes.new_zeros(len(counts), codes.shape[1]).index_add(0, owner, codes)
    mean = sums / counts.to(codes)[:, None]
    normal = nn.functional.layer_norm(mean, mean.shape[1:])
    return torch.cat((normal, counts.to(codes).rsqrt()[:, None]), 1)


def drawn_hands(mean: Tensor, factor: Tensor, noise: Tensor) -> Tensor:
    """Hands that nobody has, as varied as the writers'.

    Args:
        mean: of the writers' codes, (length,).
        factor: the Cholesky factor of their covariance, (length, length).
        noise: standard normal, (N, length).

    Returns:
        (N, length + 1), as sure as hands of ten digits.
    """
    normal = nn.functional.layer_norm(mean + noise @ factor.T, mean.shape)
    return nn.functional.pad(normal, (0, 1), value=TYPICAL_DIGITS**-0.5)


def _layer(inputs: int, outputs: int) -> tuple[nn.Module, ...]:
    return (
        nn.Conv2d(inputs, outputs, 3, stride=2, padding=1),
        nn.GroupNorm(GROUPS, outputs),
        nn.SiLU(),
    )
