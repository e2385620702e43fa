"""`inkseed evaluate`: known answers on real digits that were spoilt in known ways."""

import contextlib
import json
import re

import numpy as np
import pytest
from PIL import Image

from inkseed.cli import main
from inkseed.data import LabelledImages, split_mnist
from inkseed.errors import InkseedError
from inkseed.evaluation import EvaluatedSet, evaluate, evaluation, read_sets, usefulness
from inkseed.evaluation.sets import natural_labels
from inkseed.judges import JudgeB
from tests.test_say import terminal

N = 800
KEYS = {
    *("accuracy", "frechet", "kernel", "precision", "recall", "density", "coverage"),
    *("memorisation", "slant", "thickness"),
}


@pytest.fixture(scope="module")
def split():
    return split_mnist()


def evaluated(source: LabelledImages):
    return evaluate([EvaluatedSet(source)]).sets[0]


def with_labels(source: LabelledImages, labels: np.ndarray) -> LabelledImages:
    return LabelledImages(source.images, labels, source.class_names)


def test_held_out_images_sit_on_their_baseline(ready, split):
    found = evaluated(split.validation.subset(np.arange(3000, 3000 + N)))
    assert found.n == N
    for name, metric in found.metrics.items():
        assert metric.low <= metric.value <= metric.high, name
        reach = 1.5 * (metric.high - metric.low + metric.baseline_high - metric.baseline_low) / 2
        assert abs(metric.value - metric.baseline) <= reach, name
    assert found.metrics["accuracy"].value > 0.985
    assert not any("REPLAY" in note for note in found.notes)
    assert found.confusion().sum() == N


@pytest.mark.parametrize("share", [0.01, 0.05, 0.2])
def test_label_noise_costs_as_much_accuracy(ready, split, share):
    source = split.validation.subset(np.arange(N))
    labels, wrong = source.labels.copy(), round(share * N)
    labels[:wrong] = (labels[:wrong] + 1 + np.arange(wrong) % 9) % 10
    before, after = evaluated(source).metrics, evaluated(with_labels(source, labels)).metrics
    assert before["accuracy"].value - after["accuracy"].value == pytest.approx(share, abs=0.003)
    frechet = after["frechet"]  # labels only say how classes are to be weighed
    assert frechet.low < before["frechet"].value < frechet.high


def test_a_missing_class_is_missed(ready, split):
    source = split.validation.subset(np.arange(N + 200))
    whole = evaluated(source.subset(np.arange(N))).metrics
    found = evaluated(source.subset(np.flatnonzero(source.labels != 4)[:N]))
    assert found.metrics["frechet"].low > whole["frechet"].high
    assert found.metrics["kernel"].low > whole["kernel"].high
    assert found.metrics["coverage"].high < whole["coverage"].low
    assert found.metrics["recall"].high < whole["recall"].low
    assert found.metrics["precision"].value == pytest.approx(whole["precision"].value, abs=0.03)
    assert found.per_class()["4"]["coverage"] < 0.3
    assert found.per_class()["4"]["accuracy"] is None
    assert "the set has no 4" in found.notes


@pytest.mark.parametrize("share", [0.05, 1.0])
def test_replay_is_called_out(ready, split, share):
    copies = round(share * N)
    source = split.validation.subset(np.arange(N))
    images, labels = source.images.copy(), source.labels.copy()
    images[:copies] = split.part_b.images[:copies]
    labels[:copies] = split.part_b.labels[:copies]
    found = evaluated(LabelledImages(images, labels, source.class_names))
    assert found.metrics["memorisation"].value == pytest.approx(0.5 + share / 2, abs=0.03)
    assert found.metrics["near_copies"].value == pytest.approx(max(share, 0.01 + share), abs=0.02)
    assert any(f"REPLAY: {copies:,} of {N:,} images" in note for note in found.notes)


def test_faint_changes_do_not_hide_a_replay(ready, split):
    images = split.part_a.images[:N].copy()
    images[images > 200] -= 9
    found = evaluated(LabelledImages(images, split.part_a.labels[:N], split.part_a.class_names))
    assert found.metrics["memorisation"].value > 0.95
    assert any(note.startswith("REPLAY?") for note in found.notes)


def test_noise_is_no_digit(ready):
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 120, (300, 28, 28)).astype(np.uint8)
    noise[:, [0, -1]] = 0
    found = evaluated(LabelledImages(noise, np.arange(300) % 10, tuple("0123456789"))).metrics
    assert found["accuracy"].value < 0.4
    assert found["precision"].value < 0.1
    assert found["coverage"].value < 0.1
    assert found["frechet"].low > found["frechet"].baseline_high


