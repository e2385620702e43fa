"""What a file of images claims is compared with what is there, before memory is taken for it."""

import gzip
import struct
import tracemalloc
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import inkseed.data.whole_set  # noqa: F401 - its import would be counted as memory
from inkseed import memory
from inkseed.data import HowToRead, read_images
from inkseed.data.idx import read_idx
from inkseed.data.unlabelled import read_digits
from inkseed.errors import InkseedError
from inkseed.evaluation import read_sets

MEGABYTE = 10**6


@pytest.fixture
def little(monkeypatch):
    """100 MB can be had."""
    monkeypatch.setattr(memory, "comfortable", lambda: 100 * MEGABYTE)


def refusal(path: Path, most: int = 3 * MEGABYTE, **how) -> str:
    """The one line that refuses a set, for which little memory was taken."""
    tracemalloc.start()
    try:
        with pytest.raises(InkseedError) as refused:
            read_images(path, **how)
        assert tracemalloc.get_traced_memory()[1] < most
    finally:
        tracemalloc.stop()
    assert len(str(refused.value).splitlines()) == 1
    return str(refused.value).removeprefix(str(path))


def claiming(path: Path, shape: tuple[int, ...], dtype: str, labels: np.ndarray, held: int) -> Path:
    """An .npz whose `images` are described so, and are `held` zeros."""
    facts = str({"descr": dtype, "fortran_order": False, "shape": shape}).encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        head = struct.pack("<6sBBH", b"\x93NUMPY", 1, 0, len(facts)) + facts
        packed.writestr("images.npy", head + bytes(held))
        with packed.open("labels.npy", "w") as stream:
            np.lib.format.write_array(stream, labels)
    return path


@pytest.mark.parametrize(
    ("shape", "dtype", "words"),
    [
        ((40, 28, 29, 30), "|u1", ": images have shape 40x28x29x30"),
        ((40, 2000, 2000), "|u1", ": images have shape 40x2000x2000"),
        ((40, 10**9), "|u1", ": images claims more than 4,294,967,296 bytes"),
        ((40, 2**62, 2**62), "|u1", ": images claims more than 4,294,967,296 bytes"),
        ((40, 28, 28), "<c16", ": the images cannot be used: values of type complex128"),
        ((40, 28, 28), "<U9000", ": the images cannot be used: values of type <U9000"),
        ((41, 28, 28), "|u1", " holds 41 images but 40 labels"),
        ((40, 1000, 1000), "|u1", " is damaged, or not an .npz"),  # a megabyte of forty
    ],
)
def test_arrays_are_refused_by_their_headers(tmp_path, shape, dtype, words):
    path = claiming(tmp_path / "set.npz", shape, dtype, np.zeros(40, int), MEGABYTE)
    assert refusal(path).startswith(words)


def test_a_set_that_does_not_fit_says_what_would(tmp_path, little):
    """A hundred thousand images in 100 KB, with as many labels: nothing is wrong but their size."""
    count = 100_000
    path = tmp_path / "set.npz"
    images, labels = np.zeros((count, 28, 28), np.uint8), np.zeros(count, np.int8)
    np.savez_compressed(path, images=images, labels=labels)
    line = refusal(path)
    assert line.startswith(": 100,000 images of 28x28 would take 531 MB of memory, where 100 MB")
    assert line.endswith(": at most 18,000 fit")
    np.savez_compressed(path, images=images[:1000], labels=labels[:1000])
    assert "1,000 blank" in refusal(path, 100 * MEGABYTE)
    assert "1,000 images of 256x256 would take" in refusal(path, image_size=(256, 256))


def test_long_or_many_labels_are_not_believed(tmp_path):
    path, images = tmp_path / "set.npz", np.zeros((40, 28, 28), np.uint8)
    np.savez_compressed(path, images=images, labels=np.array(["a" * 10**5] * 40))
    assert refusal(path) == ": labels of 400,000 bytes are too long"
    np.savez_compressed(path, images=np.zeros((100_001, 4, 4), bool), labels=np.arange(100_001))
    assert refusal(path, 100 * MEGABYTE) == " holds 100,001 unlike labels: too many to learn"


