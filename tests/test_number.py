import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import inkseed as package
from inkseed.checkpoint import save_tensors
from inkseed.data.pairs import INK
from inkseed.model.redraw import ATTEMPTS
from inkseed.model.request import MOST_CANDIDATES
from inkseed.nn import network_from
from inkseed.samplers import Step
from inkseed.writing import number
from inkseed.writing.number import write
from inkseed.writing.typesetting import SCALE, cleaned, gaps, typeset


def test_a_number_is_one_picture_of_its_digits(inkseed, tiny_model, tmp_path):
    out = tmp_path / "number.png"
    result = inkseed("write", "0070", "--model", tiny_model, "--out", out)
    assert result.status == 0
    assert result.out.strip() == str(out)
    with Image.open(out) as picture:
        assert picture.mode == "L"
        assert picture.height == 28 * SCALE
    assert [path.name for path in tmp_path.iterdir()] == ["number.png"]


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(inkseed, tiny_model, tmp_path):
    paths = [tmp_path / f"{k}.png" for k in range(3)]
    for path, seed in zip(paths, (7, 7, 8), strict=True):
        inkseed("write", "42", "--seed", seed, "--model", tiny_model, "--out", path)
    first, second, other = (path.read_bytes() for path in paths)
    assert first == second
    assert first != other


def test_json_says_what_was_written(inkseed, tiny_model, tmp_path):
    out = tmp_path / "n.png"
    facts = json.loads(inkseed("write", "007", "--model", tiny_model, "--out", out, "--json").out)
    assert facts["number"] == "007"
    assert facts["nfe"] == 3 * 20 * 2
    assert len(facts["boxes"]) == 3


def test_boxes_are_tight_round_each_digits_ink():
    blocks = np.zeros((3, 1, 28, 28), np.uint8)
    blocks[0, 0, 4:20, 6:10] = 255
    blocks[0, 0, 12, 6:28] = 255
    blocks[1, 0, 10, 12] = 255
    picture, boxes = typeset(blocks, np.array([3.0, 2.0]))
    ink = 255 - np.asarray(picture).astype(int) >= INK
    for x0, y0, x1, y1 in boxes[:2]:
        assert ink[y0:y1, x0:x1].any(0)[[0, -1]].all()
        assert ink[y0:y1, x0:x1].any(1)[[0, -1]].all()
        ink[y0:y1, x0:x1] = False
    assert not ink.any()
    assert boxes[0][3] == pytest.approx(24 * SCALE, abs=2)  # both stand on the line
    assert boxes[1][3] == pytest.approx(24 * SCALE, abs=2)
    assert boxes[1][0] - boxes[0][2] == pytest.approx(3 * SCALE, abs=4)
    assert boxes[2][0] == boxes[2][2]  # blank: empty
    assert np.asarray(picture).max() == 255


def test_digits_of_one_image_stay_as_far_apart_as_they_are():
    block = np.zeros((2, 28, 56), np.uint8)
    block[0, 4:24, 8:20] = 255
    block[1, 6:26, 18:30] = 255  # over the first, and lower
    _, (left, right) = typeset([block], gaps(0, 0))
    assert right[0] - left[0] == pytest.approx(10 * SCALE, abs=1)
    assert right[1] - left[1] == 0  # brought nearer to one line: by 0.6 pixels each, rounded
    assert (left[3] + right[3]) / 2 == pytest.approx(24 * SCALE, abs=2)


def test_from_python(tiny_model, tmp_path):
    number = package.write("00297375", seed=7, model=tiny_model)
    assert number.image.height == 28 * SCALE
    assert number.nfe == 8 * 2 * 20
    assert len(number.boxes) == 8
    number.save(tmp_path / "n.png")
    assert (tmp_path / "n.png").stat().st_size > 0


def test_a_digits_noise_does_not_depend_on_the_digits_after_it(tiny_model):
    model = package.load(tiny_model)
    long, short = write("1234567", seed=3, model=model), write("123", seed=3, model=model)
    assert (long.samples.noise[:3] == short.samples.noise).all()
    difference = long.samples.images[:3].astype(int) - short.samples.images
    assert abs(difference).max() <= 8  # rounding in bfloat16 may differ with the batch's shape


