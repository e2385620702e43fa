"""Labelled images in: the bundled MNIST, and people's own pictures and arrays."""

from inkseed.data.how_to_read import HowToRead
from inkseed.data.labelled import LabelledImages, TensorImages, join, to_tensor, to_uint8
from inkseed.data.loaders import create_loader, create_mnist_dataloaders
from inkseed.data.mnist import load_mnist, read_idx_pair
from inkseed.data.read import Reading, read_folder, read_images
from inkseed.data.split import Split, split_mnist
from inkseed.data.unlabelled import DigitsRead, read_digits
from inkseed.data.writers import Writers, load_writers

__all__ = [
    "DigitsRead",
    "HowToRead",
    "LabelledImages",
    "Reading",
    "Split",
    "TensorImages",
    "Writers",
    "create_loader",
    "create_mnist_dataloaders",
    "join",
    "load_mnist",
    "load_writers",
    "read_digits",
    "read_folder",
    "read_idx_pair",
    "read_images",
    "split_mnist",
    "to_tensor",
    "to_uint8",
]
