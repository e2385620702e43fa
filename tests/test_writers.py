"""Who wrote which of MNIST's digits: known for each, kept with the images, and checked."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from inkseed.data import LabelledImages, bundled, join, load_mnist, load_writers, writers
from inkseed.errors import InkseedError


def test_a_writer_is_of_one_series_and_wrote_some_hundred_digits():
    for train, count in ((True, 539), (False, 297)):
        numbers, series = load_writers(train)
        assert numbers.dtype == series.dtype == np.int64
        assert numbers.shape == series.shape == load_mnist(train).labels.shape
        assert len(np.unique(numbers)) == len(np.unique(numbers * 10 + series)) == count
        assert set(series) == {0, 4}
    assert 100 < np.median(np.unique(load_writers(train=True).numbers, return_counts=True)[1]) < 130


def test_writers_go_with_their_images():
    digits, other = load_mnist(train=True), load_mnist(train=False)
    assert digits.writers.tolist() == load_writers(train=True).numbers.tolist()
    some, own = np.array([7, 3, 3]), digits.subset(np.arange(1000))
    assert own.subset(some).writers.tolist() == own.writers[some].tolist()
    assert own.subset(own.labels == 4).writers.tolist() == own.writers[own.labels == 4].tolist()
    assert join([own, other]).writers.tolist() == [*own.writers, *other.writers]
    unknown = LabelledImages(own.images[:3], own.labels[:3], own.class_names)
    assert unknown.writers is None
    assert unknown.subset(np.array([0])).writers is None
    assert join([own, unknown]).writers is None
    with pytest.raises(InkseedError, match="3 images but 2 writers"):
        LabelledImages(own.images[:3], own.labels[:3], own.class_names, np.arange(2))


def test_a_changed_file_of_writers_is_refused(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(writers, "FOLDER", tmp_path)
    with pytest.raises(InkseedError, match="cannot read"):
        load_writers(train=True)
    for name in bundled.SHA256:
        (tmp_path / name).write_bytes((bundled.FOLDER / name).read_bytes())
    assert len(load_writers(train=True).numbers) == 60_000
    (tmp_path / "mnist-train-writers.u2.gz").write_bytes(gzip.compress(bytes(240_000)))
    with pytest.raises(InkseedError, match="SHA-256"):
        load_mnist(train=True)
    assert len(load_mnist(train=False)) == 10_000
