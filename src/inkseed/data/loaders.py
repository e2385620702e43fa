"""Batches of MNIST, as the report's training loop takes them."""

import torch
from torch.utils.data import DataLoader

from inkseed.checks import sides, whole_number
from inkseed.data.claims import MOST_SIDE
from inkseed.data.labelled import LabelledImages, TensorImages
from inkseed.data.mnist import load_mnist

REPORTS_BATCH = 256  # the report's batch size
MOST = 10**7


def create_mnist_dataloaders(
    batch_size: int = REPORTS_BATCH, image_size: int | tuple[int, int] = 28, *, seed: int = 0
) -> tuple[DataLoader, DataLoader]:
    """Return loaders of MNIST's training digits, shuffled, and of its test digits.

    A batch is (float32 (B, 1, H, W) in [-1, 1] with ink +1, int64 (B,)).

    Args:
        batch_size: images per batch.
        image_size: a side, or (height, width).
        seed: decides the order of the training digits. It differs from pass to pass, and the same
            seed gives the same sequence of orders.

    Returns:
        The training loader and the test loader.

    Raises:
        InkseedError: for a size or a batch below 1.
    """
    size = sides(image_size, "image_size", 1, MOST_SIDE)
    return (
        create_loader(load_mnist(train=True), batch_size, size, shuffle_seed=seed),
        create_loader(load_mnist(train=False), batch_size, size),
    )


def create_loader(
    source: LabelledImages,
    batch_size: int,
    image_size: tuple[int, int] | None = None,
    shuffle_seed: int | None = None,
) -> DataLoader:
    """Return a loader over any labelled images.

    Args:
        source: the images.
        batch_size: images per batch.
        image_size: (height, width) to resize to.
        shuffle_seed: shuffle by this seed; None keeps the order.

    Returns:
        A loader of (float32 (B, 1, H, W) in [-1, 1] with ink +1, int64 (B,)).

    Raises:
        InkseedError: for a batch below 1.
    """
    batch_size = whole_number(batch_size, "batch_size", 1, MOST)
    # without a generator, even a loader in order draws from torch's global one
    generator = torch.Generator().manual_seed(shuffle_seed or 0)
    return DataLoader(
        TensorImages(source, image_size),
        batch_size,
        shuffle=shuffle_seed is not None,
        generator=generator,
    )
