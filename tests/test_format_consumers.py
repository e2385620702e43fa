"""Each format as its trainer reads it: by the trainer's own library, or by what its code does.

EasyOCR, docTR, PaddleOCR and Ultralytics need torchvision or paddle to import. What their readers
do with the files is a few lines each, and is written here after their sources.
"""

import io
import json
import os
import re
from pathlib import Path

import lmdb
import numpy as np
import pandas as pd
import pytest
import webdataset
from datasets import load_dataset
from PIL import Image
from pycocotools.coco import COCO

from inkseed.data import read_idx_pair, read_images
from inkseed.errors import InkseedError, InkseedWarning
from inkseed.sets.formats.registry import Row, find_format
from tests.test_formats import digits, numbers, shape, write

LABELS = ["007", "00000000", "42", "1", "9999", "20260101", "0", "10"]


def pixels(picture: Image.Image) -> np.ndarray:
    return np.asarray(picture.convert("L"))


def leaves(root: Path) -> list[Path]:
    """The folders that EasyOCR's trainer reads: those without folders in them."""
    return [Path(place) for place, folders, _ in os.walk(root) if not folders]


@pytest.mark.parametrize("sep", [{"sep": "^([^,]+),", "engine": "python"}, {}])
def test_easyocr(sep, tmp_path):
    """trainer/dataset.py: OCRDataset, as it is now and as it was before it had a separator."""
    made = numbers()
    write("easyocr", tmp_path, made)
    [root] = leaves(tmp_path)
    table = pd.read_csv(
        root / "labels.csv", usecols=["filename", "words"], keep_default_na=False, **sep
    )
    kept = []
    for k in range(len(table)):
        label = table.at[k, "words"]
        if len(label) > 25 or re.search("[^0123456789]", label.lower()):
            continue
        kept.append((label, pixels(Image.open(root / table.at[k, "filename"]))))
    assert [label for label, _ in kept] == LABELS
    assert all(np.array_equal(image, n.image) for (_, image), n in zip(kept, made, strict=True))
    for name in table["filename"]:  # also the row that keeps the column text
        Image.open(root / name).verify()


def test_easyocr_of_many(tmp_path):
    """pandas guesses for some rows at a time, so one word at the top is not enough."""
    rows = [Row(0, 0, "007", [], 32, 128)] * 300_000
    find_format("easyocr").finish(tmp_path, rows)
    table = pd.read_csv(tmp_path / "words" / "labels.csv", keep_default_na=False)
    assert table["words"].value_counts().to_dict() == {"007": 300_000, "word": 4}


def test_paddleocr(tmp_path):
    """ppocr/data/simple_dataset.py: SimpleDataSet, and BaseRecLabelEncode's dictionary."""
    made = numbers()
    write("paddleocr", tmp_path, made)
    found = []
    for line in (tmp_path / "labels.txt").read_bytes().splitlines(keepends=True):
        parts = line.decode("utf-8").strip("\n").split("\t")
        found.append((parts[1], pixels(Image.open(tmp_path / parts[0]))))
    assert [label for label, _ in found] == LABELS
    assert all(np.array_equal(image, n.image) for (_, image), n in zip(found, made, strict=True))
    lines = (tmp_path / "digits.txt").read_bytes().splitlines(keepends=True)
    known = [line.decode("utf-8").strip("\n").strip("\r\n") for line in lines]
    assert known == list("0123456789")


def test_doctr(tmp_path):
    """doctr/datasets/recognition.py: RecognitionDataset."""
    made = numbers()
    write("doctr", tmp_path, made)
    labels = json.loads((tmp_path / "labels.json").read_text())
    assert list(labels.values()) == LABELS
    for (name, _), n in zip(labels.items(), made, strict=True):
        assert np.array_equal(pixels(Image.open(tmp_path / "images" / name)), n.image)


def test_lmdb_as_parseq_reads_it(tmp_path):
    """strhub/data/dataset.py: build_tree_dataset and LmdbDataset."""
    made = numbers()
    write("lmdb", tmp_path / "train", made)
    [found] = tmp_path.rglob("data.mdb")
    with (
        lmdb.open(
            str(found.parent),
            max_readers=1,
            readonly=True,
            create=False,
            readahead=False,
            meminit=False,
            lock=False,
        ) as opened,
        opened.begin() as held,
    ):
        count = int(held.get(b"num-samples"))
        labels = [held.get(f"label-{k:09d}".encode()).decode() for k in range(1, count + 1)]
        images = [held.get(f"image-{k:09d}".encode()) for k in range(1, count + 1)]
        assert held.get(b"image-000000000") is None
    assert labels == LABELS
    for image, n in zip(images, made, strict=True):
        assert np.array_equal(pixels(Image.open(io.BytesIO(image))), n.image)
    assert (tmp_path / "train" / "data.mdb").stat().st_size < 1e6