def test_the_command_line_and_its_json(ready, inkseed, split, tmp_path):
    path, folder = tmp_path / "set.npz", tmp_path / "set"
    images, labels = split.validation.images[:80], split.validation.labels[:80]
    np.savez(path, images=images[:, None], labels=labels.astype("U1"))
    for k, (image, label) in enumerate(zip(images, labels, strict=True)):
        (folder / str(label)).mkdir(parents=True, exist_ok=True)
        Image.fromarray(255 - image).save(folder / str(label) / f"{k:03d}.png")

    as_arrays = json.loads(inkseed("evaluate", path, "--json").out)
    as_folder = json.loads(inkseed("evaluate", folder, "--json").out)
    assert as_arrays["n"] == 80
    assert as_arrays["judge"] == {"name": "B", "sha256": JudgeB().sha256}
    assert as_arrays["baseline"] == "validation"
    assert as_arrays["seconds"] > 0
    assert set(as_arrays["metrics"]) >= KEYS
    for metric in as_arrays["metrics"].values():
        assert {"value", "low", "high", "baseline"} <= set(metric)
    for name in ("accuracy", "frechet", "coverage"):  # the same images, in another order
        one, other = (each["metrics"][name]["value"] for each in (as_arrays, as_folder))
        assert one == pytest.approx(other, rel=1e-6)

    people = inkseed("evaluate", path)
    assert people.status == 0
    assert "Fréchet distance" in people.out
    assert JudgeB().sha256[:12] in people.out
    with terminal("ascii") as printed:
        with pytest.raises(SystemExit) as stopped:
            main(["evaluate", str(path)])
        assert stopped.value.code == 0
        assert "Frechet distance" in printed()


def test_several_strengths_of_guidance_are_measured_apart(ready, inkseed, split, tmp_path):
    path, page = tmp_path / "set.npz", tmp_path / "page.html"
    np.savez(
        path,
        images=np.concatenate((split.validation.images[:50], split.part_b.images[:50])),
        labels=np.concatenate((split.validation.labels[:50], np.zeros(50, np.int64))),
        guide_w=np.repeat([0.5, 0.0], 50),
    )
    result = json.loads(inkseed("evaluate", path, "--out", page, "--json").out)
    assert [each["guide_w"] for each in result["guidance"]] == [0.0, 0.5]
    assert result["metrics"] == result["guidance"][0]["metrics"]
    assert result["metrics"]["accuracy"]["value"] < 0.5 < 0.95
    assert result["guidance"][1]["metrics"]["accuracy"]["value"] > 0.95
    text = page.read_text("utf-8")
    assert not re.search(r"(src|href)=\"(?!data:|#)", text)  # nothing is fetched
    assert text.count("<svg") == 2  # style, and the guidance curve
    assert "REPLAY: 50 of 50 images" in text
    assert "Random samples beside real digits" in text


def test_a_model_is_drawn_from_and_measured(ready, inkseed, tiny_model):
    result = inkseed("evaluate", "--model", tiny_model, "--count", 20, "--json")
    assert result.status == 0, result.err
    found = json.loads(result.out)
    assert found["n"] == 20
    assert found["guide_w"] == 2.0
    rough = ("--model", "digits", "--count", 40, "--guide-w", "0", "--steps", 2, "--seed", 3)
    plain, checked = (
        json.loads(inkseed("evaluate", *rough, *check, "--json").out)
        for check in ((), ("--check",))
    )
    assert checked["metrics"]["accuracy"]["value"] > plain["metrics"]["accuracy"]["value"]
    assert "drawn again" in checked["notes"][0]


def test_labels_are_asked_for_in_the_datas_own_mix(split):
    shares = np.bincount(split.part_a.labels, minlength=10) / len(split.part_a)
    for count in (20, 500, 60_000):
        found = np.bincount(natural_labels(count), minlength=10) / count
        assert found == pytest.approx(shares, abs=1.5 / min(count, len(split.part_a)))
    assert np.array_equal(natural_labels(500), natural_labels(500))


@pytest.mark.slow
def test_usefulness_as_typed(ready, inkseed, split, tmp_path, monkeypatch):
    monkeypatch.setattr(usefulness, "LEAST_STEPS", 3)
    path, page = tmp_path / "set.npz", tmp_path / "page.html"
    np.savez(path, images=split.part_b.images[:40], labels=split.part_b.labels[:40])
    result = inkseed("evaluate", path, "--usefulness", "--out", page)
    assert result.status == 0, result.err
    assert "real minus synthetic" in result.out
    assert "real minus synthetic" in page.read_text("utf-8")


@pytest.mark.slow
def test_more_than_ten_thousand_images(real_digits, ready, split):
    found = evaluated(split.part_b.subset(np.arange(12_000)))
    assert found.n == 12_000
    assert len(found.measured.chosen) == 10_000
    assert found.confusion().sum() == 12_000
    assert "fixed random 10,000 of the 12,000" in found.notes[0]


