"""What a study shows: real digits, what each mark means, what is certain, lines in colour."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inkseed.data import split_mnist
from inkseed.evaluation.intervals import Estimate
from inkseed.evaluation.reference import Reference
from inkseed.evaluation.sets import natural_labels
from inkseed.plots import APART, spread
from inkseed.study.pool import SCORES, Pool
from inkseed.study.quality import BEST, highlighted, quality_figure
from inkseed.study.real import measure_real
from inkseed.study.result import Result, Study
from inkseed.study.rows import CONTROL, EQUAL, PLAIN, STRATEGY, Row
from inkseed.study.ruler import METRICS, Measure, Ruler
from inkseed.study.settings import StudySettings
from inkseed.study.table import (
    COLUMNS,
    COMPARED_WITH,
    REAL,
    SAME,
    cells,
    legend,
    markdown,
    study_table,
)

N = 60
LABELS = np.arange(N) % 10


def measure(right: np.ndarray | float = 1.0, seed: int = 0, **values: float) -> Measure:
    """Figures without images: the replicates are the value with a little of the seed's noise."""
    if isinstance(right, float):
        right = np.arange(N) < round(right * N)
    rng = np.random.default_rng(seed)
    values = dict.fromkeys(METRICS, 0.5) | {"accuracy": float(right.mean())} | values
    replicates = {name: value + 0.01 * rng.normal(size=200) for name, value in values.items()}
    read = np.where(right, LABELS, (LABELS + 1) % 10)
    return Measure(values, replicates, right, read, np.where(right, 0.9, 0.1))


