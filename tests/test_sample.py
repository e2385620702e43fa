import json

import numpy as np
import pytest
import torch
from PIL import Image

import inkseed as package
from inkseed.data import read_folder
from inkseed.errors import InkseedError


def test_figure_1_has_three_labelled_bands(inkseed, tiny_model, tmp_path):
    figure, trace = tmp_path / "figure1.png", tmp_path / "denoising.gif"
    result = inkseed(
        *("sample", "--labels", "0-9", "--count", 4, "--guide-w", "0,0.5,2"),
        *("--out", figure, "--trace", trace, "--model", tiny_model),
    )
    assert result.status == 0
    with Image.open(figure) as picture:
        pixels = np.asarray(picture.convert("L"))
    blank = (pixels == 255).all(1)
    starts = np.flatnonzero(blank[:-1] & ~blank[1:])
    tall = [y for y in starts if (~blank[y + 1 : y + 1 + 4 * 28 * 2 - 8]).all()]
    assert len(tall) == 3  # three blocks of four rows of digits
    captions = [y for y in starts if y not in tall]
    assert len(captions) == 3  # each under a caption of its own
    assert all(c < t for c, t in zip(captions, tall, strict=True))
    assert pixels.shape[1] == 10 * 28 * 2 + 2 * 8

    with Image.open(trace) as gif:
        assert gif.size == (pixels.shape[1], pixels.shape[0])
        frames = []
        for k in range(gif.n_frames):
            gif.seek(k)
            frames.append(np.asarray(gif.convert("L")).astype(int))
    assert len(frames) == 13  # the noise and each of this model's 12 steps
    assert abs(frames[-1] - pixels).mean() < 3  # the last frame is the figure, in fewer greys
    assert abs(frames[0] - pixels).mean() > 20


def test_bands_differ_only_by_guidance(inkseed, tiny_model, tmp_path):
    out = tmp_path / "s.npz"
    inkseed("sample", "--count", 2, "--guide-w", "0,2", "--out", out, "--model", tiny_model)
    with np.load(out, allow_pickle=False) as saved:
        assert saved["images"].shape == (40, 28, 28)
        assert saved["images"].dtype == np.uint8
        assert saved["labels"].tolist() == [*range(10)] * 4
        assert saved["guide_w"].tolist() == [0.0] * 20 + [2.0] * 20
        assert saved["nfe"].tolist() == [12] * 20 + [24] * 20
        assert np.array_equal(saved["seeds"][:20], saved["seeds"][20:])
        assert not np.array_equal(saved["images"][:20], saved["images"][20:])


def test_a_folder_of_samples_reads_back_as_labelled_images(inkseed, tiny_model, tmp_path):
    arrays, folder = tmp_path / "s.npz", tmp_path / "set"
    for out in (arrays, folder):
        inkseed("sample", "--labels", "3,5-6", "--count", 2, "--out", out, "--model", tiny_model)
    with np.load(arrays) as saved:
        images, labels = saved["images"], saved["labels"]
    found = read_folder(folder, paper="light")
    assert found.class_names == ("3", "5", "6")
    assert labels.tolist() == [3, 5, 6, 3, 5, 6]
    by_label = np.argsort(labels, kind="stable")
    assert np.array_equal(found.images, images[by_label])
    again = inkseed("sample", "--out", folder, "--model", tiny_model)
    assert again.status == 2
    assert "not an empty folder" in again.err


def test_json(inkseed, tiny_model, tmp_path):
    out = tmp_path / "s.npz"
    result = inkseed(
        *("sample", "--count", 1, "--guide-w", "0,1", "--out", out),
        *("--model", tiny_model, "--json"),
    )
    facts = json.loads(result.out)
    assert facts == {"out": str(out), "images": 20, "seed": 0, "nfe": {"0": 12, "1": 24}}


def test_batch_size_never_changes_an_images_noise(tiny_model, monkeypatch):
    model = package.load(tiny_model)
    drawn = {}
    for size in (1, 7, 64):
        monkeypatch.setattr("inkseed.model.BATCH_SIZE", size)
        drawn[size] = model.sample([*range(10)], seed=4, trace=True)
    for size in (1, 7):
        assert torch.equal(drawn[size].noise, drawn[64].noise)
        difference = drawn[size].images.astype(int) - drawn[64].images
        assert abs(difference).max() <= 8
        assert len(drawn[size].steps) == 12
        assert drawn[size].steps[-1].shape == (10, 1, 28, 28)


@pytest.mark.parametrize(
    ("request_", "complaint"),
    [
        ({"labels": []}, "no labels"),
        ({"labels": [10]}, "0 to 9"),
        ({"labels": [-1]}, "0 to 9"),
        ({"labels": [1], "seed": -1}, "seed"),
        ({"labels": [1], "guide_w": float("nan")}, "guide_w"),
    ],
)
def test_impossible_requests_from_python(tiny_model, request_, complaint):
    with pytest.raises(InkseedError, match=complaint):
        package.load(tiny_model).sample(**request_)


def test_a_saved_model_is_the_same_model(tiny_model, tmp_path):
    model = package.load(tiny_model)
    model.save(tmp_path / "copy.safetensors")
    copy = package.load(tmp_path / "copy.safetensors")
    assert np.array_equal(model.sample([1, 2]).images, copy.sample([1, 2]).images)
    assert copy.config == model.config
