"""What an image is to be: its label and, where a model knows them, its style.

A condition is an int64 tensor (N,) of labels or, for models with continuous attributes, a float32
tensor (N, 1 + S) of the label followed by S attributes in their units. -1 and NaN leave free.
"""

import torch
from torch import Tensor

NULL_LABEL = -1  # "no label": what label dropout trains, and what guidance contrasts with


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
