"""Judge A's opinion of images, for strategies that ask for it."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from inkseed.data.mnist import DIGITS
from inkseed.errors import InkseedError
from inkseed.judges import judge_a
from inkseed.noise.task import Task


def log_probability(task: Task, x: Tensor, labels: Sequence[int] | np.ndarray) -> Tensor:
    """Judge A's log-probability (M,) that each image x (M, C, H, W) shows its label (M,).

    Labels index the task's class names. Gradients flow to x. Judge B is kept from strategies, since
    it evaluates. Raises InkseedError for a model whose classes are not digits.
    """
    if not set(task.class_names) <= set(DIGITS):
        raise InkseedError(
            "this strategy asks judge A, which reads only 0 to 9: use another with this model"
        )
    digits = torch.tensor([int(name) for name in task.class_names])[torch.as_tensor(labels)]
    logits = judge_a().logits(x)
    return logits.log_softmax(1).gather(1, digits[:, None])[:, 0]