@pytest.mark.parametrize("packed", [False, True])
def test_idx_files_are_refused_by_their_headers(tmp_path, little, packed):
    def write(kind: str, shape: tuple[int, ...], held: int) -> Path:
        path = tmp_path / f"set-{kind}-ubyte"
        content = struct.pack(f">HBB{len(shape)}I", 0, 8, len(shape), *shape) + bytes(held)
        path.write_bytes(gzip.compress(content) if packed else content)
        return path

    write("labels-idx1", (40,), 40)
    path = write("images-idx3", (10**6, 28, 28), MEGABYTE)
    lacking = "is shorter than the 784000000 bytes that its header gives"
    assert refusal(path) == (" holds 1,000,000 images but 40 labels" if packed else f" {lacking}")
    write("labels-idx1", (10**6,), 10**6)
    assert ("images of 28x28 would take 5.3 GB" if packed else lacking) in refusal(path)
    write("labels-idx1", (40,), 40)
    path = write("images-idx3", (40, 28, 28), 40 * 28 * 28 + 50 * MEGABYTE)
    assert "is longer than the 31360 bytes" in refusal(path)
    path = write("images-idx3", (1000, 1000, 1000), MEGABYTE)
    tracemalloc.start()
    with pytest.raises(InkseedError, match="is shorter than the 1000000000 bytes"):
        read_idx(path, 3)
    tracemalloc.stop()


@pytest.mark.parametrize("suffix", ["csv", "csv.gz"])
def test_csvs_are_refused_before_they_are_read_to_the_end(tmp_path, little, suffix):
    def write(text: str) -> Path:
        path = tmp_path / f"set.{suffix}"
        path.write_bytes(gzip.compress(text.encode()) if suffix == "csv.gz" else text.encode())
        return path

    line = "0," + ",".join(["0"] * 784) + "\n"
    path = write(line * 20_000)
    said = refusal(path, 40 * MEGABYTE)
    assert said.startswith(": 16,384 images of 28x28 would take 177 MB of memory, where 100 MB")
    assert ": 3 pixels per line" in refusal(write("7,0,0,0\n" * 1000))
    words = ", line 2: the label has more than 100 characters"
    assert refusal(write("a,0\n" + "b" * 10**5 + ",0\n" + "c,0\n" * 1000)) == words
    assert "line 1 is too long" in refusal(write("0" + ",0" * 10**6), 10 * MEGABYTE)


def test_a_picture_of_100_000_pixels_a_side_is_one_line(tmp_path):
    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    head = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 0, 0, 0, 0)
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "bomb.png").write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(bytes(MEGABYTE)))
        + chunk(b"IEND", b"")
    )
    assert "1 unreadable (7/bomb.png)" in refusal(tmp_path)


def test_a_pattern_is_no_sheet_of_digits(tmp_path):
    """13,000 strokes, of which each would be compared with each other."""
    y, x = np.mgrid[:700, :700]
    Image.fromarray(np.where((x // 3 % 2) & (y // 3 % 2), 0, 255).astype(np.uint8)).save(
        tmp_path / "pattern.png"
    )
    with pytest.raises(InkseedError, match="1 unreadable"):
        read_digits(tmp_path / "pattern.png", HowToRead(paper="light"))


def test_guidance_is_believed_after_its_header(tmp_path):
    path = tmp_path / "set.npz"
    images = np.zeros((40, 28, 28), np.uint8)
    images[:, 4:24, 12:16] = 255
    wide = np.zeros((40, 10**6))
    np.savez_compressed(path, images=images, labels=np.arange(40) % 10, guide_w=wide)
    tracemalloc.start()
    try:
        with pytest.raises(InkseedError, match="guide_w must be one finite number per image"):
            read_sets(path)
        assert tracemalloc.get_traced_memory()[1] < 20 * MEGABYTE
    finally:
        tracemalloc.stop()
