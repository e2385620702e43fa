"""Own sets of every layout and kind of file: what is read, and the line that says so."""

import gzip
import json
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from inkseed.data import HowToRead, LabelledImages, read_folder, read_images, split_mnist
from inkseed.errors import InkseedError
from inkseed.evaluation import read_sets

TINY = """
styles = true
epochs = 1
batch_size = 32
images = 64
learning_rate = 1e-3
drop_prob = 0.1
pictures = 1
[network]
name = "patch_unet"
widths = [16, 64]
[schedule]
name = "variance_exploding"
sigma_max = 20.0
sigma_min = 0.02
[prediction]
name = "edm"
[sampling]
sampler = "ddim"
steps = 4
"""


@pytest.fixture(scope="module")
def digits() -> LabelledImages:
    """Forty validation digits, four of each."""
    validation = split_mnist().validation
    of_each = [np.flatnonzero(validation.labels == label)[:4] for label in range(10)]
    return validation.subset(np.concatenate(of_each))


@pytest.fixture
def folder(digits, tmp_path) -> Path:
    """`mine/<label>/<number>.png`, dark on light."""
    return written(tmp_path / "mine", digits)


def written(folder: Path, digits: LabelledImages) -> Path:
    for k, (ink, label) in enumerate(zip(digits.images, digits.labels, strict=True)):
        (folder / str(label)).mkdir(parents=True, exist_ok=True)
        Image.fromarray(255 - ink).save(folder / str(label) / f"{k:02d}.png")
    return folder


def line(path: Path, **how: object) -> str:
    return read_images(path, (28, 28), HowToRead(**how)).account.line()


def refusal(path: Path, **how: object) -> str:
    with pytest.raises(InkseedError) as refused:
        read_images(path, (28, 28), HowToRead(**how))
    (only,) = str(refused.value).splitlines()
    return only


def test_what_is_left_out_is_named(folder, digits):
    Image.new("L", (28, 28), 250).save(folder / "4" / "blank.png")
    noise = np.random.default_rng(0).normal(200, 2, (90, 70)).astype(np.uint8)
    Image.fromarray(noise).save(folder / "4" / "blank_scan.jpg")
    (folder / "3" / "a.heic").write_bytes(b"not read here")
    (folder / "3" / "b\x1b[31m.png").write_bytes(b"no picture")
    Image.fromarray(np.full((28, 28), np.nan, np.float32)).save(folder / "3" / "c.tif")
    (folder / "5" / "notes.txt").write_text("mine")
    (folder / "5" / ".DS_Store").write_bytes(b"clutter")
    (folder / "5" / "more").mkdir()
    found = read_images(folder, (28, 28))
    assert np.array_equal(found.images.images, digits.images)
    assert found.account.line() == (
        "45 pictures, 40 used; 2 blank (first: 4/blank.png); 3 unreadable (first: 3/a.heic);"
        " 2 other files (first: 5/more); light paper; 28 to 90 pixels, resized to 28"
    )
    with pytest.warns(UserWarning, match="2 blank"):
        read_folder(folder)


def test_blank_pictures_of_a_measured_set_are_counted_among_the_used(folder):
    Image.new("L", (28, 28), 255).save(folder / "4" / "blank.png")
    (folder / "3" / "broken.png").write_bytes(b"no picture")
    (found,) = read_sets(folder)
    assert found.notes[0].startswith(
        "42 pictures, 41 used; 1 of them blank (4/blank.png); 1 unreadable (3/broken.png); "
    )
    assert len(found.source) == 41


def test_a_set_of_which_nothing_can_be_used(tmp_path):
    (tmp_path / "0").mkdir()
    Image.new("L", (28, 28), 255).save(tmp_path / "0" / "a.png")
    assert refusal(tmp_path) == "none of the 1 pictures can be used: 1 blank (0/a.png)"
    assert "1 blank" in refusal(tmp_path, measured=True)


def test_folders_of_another_layout_are_told_the_right_one(folder, digits, tmp_path):
    written(tmp_path / "high" / "train", digits)
    assert f"one level too high: give {tmp_path}/high/train" in refusal(tmp_path / "high")
    written(tmp_path / "high" / "test", digits)
    assert f"give one, such as {tmp_path}/high/train" in refusal(tmp_path / "high")
    assert f"one level too low: give {folder}" in refusal(folder / "7")
    for label in "01":
        written(tmp_path / "deep" / label, digits)
    assert f"deep/0/0 is one level too deep: pictures belong in {tmp_path}/deep/0" in refusal(
        tmp_path / "deep"
    )
    (tmp_path / "flat").mkdir()
    Image.new("L", (28, 28)).save(tmp_path / "flat" / "7.png")
    assert "has no folder for each label" in refusal(tmp_path / "flat")
    (tmp_path / "empty").mkdir()
    assert "holds no images" in refusal(tmp_path / "empty")
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "train-images-idx3-ubyte").write_bytes(b"")
    assert "raw/train-images-idx3-ubyte" in refusal(tmp_path / "raw")


