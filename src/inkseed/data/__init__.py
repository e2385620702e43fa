"""Labelled images in: the bundled MNIST, any IDX pair, a user's own labelled folder."""

from inkseed.data.folder import read_folder
from inkseed.data.labelled import LabelledImages, TensorImages, join, to_tensor, to_uint8
from inkseed.data.loaders import create_loader, create_mnist_dataloaders
from inkseed.data.mnist import load_mnist, read_idx_pair
from inkseed.data.split import Split, split_mnist

__all__ = [
    "LabelledImages",
    "Split",
    "TensorImages",
    "create_loader",
    "create_mnist_dataloaders",
    "join",
    "load_mnist",
    "read_folder",
    "read_idx_pair",
    "split_mnist",
    "to_tensor",
    "to_uint8",
]