def test_parseq_is_said_to_drop_long_labels():
    with pytest.warns(InkseedWarning, match="max_label_length to 30"):
        find_format("lmdb").check(shape(longest=30))


@pytest.mark.parametrize("streaming", [False, True])
def test_imagefolder(streaming, tmp_path):
    """Hugging Face datasets: splits by folder, beside the files of the whole set."""
    made = numbers()
    write("imagefolder", tmp_path / "set" / "train", made[:5])
    write("imagefolder", tmp_path / "set" / "test", made[5:])
    (tmp_path / "set" / "settings.json").write_text("{}")
    (tmp_path / "set" / "manifest").mkdir()
    loaded = load_dataset(
        "imagefolder",
        data_dir=str(tmp_path / "set"),
        cache_dir=str(tmp_path / "cache"),
        streaming=streaming,
    )
    assert set(loaded) == {"train", "test"}
    found = [*loaded["train"], *loaded["test"]]
    assert [row["label"] for row in found] == LABELS
    for row, n in zip(found, made, strict=True):
        assert np.array_equal(np.asarray(row["image"]), n.image)
        assert [tuple(box) for box in row["boxes"]] == n.boxes


def test_webdataset(tmp_path):
    made = numbers()
    write("webdataset", tmp_path, made)
    shards = str(tmp_path / "{000000..000002}.tar")
    found = list(webdataset.WebDataset(shards, shardshuffle=False).decode("pil"))
    assert [sample["txt"] for sample in found] == LABELS
    for sample, n in zip(found, made, strict=True):
        assert np.array_equal(pixels(sample["png"]), n.image)
        assert sample["json"]["label"] == n.label
        assert [tuple(box) for box in sample["json"]["boxes"]] == n.boxes
        assert sample["__key__"] == f"{n.index:09d}"


def test_coco(tmp_path, capsys):
    made = numbers()
    write("coco", tmp_path, made)
    held = COCO(str(tmp_path / "annotations.json"))
    names = {each["id"]: each["name"] for each in held.loadCats(held.getCatIds())}
    for image, n in zip(held.loadImgs(sorted(held.getImgIds())), made, strict=True):
        assert np.array_equal(pixels(Image.open(tmp_path / image["file_name"])), n.image)
        assert (image["height"], image["width"]) == n.image.shape
        boxes = held.loadAnns(held.getAnnIds(imgIds=[image["id"]]))
        assert "".join(names[box["category_id"]] for box in boxes) == n.label == image["label"]
        for (x, y, width, height), (x0, y0, x1, y1) in zip(
            [box["bbox"] for box in boxes], n.boxes, strict=True
        ):
            assert (x, y, x + width, y + height) == (x0, y0, x1, y1)


def yaml_of(path: Path) -> dict[str, str]:
    lines = [line.split(": ") for line in path.read_text().splitlines() if not line.endswith(":")]
    return {key.strip(): value for key, value in lines}


@pytest.mark.parametrize("splits", [("train", "validation", "test"), ("train",), ("odd name",)])
def test_yolo(splits, tmp_path):
    """ultralytics/data/utils.py: check_det_dataset, img2label_paths and verify_image_label."""
    made = numbers()
    form = find_format("yolo")
    for split in splits:
        write("yolo", tmp_path / split, made, finish=False)
    for split in splits:
        form.finish(tmp_path / split, [])
    held = yaml_of(tmp_path / splits[0] / "data.yaml")
    assert [held[str(k)] for k in range(10)] == [f"'{k}'" for k in range(10)]
    own = {key: (tmp_path / splits[0] / held[key]).resolve() for key in ("train", "val")}
    assert own["train"] == tmp_path / splits[0] / "images"
    assert own["val"] == tmp_path / splits[min(1, len(splits) - 1)] / "images"
    assert ("test" in held) == (len(splits) == 3)
    for path, n in zip(sorted(own["train"].rglob("*.png")), made, strict=True):
        a, b = f"{os.sep}images{os.sep}", f"{os.sep}labels{os.sep}"
        labels = Path(b.join(str(path).rsplit(a, 1)).rsplit(".", 1)[0] + ".txt")
        lines = [line.split() for line in labels.read_text().strip().splitlines()]
        table = np.array(lines, np.float32)
        assert "".join(line[0] for line in lines) == n.label
        assert table.shape == (len(n.label), 5)
        assert table[:, 1:].min() >= 0
        assert table.max(0)[1:].max() <= 1
        high, wide = n.image.shape
        size = table[:, 3:] * (wide, high)
        corner = table[:, 1:3] * (wide, high) - size / 2
        assert np.allclose(np.hstack((corner, corner + size)), n.boxes, atol=1e-3)


