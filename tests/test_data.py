import gzip
import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from inkseed.data import (
    create_mnist_dataloaders,
    load_mnist,
    read_folder,
    read_idx_pair,
    to_tensor,
    to_uint8,
)
from inkseed.data.idx import read_idx
from inkseed.data.mnist import FOLDER
from inkseed.errors import InkseedError


def idx_bytes(array: np.ndarray) -> bytes:
    head = bytes((0, 0, 8, array.ndim)) + struct.pack(f">{array.ndim}I", *array.shape)
    return head + array.astype(np.uint8).tobytes()


def test_mnist_is_whole_and_known():
    train, test = load_mnist(train=True), load_mnist(train=False)
    assert train.images.shape == (60_000, 28, 28)
    assert test.images.shape == (10_000, 28, 28)
    assert train.labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert test.labels[:5].tolist() == [7, 2, 1, 0, 4]
    # the mean and deviation that everyone quotes for MNIST's training images
    assert train.images.mean() / 255 == pytest.approx(0.1307, abs=5e-5)
    assert train.images.std() / 255 == pytest.approx(0.3081, abs=5e-5)


def test_loaders_normalise_and_shuffle_by_seed():
    train, test = create_mnist_dataloaders(256, seed=3)
    again, _ = create_mnist_dataloaders(256, seed=3)
    other, _ = create_mnist_dataloaders(256, seed=4)
    x, c = next(iter(train))
    assert x.shape == (256, 1, 28, 28)
    assert x.dtype == torch.float32
    assert (x.min(), x.max()) == (-1, 1)
    assert torch.equal(c, next(iter(again))[1])
    assert not torch.equal(c, next(iter(other))[1])
    assert next(iter(test))[1][:5].tolist() == [7, 2, 1, 0, 4]
    assert len(train) == 235
    assert sum(len(c) for _, c in test) == 10_000


def test_each_pass_has_its_own_order_and_sees_every_digit_once():
    train, _ = create_mnist_dataloaders(5000)
    first, second = (torch.cat([c for _, c in train]) for _ in range(2))
    assert not torch.equal(first, second)
    assert torch.equal(first.bincount(), second.bincount())
    assert first.bincount().tolist() == np.bincount(load_mnist(train=True).labels).tolist()


@pytest.mark.parametrize("size", [32, 14, (28, 56)])
def test_resizing_keeps_range_and_mean(size):
    x = next(iter(create_mnist_dataloaders(64, size)[1]))[0]
    original = next(iter(create_mnist_dataloaders(64)[1]))[0]
    assert x.shape[-2:] == (torch.Size((size, size)) if isinstance(size, int) else size)
    assert -1 <= x.min() < x.max() <= 1
    assert float(x.mean()) == pytest.approx(float(original.mean()), abs=0.01)


def test_bytes_survive_the_way_to_tensors_and_back():
    images = np.arange(256, dtype=np.uint8).reshape(1, 16, 16)
    assert np.array_equal(to_uint8(to_tensor(images)), images)
    assert to_uint8(torch.full((1, 1, 4, 4), 1.7)).max() == 255  # clipped, not wrapped


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_any_idx_pair(tmp_path: Path, pack):
    images = np.arange(2 * 8 * 12).reshape(2, 8, 12) % 256
    (tmp_path / "i").write_bytes(pack(idx_bytes(images)))
    (tmp_path / "l").write_bytes(pack(idx_bytes(np.array([2, 0]))))
    pair = read_idx_pair(tmp_path / "i", tmp_path / "l")
    assert np.array_equal(pair.images, images)
    assert pair.class_names == ("0", "1", "2")


def test_idx_pair_that_does_not_belong_together(tmp_path: Path):
    (tmp_path / "i").write_bytes(idx_bytes(np.zeros((3, 4, 4))))
    (tmp_path / "l").write_bytes(idx_bytes(np.zeros(2)))
    with pytest.raises(InkseedError, match="3 images but 2 labels"):
        read_idx_pair(tmp_path / "i", tmp_path / "l")


