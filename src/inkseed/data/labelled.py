"""Labelled images in memory, and their conversion to and from a network's tensors."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from inkseed.errors import InkseedError
from inkseed.outline import Outlined


@dataclass(frozen=True, repr=False)
class LabelledImages(Outlined):
    """Grey images and their classes, stored like MNIST: ink 255 on paper 0.

    Attributes:
        images: uint8 (N, H, W).
        labels: int64 (N,), indices into `class_names`.
        class_names: the labels as people write them.
        writers: int64 (N,), a number for whoever wrote each image; None where unknown.

    Raises:
        InkseedError: for other shapes or types, no images, or a label without a class.
    """

    images: np.ndarray
    labels: np.ndarray
    class_names: tuple[str, ...]
    writers: np.ndarray | None = None

    def __post_init__(self) -> None:
        if self.images.ndim != 3 or self.images.dtype != np.uint8:
            raise InkseedError("images must be uint8 of shape (N, H, W)")
        if self.labels.ndim != 1 or self.labels.dtype.kind not in "iu":
            raise InkseedError("labels must be whole numbers of shape (N,)")
        if len(self.images) != len(self.labels):
            raise InkseedError(
                f"{len(self.images)} images but {len(self.labels)} labels: they must be a pair"
            )
        if self.writers is not None and len(self.images) != len(self.writers):
            raise InkseedError(
                f"{len(self.images)} images but {len(self.writers)} writers: they must be a pair"
            )
        if len(self.images) == 0:
            raise InkseedError("the set holds no images")
        if self.labels.min() < 0 or self.labels.max() >= len(self.class_names):
            raise InkseedError(f"a label lies outside the {len(self.class_names)} classes")

    def __len__(self) -> int:
        return len(self.images)

    def subset(self, indices: np.ndarray) -> "LabelledImages":
        """Return the images at `indices`, or where a mask is true, in that order."""
        writers = None if self.writers is None else self.writers[indices]
        return LabelledImages(self.images[indices], self.labels[indices], self.class_names, writers)


def join(sources: Sequence[LabelledImages]) -> LabelledImages:
    """Join sets of the same image size and the same classes, one after the other.

    The writers are known if those of every set are.
    """
    known = [source.writers for source in sources if source.writers is not None]
    return LabelledImages(
        np.concatenate([source.images for source in sources]),
        np.concatenate([source.labels for source in sources]),
        sources[0].class_names,
        np.concatenate(known) if len(known) == len(sources) else None,
    )


def to_tensor(images: np.ndarray, image_size: tuple[int, int] | None = None) -> Tensor:
    """Convert stored images to what networks take.

    Args:
        images: uint8 (N, H, W), ink 255.
        image_size: (height, width) to resize to, antialiased bilinear.

    Returns:
        float32 (N, 1, H, W) in [-1, 1], ink +1. This is the report's `Normalize((0.5,), (0.5,))`.
    """
    x = as_taken(torch.from_numpy(np.ascontiguousarray(images)))
    return x if image_size is None else resized(x, image_size)


def as_taken(images: Tensor) -> Tensor:
    """uint8 (N, H, W), ink 255 -> what networks take, float32 (N, 1, H, W) in [-1, 1], ink +1."""
    return images.float()[:, None] / 255 * 2 - 1


def resized(x: Tensor, image_size: tuple[int, int]) -> Tensor:
    """float (N, C, H, W) in [-1, 1] -> (N, C, *image_size), antialiased bilinear."""
    if tuple(x.shape[-2:]) == tuple(image_size):
        return x
    x = nn.functional.interpolate(
        x, image_size, mode="bilinear", antialias=True, align_corners=False
    )
    return x.clamp(-1, 1)


def to_uint8(x: Tensor) -> np.ndarray:
    """Convert images from networks, float (N, 1, H, W), to uint8 (N, H, W) with ink 255.

    Values outside [-1, 1] are clipped.
    """
    return as_uint8(x).cpu().numpy()


def as_uint8(x: Tensor) -> Tensor:
    """`to_uint8`, as a tensor where x is."""
    return x[:, 0].add(1).mul(127.5).clamp(0, 255).round().to(torch.uint8)


class TensorImages(Dataset):
    """A torch dataset over `LabelledImages`: items are (float32 (1, H, W) in [-1, 1], label)."""

    def __init__(self, source: LabelledImages, image_size: tuple[int, int] | None = None) -> None:
        self.source, self.image_size = source, image_size

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        x, c = self.batch([index])
        return x[0], c[0]

    def batch(self, indices: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Convert many images at once: (float32 (B, 1, H, W), int64 (B,))."""
        x = to_tensor(self.source.images[indices], self.image_size)
        return x, torch.from_numpy(self.source.labels[indices].astype(np.int64))

    def __getitems__(self, indices: Sequence[int]) -> list[tuple[Tensor, Tensor]]:
        return list(zip(*self.batch(indices), strict=True))  # the batched hook of DataLoader
