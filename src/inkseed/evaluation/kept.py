"""What every evaluation needs of MNIST's own images, kept with judge B, since it never changes."""

import hashlib
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from inkseed.checkpoint import load_tensors
from inkseed.evaluation.neighbours import distances, nearest
from inkseed.judges import JudgeB
from inkseed.judges.loading import FOLDER

KEPT = FOLDER / "b-kept.safetensors"
FEATURES, NEAREST = "features of ", "nearest to "  # and the name of the images


def features_of(
    judge: JudgeB, images: np.ndarray, tell: Callable[[int], object] = lambda _: None
) -> Tensor:
    """Judge B's features of uint8 images (N, 28, 28), float32 (N, 64): as kept, or read now.

    Kept ones are rounded to float16, by less than a thousandth of themselves. `tell` is called with
    how many more images are done. Raises InkseedError if the file is damaged.
    """
    found = _kept(FEATURES + name_of(images), {"judge_sha256": judge.sha256})
    if found is None:
        return judge.read(images, tell)[1]
    tell(len(found))
    return found.float()


def distance_to(training: Tensor, images: np.ndarray, x: Tensor) -> Tensor:
    """Each image's distance to the nearest of `training`, in pixels: float64 (N,).

    `x` (N, d) are the pixels of uint8 `images` (N, 28, 28), `training` (M, d) those of parts A and
    B. The nearest are as kept, or found now. Raises InkseedError if the file is damaged.
    """
    found = _kept(NEAREST + name_of(images), {"training": len(training)})
    return nearest(x, training)[0] if found is None else distances(x, training, found.long())


def name_of(images: np.ndarray) -> str:
    """The name under which something of these images is kept."""
    return hashlib.sha256(images.tobytes()).hexdigest()


def _kept(name: str, about: dict[str, object]) -> Tensor | None:
    """A tensor of the file, if it is there and the file is about the same."""
    if not KEPT.exists():
        return None
    tensors, told = load_tensors(KEPT)
    same = all(told.get(key) == value for key, value in about.items())
    return tensors.get(name) if same else None


def as_kept(features: dict[str, Tensor], nearest_to: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of the file: features (N, 64), and indices of training images (N,), by name."""
    return {
        **{FEATURES + name: each.to(torch.float16) for name, each in features.items()},
        **{NEAREST + name: each.to(torch.int32) for name, each in nearest_to.items()},
    }