def test_a_digit_without_ink_is_not_there_to_be_found(tmp_path):
    """Detectors stop at a box without an area."""
    [n] = numbers(["34"])
    n.boxes[1] = (20, 5, 20, 5)
    for name in ("coco", "yolo"):
        write(name, tmp_path / name, [n])
    assert len(json.loads((tmp_path / "coco" / "annotations.json").read_text())["annotations"]) == 1
    [labels] = (tmp_path / "yolo" / "labels").rglob("*.txt")
    assert labels.read_text().count("\n") == 1


def test_npz(tmp_path):
    made = numbers()
    write("npz", tmp_path, made)
    with np.load(tmp_path / "numbers.npz", allow_pickle=False) as arrays:
        assert arrays["labels"].tolist() == LABELS
        assert arrays["images"].shape == (8, 32, 128)
        assert arrays["boxes"].shape == (8, 8, 4)
        assert arrays["boxes"][0, 3:].tolist() == [[-1] * 4] * 5
        assert arrays["indices"].tolist() == list(range(8))


def test_an_npz_of_digits_is_a_set_that_inkseed_reads(tmp_path):
    made = digits()
    write("npz", tmp_path, made)
    found = read_images(tmp_path / "numbers.npz").images
    assert [found.class_names[k] for k in found.labels] == [n.label for n in made]


def test_idx_as_torchvision_reads_it(tmp_path):
    """torchvision/datasets/mnist.py: read_sn3_pascalvincent_tensor, after its own file names."""
    made = digits()
    for split, prefix in (("train", "train"), ("test", "t10k")):
        write("idx", tmp_path / split, made)
        arrays = []
        for kind in ("images-idx3", "labels-idx1"):
            data = (tmp_path / split / f"{prefix}-{kind}-ubyte").read_bytes()
            magic = int.from_bytes(data[:4], "big")
            axes, element = magic % 256, magic // 256
            assert element == 8
            sizes = [int.from_bytes(data[4 * (k + 1) : 4 * (k + 2)], "big") for k in range(axes)]
            arrays.append(np.frombuffer(data, np.uint8, offset=4 * (axes + 1)).reshape(sizes))
        images, labels = arrays
        assert np.array_equal(images, np.stack([n.image for n in made]))
        assert labels.tolist() == [int(n.label) for n in made]
    pair = [tmp_path / "train" / f"train-{kind}-ubyte" for kind in ("images-idx3", "labels-idx1")]
    assert len(read_idx_pair(*pair).images) == len(made)


def test_png_with_labels_as_text(tmp_path):
    write("png", tmp_path, numbers())
    table = pd.read_csv(tmp_path / "labels.csv", dtype={"label": str})
    assert table["label"].tolist() == LABELS
    assert json.loads(table["boxes"][2]) == [list(box) for box in numbers()[2].boxes]
    assert [name.split("/")[-1] for name in table["filename"]] == [f"{k:09d}.png" for k in range(8)]


@pytest.mark.parametrize(
    ("name", "changed", "message"),
    [
        ("idx", {"shortest": 1}, "single digits"),
        ("idx", {"longest": 1}, "28x28"),
        ("idx", {"longest": 1, "height": 28, "width": 28}, "light ink on dark"),
        ("idx", {"longest": 1, "height": 28, "width": 28, "dark": False, "colour": True}, "grey"),
        ("npz", {"width": None}, "give --width"),
    ],
)
def test_what_a_format_cannot_hold_is_refused_in_one_line(name, changed, message):
    with pytest.raises(InkseedError, match=message) as caught:
        find_format(name).check(shape(**changed))
    assert "\n" not in str(caught.value)


def test_idx_takes_what_is_like_mnist():
    find_format("idx").check(shape(longest=1, height=28, width=28, dark=False))


@pytest.mark.parametrize(("name", "library"), [("lmdb", "lmdb"), ("imagefolder", "pyarrow")])
def test_a_missing_library_is_one_line_that_says_what_to_install(name, library, monkeypatch):
    for each in (library, f"{library}.parquet"):
        monkeypatch.setitem(__import__("sys").modules, each, None)
    with pytest.raises(InkseedError, match=f"need {library}: pip install {library}"):
        find_format(name).check(shape())