def test_the_test_digits_are_for_final_tables_alone(split, monkeypatch):
    asked = []
    monkeypatch.setattr(evaluation, "load_mnist", lambda train: asked.append(train))
    assert len(evaluation.held_out_digits(final=False)) == 9_954
    assert asked == []
    evaluation.held_out_digits(final=True)
    assert asked == [False]


def test_usefulness_tells_good_labels_from_random_ones(split, monkeypatch):
    monkeypatch.setattr(usefulness, "LEAST_STEPS", 20)
    monkeypatch.setattr(usefulness, "BATCH_SIZE", 32)
    monkeypatch.setattr(usefulness, "PASSES", 1)
    source, some = split.part_a.subset(np.arange(300)), split.validation.subset(np.arange(200))
    random = np.random.default_rng(0).integers(0, 10, 300)
    bad = usefulness.usefulness(EvaluatedSet(with_labels(source, random)), split.part_b, some)
    assert bad["gap"]["low"] > 0.2  # real minus synthetic, in accuracy
    assert bad["steps"] == 20
    assert {len(scores) for scores in bad["accuracy"].values()} == {5}
    mean = {arm: np.mean(scores) for arm, scores in bad["accuracy"].items()}
    assert bad["gap"]["value"] == pytest.approx(mean["real"] - mean["synthetic"])
    assert bad["gain"]["value"] == pytest.approx(mean["both"] - mean["real"])


INK = np.zeros((30, 28, 28), np.uint8)
INK[:, 4:24, 12:16] = 255
GOOD = {"images": INK, "labels": np.arange(30) % 10}


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        ({"images": np.full((30, 28, 28), np.nan)}, "no pixel is"),
        ({"images": np.array([None] * 30)}, "Python objects"),
        ({"images": np.zeros((30, 28, 28), np.uint8)}, "30 blank"),
        ({"images": np.zeros((30, 28), np.uint8)}, "height, width"),
        ({"images": np.zeros((30, 28, 28, 2), np.uint8)}, "height, width"),
        ({"images": np.zeros((0, 28, 28), np.uint8), "labels": np.zeros(0, int)}, "no images"),
        ({"images": INK[:9], "labels": np.arange(9)}, "too few"),
        ({"images": INK[:29]}, "29 images but 30 labels"),
        ({"labels": np.full(30, 10)}, "0 to 9"),
        ({"labels": np.full(30, -1)}, "from 0"),
        ({"labels": np.full(30, 0.5)}, "one whole number"),
        ({"labels": np.full(30, "07")}, "0 to 9"),
        ({"labels": np.array([None] * 30)}, "labels holds Python objects"),
        ({"labels": None}, "'images' and 'labels'; it has 'images'"),
        ({"guide_w": np.full(30, np.nan)}, "finite"),
        ({"guide_w": np.zeros(3)}, "guide_w"),
        ({"guide_w": np.arange(30.0)}, "too few"),
    ],
)
def test_sets_that_are_none(inkseed, tmp_path, changed, word):
    arrays = {key: value for key, value in {**GOOD, **changed}.items() if value is not None}
    np.savez(tmp_path / "set.npz", **arrays)
    result = inkseed("evaluate", tmp_path / "set.npz", "--json")
    assert result.status == 2
    assert result.out == ""
    assert re.search(word, result.err)
    assert result.err.count("\n") == 1


def test_files_that_are_no_sets(inkseed, tmp_path):
    whole = tmp_path / "whole.npz"
    np.savez_compressed(whole, **GOOD)
    data = whole.read_bytes()
    rng = np.random.default_rng(0)
    for k in range(60):
        spoilt = bytearray(data[: rng.integers(len(data))] if k % 2 else data)
        for _ in range(k % 5):
            spoilt[rng.integers(len(spoilt))] = rng.integers(256) if spoilt else 0
        path = tmp_path / "spoilt.npz"
        path.write_bytes(spoilt)
        with contextlib.suppress(InkseedError):  # anything else would be a traceback
            read_sets(path)
    (tmp_path / "x").mkdir()
    for words in (
        (tmp_path / "none.npz",),
        (tmp_path / "x",),
        (),
        (whole, "--model", "report"),
        (whole, "--out", tmp_path / "page.pdf"),
        (whole, "--guide-w", "1"),
        (whole, "--count", 7),
        (whole, "--check"),
        ("--model", "nobody"),
        ("--model", "report", "--guide-w", "many"),
    ):
        result = inkseed("evaluate", *words)
        assert result.status == 2, words
        assert result.err.count("\n") == 1, words


def test_how_a_set_was_read_is_said(tmp_path, split):
    big = np.kron(split.validation.images[:30], np.ones((1, 2, 2), np.uint8))
    np.savez(tmp_path / "set.npz", images=255 - big, labels=split.validation.labels[:30])
    (only,) = read_sets(tmp_path / "set.npz")
    assert np.array_equal(only.source.images, split.validation.images[:30])
    assert only.notes == ["30 images, all used; light paper; 56x56 pixels, resized to 28"]