@pytest.mark.parametrize(
    ("names", "change"),
    [
        (("images", "labels"), lambda x: x),
        (("x_train", "y_train"), lambda x: 255 - x),
        (("arr_0", "arr_1"), lambda x: np.repeat(x[..., None], 3, 3)),
        (("data", "target"), lambda x: x.reshape(len(x), -1)),
        (("images", "labels"), lambda x: (x / 255).astype(np.float32)[:, None]),
        (("images", "labels"), lambda x: x / 127.5 - 1),
        (("images", "labels"), lambda x: (x.astype(float) - 33.3) / 78.6),
        (("images", "labels"), lambda x: x.astype(np.uint16) * 257),
        (("images", "labels"), lambda x: x.astype(np.int64)),
    ],
    ids=["ours", "keras", "colour", "flat", "unit", "signed", "standard", "16 bits", "int64"],
)
def test_arrays_under_many_names_and_scales(digits, tmp_path, names, change):
    path = tmp_path / "set.npz"
    np.savez(path, **dict(zip(names, (change(digits.images), digits.labels), strict=True)))
    found = read_images(path).images
    assert abs(found.images.astype(int) - digits.images).max() <= 1
    assert np.array_equal(found.labels, digits.labels)
    assert found.class_names == digits.class_names


def test_arrays_masks_and_values_that_are_no_numbers(digits, tmp_path):
    images = (digits.images > 127).astype(float)
    images[3, 5, 5], images[4, 5, 5] = np.inf, np.nan
    np.savez(tmp_path / "set.npz", images=images, labels=digits.labels.astype("U1"))
    found = read_images(tmp_path / "set.npz")
    assert found.kept.tolist() == [0, 1, 2, *range(5, 40)]
    assert np.array_equal(found.images.images, 255 * (digits.images[found.kept] > 127))
    assert "2 unreadable (first: number 4)" in found.account.line()


def test_arrays_that_are_no_set(digits, tmp_path):
    path = tmp_path / "set.npz"
    np.savez(path, pictures=digits.images, labels=digits.labels)
    assert "it has 'labels', 'pictures'" in refusal(path)
    np.savez(path, images=digits.images, labels=digits.labels.astype(object))
    assert "labels holds Python objects" in refusal(path)
    np.savez(path, images=digits.images, labels=np.array([b"\xff"] * 40))
    assert "labels must be" in refusal(path)
    # 600 MB in 600 KB: refused by its header
    head = struct.Struct("<6sBBH")
    described = str({"descr": "|u1", "fortran_order": False, "shape": (786_432, 28, 28)}).encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        start = head.pack(b"\x93NUMPY", 1, 0, len(described)) + described
        packed.writestr("images.npy", start + bytes(1 << 20))
        with packed.open("labels.npy", "w") as stream:
            np.lib.format.write_array(stream, digits.labels)
    assert "786,432 images but 40 labels" in refusal(path)


def idx(array: np.ndarray) -> bytes:
    head = bytes((0, 0, 8, array.ndim)) + struct.pack(f">{array.ndim}I", *array.shape)
    return head + array.astype(np.uint8).tobytes()


@pytest.mark.parametrize("packed", [False, True])
def test_idx_pairs_and_emnists_transposed_ones(digits, tmp_path, packed):
    pack, end = (gzip.compress, ".gz") if packed else (bytes, "")
    images = tmp_path / f"emnist-digits-train-images-idx3-ubyte{end}"
    labels = tmp_path / f"emnist-digits-train-labels-idx1-ubyte{end}"
    images.write_bytes(pack(idx(digits.images.swapaxes(1, 2))))
    assert "put emnist-digits-train-labels-idx1-ubyte" in refusal(images)
    labels.write_bytes(pack(idx(digits.labels)))
    for either in (images, labels):
        found = read_images(either, None, HowToRead(transposed=True)).images
        assert np.array_equal(found.images, digits.images)
        assert np.array_equal(found.labels, digits.labels)
    assert "--transposed turns them" in line(images)


@pytest.mark.parametrize("head", ["first", "last", "none", "packed"])
def test_kaggles_csv(digits, tmp_path, head):
    names = [f"pixel{k}" for k in range(784)]
    rows = [[str(label), *map(str, ink.ravel())] for ink, label in zip(*parts(digits), strict=True)]
    if head != "none":
        rows.insert(0, ["label", *names])
    if head == "last":
        rows = [[*row[1:], row[0]] for row in rows]
    text = "\n".join(map(",".join, rows)) + "\n"
    path = tmp_path / ("train.csv.gz" if head == "packed" else "train.csv")
    path.write_bytes(gzip.compress(text.encode()) if head == "packed" else text.encode())
    found = read_images(path).images
    assert np.array_equal(found.images, digits.images)
    assert np.array_equal(found.labels, digits.labels)