@pytest.mark.parametrize("length", [1, 64])
def test_lengths_at_the_limits(inkseed, tiny_model, tmp_path, length):
    out = tmp_path / "n.png"
    assert inkseed("write", "8" * length, "--model", tiny_model, "--out", out).status == 0
    with Image.open(out) as picture:
        assert picture.height == 28 * SCALE


@pytest.mark.parametrize(
    "number",
    ["", "1" * 65, "12a", "١٢", "\uff11\uff12", "1 2", "-1", "+1", "1.5", "1\n", "½", "²", "\0"],
)
def test_anything_but_digits_is_refused_in_one_line(inkseed, tiny_model, tmp_path, number):
    out = tmp_path / "n.png"
    result = inkseed("write", "--model", tiny_model, "--out", out, "--", number)
    assert result.status == 2
    assert result.out == ""
    assert len(result.err.strip().splitlines()) == 1
    assert "1 to 64" in result.err
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def pairs_model(tmp_path_factory):
    """Untrained, of the labels 00 to 99: it draws noise in milliseconds."""
    config = {
        "network": {
            **{"name": "patch_unet", "in_channels": 1, "n_classes": 100, "widths": [16, 64]},
            "places": 2,
            "styles": {"slant": [6.0, 15.0], "thickness": [2.4, 0.6]},
        },
        "schedule": {"name": "variance_exploding", "sigma_max": 20.0, "sigma_min": 0.02},
        "prediction": {"name": "edm"},
        "sampling": {"sampler": "ddim", "steps": 2, "guide_w": 0.0},
        "image_size": [28, 56],
        "class_names": [f"{k:02d}" for k in range(100)],
        "training": {},
    }
    path = tmp_path_factory.mktemp("pairs") / "pairs.safetensors"
    save_tensors(path, network_from(config["network"]).state_dict(), config)
    return path


@pytest.mark.parametrize(
    ("text", "drawn"),
    [("00297375", [0, 29, 73, 75]), ("123", [12, 31]), ("7", [71]), ("1", [13])],
)
def test_a_model_of_pairs_draws_two_digits_at_a_time(pairs_model, text, drawn):
    written = write(text, 3, model=pairs_model)
    assert written.samples.labels.tolist() == drawn
    assert written.nfe == 2 * len(drawn)
    assert len(written.boxes) == len(text)
    width, height = written.image.size
    for x0, y0, x1, y1 in written.boxes:
        assert 0 <= x0 < x1 <= width
        assert 0 <= y0 < y1 <= height


def test_what_the_judge_doubts_is_drawn_again_and_the_best_is_kept(pairs_model, monkeypatch):
    def belief(**others: float) -> np.ndarray:
        return np.array([others.get(f"at_{k}", 1.0) for k in range(8)])

    plain = write("00297375", 3, model=pairs_model)
    answers = [belief(at_0=0.2, at_3=0.3)]
    answers += [
        belief(at_0=0.95, at_3=0.1),
        belief(at_0=0.95, at_3=0.3),
    ]  # tried; what is kept of it
    answers += [belief(at_0=0.95), belief(at_0=0.95), belief(at_0=0.95)]
    monkeypatch.setattr(number, "probabilities", lambda *_: answers.pop(0))
    checked = write("00297375", 3, model=pairs_model, check=True)
    assert answers == []
    assert (checked.redrawn, checked.doubted, checked.nfe) == (3, [], plain.nfe + 3 * 2)
    assert checked.samples.streams.tolist() == [
        [0, MOST_CANDIDATES + 1],
        [1, MOST_CANDIDATES + 2],
        [2, 0],
        [3, 0],
    ]
    assert np.asarray(plain.image).tobytes() != np.asarray(checked.image).tobytes()
    monkeypatch.setattr(number, "probabilities", lambda *_: belief(at_5=0.5))
    never = write("00297375", 3, model=pairs_model, check=True)
    assert (never.redrawn, never.doubted) == (ATTEMPTS, [5])
    assert np.asarray(plain.image).tobytes() == np.asarray(never.image).tobytes()


