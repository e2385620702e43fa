"""Labelled images in: the bundled MNIST, any IDX pair, a user's own labelled folder."""

from inkseed.data.folder import read_folder
from inkseed.data.labelled import LabelledImages, TensorImages, to_tensor, to_uint8
from inkseed.data.loaders import create_loader, create_mnist_dataloaders
from inkseed.data.mnist import load_mnist, read_idx_pair

__all__ = [
    "LabelledImages",
    "TensorImages",
    "create_loader",
    "create_mnist_dataloaders",
    "load_mnist",
    "read_folder",
    "read_idx_pair",
    "to_tensor",
    "to_uint8",
]