def study_of(named: dict[str, list[Measure]], real: Measure | None = None) -> Study:
    """A study with a plain draw, Gaussian noise with more steps, and the strategies of `named`."""
    plain, equal = measure(0.8), measure(0.9, 1)
    results = [Result(Row(PLAIN, STRATEGY, None, 5, {}), plain, plain, plain)]
    for k in range(2):
        nfe = 10 * 2**k
        more = Row(EQUAL, CONTROL, nfe, nfe, {"steps": nfe})
        results.append(Result(more, equal, plain, equal))
        for name, own in named.items():
            row = Row(name, STRATEGY, nfe, nfe, {"noise": name, "candidates": 2})
            results.append(Result(row, own[k], plain, equal))
    scores = dict.fromkeys((*SCORES, "oracle"), np.zeros((N, 2)))
    pool = Pool(LABELS, np.zeros((N, 2, 28, 28), np.uint8), scores)
    settings = StudySettings("tiny", "0", {}, N // 3, 3, 2)
    variance = {PLAIN: {"ink": Estimate(1.0, 0.7, 1.3)}}
    right = np.ones((N, 2), bool)
    return Study(
        *(settings, results, real or measure(1.0, 2), pool, right, {}, {"20": 0.9}, variance, 1.0)
    )


@pytest.fixture(scope="module")
def study() -> Study:
    good = measure(1.0, 3, frechet=0.1, coverage=0.9)
    return study_of({"mine": [good, good]})


def test_every_column_has_a_name_of_its_own(study):
    assert len(set(COLUMNS)) == len(COLUMNS)
    assert all(any(c.isalpha() for c in name) for name in COLUMNS)
    header, rule, *_ = markdown(study)
    assert header.count("|") == rule.count("|") == len(COLUMNS) + 1


def test_the_table_begins_with_real_digits_and_says_how_many_images_it_is_of(study):
    texts = markdown(study)
    assert texts[2].startswith(f"| {REAL} |  | 100.00% |")
    assert any(f"N = {N}" in line for line in legend(study))
    assert f"N = {N}" in str(study_table(study).title)
    assert study.as_json()["real"]["n"] == N
    assert set(study.as_json()["real"]["metrics"]) == set(METRICS)


def test_the_legend_names_every_mark_of_the_table(study):
    told = " ".join(legend(study))
    assert "*:" in told
    assert f"{SAME}:" in told
    assert REAL in told
    assert COMPARED_WITH in told
    assert "McNemar" in told
    assert all(f"- {line}" in markdown(study) for line in legend(study))


def test_each_block_has_one_row_that_the_others_are_compared_with(study):
    for result in study.results:
        compared = result.row.name in (PLAIN, EQUAL)
        assert cells(result)[3::2] == [COMPARED_WITH] * 3 or not compared
        assert COMPARED_WITH not in cells(result)[3::2] or compared


def test_where_nothing_differs_no_difference_is_printed():
    equal = measure(0.9, 1)
    twin = Measure(**vars(equal))
    found = Result(Row("twin", STRATEGY, 10, 10, {}), twin, equal, equal)
    assert cells(found)[3::2] == [SAME] * 3
    assert not any(found.certain(metric) for metric in METRICS)
    both = np.ones(N, bool)
    right = {"accuracy": np.ones(200)}
    one, other = measure(both, 1, frechet=0.2), measure(both, 2, frechet=0.3)
    one.replicates.update(right)
    other.replicates.update(right)
    row = cells(Result(Row("sure", STRATEGY, 10, 10, {}), one, other, other))
    assert row[3] == SAME
    assert row[5] != SAME


def test_a_difference_too_small_to_print_is_not_printed_as_none():
    one, other = measure(seed=1, frechet=0.2), measure(seed=1, frechet=0.2001)
    one.replicates["frechet"] = other.replicates["frechet"] + 1e-5 * np.arange(200) / 200
    assert cells(Result(Row("mine", STRATEGY, 10, 10, {}), one, other, other))[5] == "< 0.001*"


def test_accuracy_is_told_apart_by_the_exact_test_alone():
    """Eleven of eleven gained is p = 0.00098, ten of ten is not: whatever the resamples say."""
    for gained, expected in ((11, True), (10, False)):
        right = np.ones(N, bool)
        wrong = np.arange(N) >= gained
        one, other = measure(right), measure(wrong)
        one.replicates["accuracy"] = np.full(200, 1.0)
        for spread_of_it in (0.0, 1e-9, 10.0):
            noise = spread_of_it * np.random.default_rng(0).normal(size=200)
            other.replicates["accuracy"] = wrong.mean() + noise
            found = Result(Row("mine", STRATEGY, 10, 10, {}), one, other, other)
            assert found.certain("accuracy") == expected


def test_resamples_without_spread_make_nothing_else_certain():
    one, other = measure(seed=1, coverage=1.0), measure(seed=1, coverage=0.0)
    one.replicates["coverage"], other.replicates["coverage"] = np.ones(200), np.zeros(200)
    found = Result(Row("mine", STRATEGY, 10, 10, {}), one, other, other)
    assert not found.certain("coverage")
    one.replicates["coverage"] = 1 + 0.01 * np.random.default_rng(0).normal(size=200)
    assert found.certain("coverage")
    json.dumps(found.as_json())


def test_readings_hold_each_image_of_each_row(study):
    arrays = study.readings()
    shape = len(study.results), N
    assert arrays["read"].shape == arrays["probability"].shape == shape
    for k, result in enumerate(study.results):
        assert arrays["row"][k] == result.row.name
        assert ((arrays["read"][k] == arrays["label"]) == result.measure.right).all()
    assert set(zip(arrays["seed"], arrays["number"], strict=True)) == {
        (seed, number) for seed in range(3) for number in range(N // 3)
    }
    assert {len(arrays[name]) for name in arrays if name.startswith(("real", "cand"))} == {N}


def test_real_digits_have_the_rows_labels_and_come_once_each():
    labels, seen = np.tile(natural_labels(20), 3), []

    class Watch(Ruler):
        def measure(self, images):
            seen.append(images)
            return super().measure(images)

    real = measure_real(Watch(labels, Reference.shared()))
    assert real.values["accuracy"] >= 0.95
    assert (real.read == labels).mean() == real.values["accuracy"]
    assert real.values["precision"] > 0.6
    assert len(np.unique(seen[0].reshape(len(labels), -1), axis=0)) == len(labels)


def test_real_digits_that_run_out_are_fewer_and_say_so(monkeypatch):
    few = split_mnist().validation.subset(np.arange(100))
    split = split_mnist()._replace(validation=few)
    ruler = Ruler(np.arange(200) % 10, Reference.shared())
    monkeypatch.setattr("inkseed.study.real.split_mnist", lambda: split)
    real = measure_real(ruler)
    assert 50 < len(real.read) < 100
    assert real.values["frechet"] > 0
    shown = markdown(study_of({"mine": [measure(), measure()]}, real))[2]
    assert shown.startswith(f"| real (validation, N = {len(real.read)}) |")


def test_six_lines_are_labelled_and_the_rest_grey():
    last = {
        "s0": (0.9, 0.1),
        "s1": (1.0, 0.3),
        "s2": (0.9, 0.2),
        "s3": (1.0, 0.2),
        "s4": (0.8, 0.0),
    }
    ranked = {name: [measure(0.5), measure(a, frechet=f)] for name, (a, f) in last.items()}
    study = study_of(ranked)
    assert highlighted(study) == [EQUAL, "s3", "s1", "s0"]  # by the largest budget
    figure = quality_figure(study)
    for axis in figure.axes:
        words = [text.get_text() for text in axis.texts]
        assert sorted(words) == sorted(["real", PLAIN, EQUAL, "s0", "s1", "s3"])
        strong = [line for line in axis.lines if line.get_linewidth() > 1.5]
        assert len(strong) == BEST + 1
        assert len({line.get_color() for line in strong}) == len(strong)
        assert "evaluations" in axis.get_xlabel()


@given(st.lists(st.floats(0, 1), min_size=1, max_size=6))
def test_labels_keep_apart_and_in_order_and_stay_where_there_is_room(heights):
    wanted = np.array(heights)
    found = spread(wanted, APART)
    order = np.argsort(wanted, kind="stable")
    assert (np.diff(found[order]) >= APART - 1e-9).all()
    assert found.mean() == pytest.approx(wanted.mean())
    if len(wanted) == 1 or (np.diff(wanted[order]) >= APART).all():
        assert np.allclose(found, wanted)