def test_nfe_is_what_was_spent_and_not_a_rounded_mean(pairs_model):
    calls = []

    def uneven(denoiser, schedule, x_T, label, times, noise):
        """Two evaluations for the first image and one for each other."""
        denoiser(x_T[:1], times[:1].to(x_T), label[:1])
        x_0 = denoiser(x_T, times[:1].to(x_T), label)
        yield Step(0.0, x_0, x_0)

    written = write(
        "00297375", model=pairs_model, sampler=uneven, steps=1, on_evaluations=calls.append
    )
    assert written.nfe == sum(calls) == 5


def test_digits_of_two_blocks_overlap_by_a_quarter_of_the_narrower_at_most():
    one = np.zeros((1, 28, 28), np.uint8)
    one[0, 4:24, 12:16] = 255
    _, boxes = typeset([one] * 3, np.array([-9.0, -9.0]))
    assert [b[0] - a[0] for a, b in pairwise(boxes)] == [3 * SCALE, 3 * SCALE]


def test_stray_marks_are_left_out_and_broken_strokes_are_not():
    digit = np.zeros((1, 28, 28), np.uint8)
    digit[0, 4:16, 12:16], digit[0, 18:24, 12:16] = 255, 255
    marked = digit.copy()
    marked[0, 6, 22] = 255
    (plain, (box,)), (cleaned, _) = (typeset([each], np.zeros(0)) for each in (digit, marked))
    assert np.array_equal(plain, cleaned)
    assert box[3] - box[1] == pytest.approx(20 * SCALE, abs=2)


def test_stray_marks_are_each_images_own():
    """A mark is faint beside its own digit, not beside the darkest of all."""
    thick, thin, blank = np.zeros((3, 28, 28), np.uint8)
    thick[2:26, 8:20] = 255
    thin[4:24, 14], thin[6, 22] = 255, 255
    marked = np.where(np.arange(28) == 27, 255, thin).astype(np.uint8) // 2 * 2
    several = np.stack([thick, thin, blank, marked])
    assert np.array_equal(
        cleaned(several), np.concatenate([cleaned(each[None]) for each in several])
    )
    assert cleaned(several)[1].sum() == 20 * 255


def test_touching_digits_show_no_seam():
    block = np.zeros((2, 28, 56), np.uint8)
    block[0, 4:24, 18:28], block[1, 4:24, 28:38] = 255, 255
    picture, _ = typeset([block], np.zeros(0))
    rows = np.asarray(picture)[6 * SCALE : 20 * SCALE]
    inked = np.flatnonzero(rows.min(0) < 100)
    assert rows[:, inked[0] + 2 : inked[-1] - 1].max() == 0


def test_variants_boxes_and_a_check_as_typed(inkseed, pairs_model, tmp_path):
    out = tmp_path / "n.png"
    asked = ("write", "007", "--model", pairs_model, "--out", out, "--seed", 5)
    told = json.loads(inkseed(*asked, "--count", 3, "--boxes", "--check", "--json").out)
    assert [each["seed"] for each in told["variants"]] == [5, 6, 7]
    names = [Path(each["out"]).name for each in told["variants"]]
    assert names == ["n_5.png", "n_6.png", "n_7.png"]
    for k in (5, 6, 7):
        kept = json.loads((tmp_path / f"n_{k}.json").read_text())
        assert kept["picture"] == f"n_{k}.png"
        assert kept["number"] == "007"
        assert len(kept["boxes"]) == 3
        with Image.open(tmp_path / kept["picture"]) as picture:
            assert picture.size == (kept["width"], kept["height"])
    alone = inkseed("write", "007", "--model", pairs_model, "--out", out, "--seed", 6)
    assert alone.out.strip() == str(out)
    unchecked = write("007", 6, model=pairs_model)
    with Image.open(out) as picture:
        assert picture.tobytes() == unchecked.image.tobytes()
    told = inkseed(*asked, "--check")
    assert "judge A" in told.err
    assert len(told.err.strip().splitlines()) == 1
    last = inkseed(*asked[:-1], 2**63 - 1, "--count", 2)
    assert last.status == 2
    assert "--seed or --count" in last.err