def parts(digits: LabelledImages) -> tuple[np.ndarray, np.ndarray]:
    return digits.images, digits.labels


def test_csvs_that_are_none(tmp_path):
    path = tmp_path / "train.csv"
    for text, word in (
        ("", "holds no images"),
        ("pixel0,pixel1\n1,2\n", "name the first or the last column 'label'"),
        ("label,a,b,c,d\n1,0,0,0,255\n2,0,0\n", "line 3: 2 pixels, where other lines have 4"),
        ("label,a,b,c,d\n1,0,0,x,255\n", "line 2: a pixel is not a number"),
        ("1,2,3,4\n", "3 pixels per line do not make a square"),
        ("\xff" * 30, "not"),
    ):
        path.write_bytes(text.encode("latin-1"))
        assert word in refusal(path)


def test_what_inkseed_drew_is_measured_as_it_is_drawn(tmp_path, digits):
    """A folder of it and an .npz give the same images, failures too."""
    images = digits.images.copy()
    images[0], images[1] = 0, images[1] // 4  # nothing drawn, hardly anything
    images[2] = np.roll(images[2], 6, 1)
    drawn = LabelledImages(images, digits.labels, digits.class_names)
    np.savez(tmp_path / "set.npz", images=images, labels=digits.labels)
    (arrays,) = read_sets(tmp_path / "set.npz")
    (pictures,) = read_sets(written(tmp_path / "set", drawn))
    assert np.array_equal(arrays.source.images, images)
    assert np.array_equal(pictures.source.images, images)
    assert "40 images, all used; 1 of them blank (number 1)" in arrays.notes[0]
    rng = np.random.default_rng(0)
    noise = LabelledImages(
        rng.normal(90, 120, images.shape).clip(0, 255).astype(np.uint8),
        digits.labels,
        digits.class_names,
    )
    np.savez(tmp_path / "noise.npz", images=noise.images, labels=noise.labels)
    (arrays,) = read_sets(tmp_path / "noise.npz")
    assert np.array_equal(arrays.source.images, noise.images)
    (pictures,) = read_sets(written(tmp_path / "noise", noise))  # may be photographs: and says so
    assert "contrast" in pictures.notes[0]
    (kept,) = read_sets(tmp_path / "noise", HowToRead(form="keep"))
    assert np.array_equal(kept.source.images, noise.images)


def test_the_command_line_says_what_was_read(inkseed, folder, tmp_path):
    recipe = tmp_path / "tiny.toml"
    recipe.write_text(TINY)
    Image.new("L", (28, 28), 255).save(folder / "4" / "blank.png")
    for digit in folder.iterdir():
        for picture in list(digit.iterdir()):  # masks of 0 and 1 once ended in ZeroDivisionError
            with Image.open(picture) as opened:
                mask = (np.asarray(opened) < 128).astype(np.uint8)
            for copy in "abc":
                Image.fromarray(mask).save(picture.with_stem(f"{picture.stem}{copy}"))
            picture.unlink()
    out = tmp_path / "run"
    trained = inkseed("train", recipe, "--data", folder, "--out", out)
    assert trained.status == 0, trained.err
    assert "inkseed: 123 pictures, 120 used; 3 blank (first: 4/blanka.png); dark paper" in (
        trained.err
    )
    number = tmp_path / "number.png"
    written = inkseed("write", "12", "--model", out / "model.safetensors", "--out", number)
    assert written.status == 0, written.err
    for wrong in (("--form", "square"), ("--paper", "blue")):
        refused = inkseed("train", recipe, "--data", folder, "--out", tmp_path / "no", *wrong)
        assert (refused.status, wrong[0][2:] in refused.err) == (2, True)
    assert inkseed("evaluate", "--model", "digits", "--form", "keep").status == 2
    letters = tmp_path / "letters"
    folder.rename(letters)
    (letters / "7").rename(letters / "x")
    assert "the label 'x': the judge reads 0 to 9" in inkseed("evaluate", letters).err
    assert json.loads((out / "settings.json").read_text())["data"] == "120 images of mine"


def test_a_generators_poor_digits_are_measured_as_they_are(tmp_path):
    """Noise round a digit is a fault of what drew it: no reader takes it away."""
    digits = split_mnist().validation
    noise = np.random.default_rng(0).integers(0, 120, (40, 28, 28), np.uint8)
    images = np.maximum(digits.images[:40], noise)
    np.savez(tmp_path / "set.npz", images=images, labels=digits.labels[:40])
    (found,) = read_sets(tmp_path / "set.npz")
    assert np.array_equal(found.source.images, images)
    np.savez(tmp_path / "light.npz", images=255 - images, labels=digits.labels[:40])
    (found,) = read_sets(tmp_path / "light.npz")
    assert np.array_equal(found.source.images, images)
