"""What an image is to be: its label and, where a model knows them, its style.

A condition is an int64 tensor (N,) of labels or, for models with continuous attributes, a float32
tensor (N, 1 + S) of the label followed by S attributes in their units. -1 and NaN leave free.
"""

import torch
from torch import Tensor

NULL_LABEL = -1  # "no label": what label dropout trains, and what guidance contrasts with
STYLE_DROP, ATTRIBUTE_DROP = 0.5, 0.2


def with_style(label: Tensor, style: Tensor) -> Tensor:
    """Labels (N,) and attributes (N, S) -> the condition, float32 (N, 1 + S)."""
    return torch.cat((label[:, None].float(), style.float()), 1)


def label_of(condition: Tensor) -> Tensor:
    """The labels of a condition of either kind, int64 (N,)."""
    return condition if condition.ndim == 1 else condition[:, 0].long()


def style_of(condition: Tensor) -> Tensor | None:
    """The attributes of a condition, (N, S); None where it holds labels alone."""
    return None if condition.ndim == 1 else condition[:, 1:]


def nothing_asked(condition: Tensor) -> Tensor:
    """The condition that leaves all free, shaped and typed like `condition`."""
    if condition.ndim == 1:
        return torch.full_like(condition, NULL_LABEL)
    free = torch.full_like(condition, torch.nan)
    free[:, 0] = NULL_LABEL
    return free


def drop_conditions(
    condition: Tensor, drop_prob: float, generator: torch.Generator | None = None
) -> Tensor:
    """Free some of what is asked, so that a network learns to do without it.

    With probability `drop_prob` an image loses all (the null of classifier-free guidance). Of the
    others that have a style, half lose the whole style, since a label alone is the common request,
    and of the rest each attribute is freed one time in five.
    """
    n = len(condition)
    everything = torch.rand(n, generator=generator) < drop_prob
    if condition.ndim == 1:
        return torch.where(everything.to(condition.device), NULL_LABEL, condition)
    style = torch.rand(n, 1, generator=generator) < STYLE_DROP
    each = torch.rand(n, condition.shape[1] - 1, generator=generator) < ATTRIBUTE_DROP
    freed = torch.cat((torch.zeros(n, 1, dtype=torch.bool), style | each), 1)
    dropped = condition.masked_fill(freed.to(condition.device), torch.nan)
    return torch.where(everything[:, None].to(condition.device), nothing_asked(condition), dropped)