def test_a_changed_mnist_file_is_refused(tmp_path: Path):
    for path in FOLDER.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    changed = tmp_path / "t10k-labels-idx1-ubyte.gz"
    changed.write_bytes(gzip.compress(bytes(10_008)))
    with pytest.raises(InkseedError, match="SHA-256"):
        load_mnist(train=False, folder=tmp_path)
    changed.unlink()
    with pytest.raises(InkseedError, match="cannot read"):
        load_mnist(train=False, folder=tmp_path)


def test_every_truncation_and_extension_of_an_idx_file_is_refused(tmp_path: Path):
    path, whole = tmp_path / "file", idx_bytes(np.ones((2, 3, 3)))
    for content in (whole, gzip.compress(whole)):
        for length in range(len(content)):
            path.write_bytes(content[:length])
            with pytest.raises(InkseedError):
                read_idx(path, 3)
    path.write_bytes(whole + b"x")
    with pytest.raises(InkseedError, match="longer"):
        read_idx(path, 3)
    path.write_bytes(whole)
    assert read_idx(path, 3).shape == (2, 3, 3)
    with pytest.raises(InkseedError, match="3 dimensions where 1"):
        read_idx(path, 1)


def digit_folder(folder: Path, paper: int, size: tuple[int, int] = (12, 8)) -> Path:
    ink = np.zeros((3, *size), np.uint8)
    ink[:, 4:8, 3:5] = 255
    for label, name in (("7", "a"), ("07", "b"), ("12", "c")):
        (folder / label).mkdir(parents=True)
        Image.fromarray(ink[0] if paper == 0 else 255 - ink[0]).save(folder / label / f"{name}.png")
    return folder


@pytest.mark.parametrize("paper", [0, 255])
def test_own_folder_is_read_as_ink_on_either_paper(tmp_path: Path, paper):
    found = read_folder(digit_folder(tmp_path / "mine", paper))
    assert found.class_names == ("07", "7", "12")  # numbers in order, leading zeros kept apart
    assert found.labels.tolist() == [0, 1, 2]
    assert found.images[:, 0, 0].max() == 0  # paper
    assert found.images[:, 5, 3].min() == 255  # ink


def test_own_folder_of_several_sizes(tmp_path: Path):
    folder = digit_folder(tmp_path / "mine", 255)
    with Image.open(folder / "7" / "a.png") as small:
        small.resize((30, 30)).save(folder / "7" / "large.png")
    assert read_folder(folder).images.shape == (4, 28, 28)
    assert read_folder(folder, (16, 20)).images.shape == (4, 16, 20)


def test_own_folder_mistakes(tmp_path: Path):
    with pytest.raises(
        InkseedError, match=r"not a folder .*: inkseed\.data\.read_images reads files"
    ):
        read_folder(tmp_path / "k.csv")
    with pytest.raises(InkseedError, match="holds no images"):
        read_folder(tmp_path)
    folder = digit_folder(tmp_path / "mine", 0)
    (folder / "7" / "bad.png").write_bytes(b"not a picture")
    with pytest.warns(UserWarning, match=r"4 pictures, 3 used; 1 unreadable \(7/bad\.png\)"):
        assert len(read_folder(folder)) == 3


def test_own_folder_takes_other_formats_and_leaves_clutter_out(tmp_path: Path):
    folder = tmp_path / "mine"
    for label in ("pear", "apple", "b"):
        (folder / label).mkdir(parents=True)
        page = np.full((12, 8), 255, np.uint8)
        page[3:9, 3:5] = 0
        Image.fromarray(page).save(folder / label / "a.JPG")
    (folder / "__MACOSX").mkdir()
    (folder / "b" / "._a.png").write_bytes(b"clutter")
    (folder / "read_me.txt").write_text("mine")
    found = read_folder(folder)
    assert found.class_names == ("apple", "b", "pear")
    assert len(found) == 3
