"""The noise study: what a budget buys, what is shared and measured, going on after a stop."""

import json
import shutil

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from inkseed.cli import main
from inkseed.errors import InkseedError
from inkseed.evaluation.frechet import fit_gaussian, frechet_distance
from inkseed.evaluation.reference import Reference
from inkseed.evaluation.sets import natural_labels
from inkseed.model.loading import load
from inkseed.model.model import Model
from inkseed.noise import SAME, SEARCH, find_strategy, register, strategies
from inkseed.study import StudySettings, run_study
from inkseed.study.pool import SCORES, Pool, draw_pool, pool_cost
from inkseed.study.rows import EQUAL, PLAIN, most, rows_of
from inkseed.study.ruler import METRICS, Measure, Ruler
from inkseed.study.scores import correlations
from inkseed.study.study import evaluations_of
from inkseed.study.variance import GROUPS, SIZE, relative_variance
from tests.test_say import terminal

HOW = {"guide_w": 0.0, "sampler": "ddim", "steps": 2}
DIGITS = np.arange(20) % 10


@pytest.fixture(scope="module")
def model(tiny_model) -> Model:
    model = load(tiny_model)
    model.image_size = (8, 8)
    return model


@pytest.fixture(scope="module")
def ruler() -> Ruler:
    return Ruler(DIGITS, Reference.shared())


@given(st.integers(0, 300), st.integers(1, 9), st.integers(0, 5), st.integers(1, 60))
def test_the_most_that_a_budget_buys(budget, slope, offset, limit):
    found = most(lambda n: offset + slope * n, budget, limit)
    assert found == max((n for n in range(1, limit + 1) if offset + slope * n <= budget), default=0)


def test_every_row_costs_at_most_its_budget_and_takes_all_that_it_buys(model):
    rows = rows_of(model, HOW, 16)
    budgets = {row.budget for row in rows} - {None}
    assert budgets == {4, 8, 16, 32, 82, 162, 322}
    for row in rows:
        if row.budget is None:
            continue
        assert row.nfe <= row.budget
        if row.selector is not None:
            more = row.asked["candidates"] + 1
            assert more > 16 or model.cost(**HOW, noise=row.selector.cost_of, candidates=more) > (
                row.budget
            )
        else:
            bigger = "steps" if row.role == "control" else "candidates"
            asked = {**row.asked, bigger: row.asked[bigger] + 1}
            assert model.cost(**asked) > row.budget
            assert row.asked.get("candidates") != 1  # plain noise would go by another name
    names = {row.name for row in rows}
    assert set(strategies()) <= names
    dear = [row for row in rows if row.budget is not None and row.budget > 32]
    assert [row.name for row in dear] == [
        *(EQUAL, "guide_w 1, more steps", "optim_stability"),
        *(EQUAL, "guide_w 1, more steps", "stability_renoise"),
        *(EQUAL, "guide_w 1, more steps", "stability", "least stable"),
    ]
    for row in dear:
        assert row.nfe == row.budget or row.name.startswith("guide_w")
    drawn = [row.key for row in rows if row.selector is None]
    assert len(set(drawn)) == len(drawn)  # each has a file of its own


def test_a_pool_holds_what_strategies_try_and_costs_what_it_says(model):
    spent = []
    pool = draw_pool(model, DIGITS, 3, 4, HOW, spent.append)
    assert sum(spent) == len(DIGITS) * pool_cost(model, HOW, 4)
    plain = model.sample(DIGITS.tolist(), 3, **HOW)
    assert np.array_equal(pool.images[:, 0], plain.images)
    best = model.sample(DIGITS.tolist(), 3, **HOW, noise="best_of", candidates=3)
    three = pool.prefix(3)
    assert np.array_equal(three.pick(three.scores["judge"]), best.images)
    assert set(pool.scores) == set(SCORES)
    again = Pool.from_arrays(pool.arrays())
    assert all(np.array_equal(again.scores[name], pool.scores[name]) for name in SCORES)


def test_the_ruler_agrees_with_the_evaluations_own_pieces(ruler, model):
    images = np.random.default_rng(0).integers(0, 256, (20, 28, 28), np.uint8)
    other = model.sample(DIGITS.tolist(), 0, **HOW).images
    found, second = ruler.measure(images), ruler.measure(other)
    features, gaussian = ruler.reference.judged(images).features, ruler.reference.gaussian
    assert found.values["frechet"] == frechet_distance(fit_gaussian(features), gaussian)
    assert found.values["accuracy"] == found.right.mean()
    for metric in METRICS:
        assert found.minus(found, metric) == (0, 0, 0)
        assert found.minus(second, metric).value == -second.minus(found, metric).value
        low, high = found.minus(second, metric)[1:]
        assert low <= found.values[metric] - second.values[metric] <= high


def test_real_digits_measure_well(ruler):
    from inkseed.data import split_mnist

    validation = split_mnist().validation
    rows = [np.flatnonzero(validation.labels == digit)[:2] for digit in range(10)]
    images = validation.images[np.array(rows).T.ravel()]
    found = ruler.measure(images)
    assert found.values["accuracy"] >= 0.95
    assert found.estimate("accuracy").high <= 1.2


def test_accuracies_are_told_apart_by_the_exact_sign_test():
    rng = np.random.default_rng(0)
    for gain in (0.0, 0.3):
        one = rng.random(20) < 0.5
        other = one ^ (rng.random(20) < 0.4 + gain)
        a, b = (Measure({}, {}, right, right, right) for right in (one, other))
        gained, lost = int((one & ~other).sum()), int((other & ~one).sum())
        expected = scipy.stats.binomtest(gained, gained + lost).pvalue
        assert a.sign_test(b) == pytest.approx(expected)
        assert a.sign_test(a) == 1


def table_of(score, ink, labels):
    scores = dict.fromkeys(SCORES, score) | {"ink": ink}
    return Pool(labels, np.zeros((*score.shape, 2, 2), np.uint8), scores)


def test_correlations_are_within_class_and_partial_on_ink_as_least_squares_has_it():
    rng = np.random.default_rng(0)
    labels = np.arange(300) % 10
    ink = rng.normal(size=(300, 4)) + labels[:, None]
    score = 0.8 * ink + 5 * labels[:, None] + rng.normal(size=ink.shape)
    right = score - 5 * labels[:, None] + rng.normal(size=ink.shape) > 0
    found = correlations(table_of(score, ink, labels), right)["judge"]

    def residuals(values, with_ink):
        rest = np.empty_like(ink)
        for label in range(10):
            own = labels == label
            columns = [np.ones(own.sum() * 4)] + ([ink[own].ravel()] if with_ink else [])
            design = np.stack(columns, 1)
            y = values[own].ravel().astype(float)
            rest[own] = (y - design @ np.linalg.lstsq(design, y, rcond=None)[0]).reshape(-1, 4)
        return rest.ravel()

    for kind, with_ink in (("within_class", False), ("partial_on_ink", True)):
        expected = np.corrcoef(residuals(score, with_ink), residuals(right, with_ink))[0, 1]
        assert found[kind].value == pytest.approx(expected, abs=1e-9)
        assert found[kind].low < expected < found[kind].high
    shifted = correlations(table_of(score + 100.0 * labels[:, None], ink, labels), right)["judge"]
    assert shifted["within_class"].value == pytest.approx(found["within_class"].value)


def test_the_variance_of_a_mean_is_told_relative_to_independent_images():
    rng = np.random.default_rng(0)
    shape = (GROUPS, 10, SIZE, 3)
    independent = rng.normal(size=shape) + 5 * np.arange(10)[:, None, None]
    half = rng.normal(size=(GROUPS, 10, SIZE // 2, 3))
    opposite = np.concatenate((half, -half), 2)
    alike = np.concatenate((half, half), 2)
    for values, expected in ((independent, 1), (opposite, 0), (alike, 2)):
        for estimate in relative_variance(values, independent).values():
            assert estimate.low - 1e-9 <= expected <= estimate.high + 1e-9


def test_a_strategy_that_is_not_free_as_registered_is_refused(model, forget, tmp_path):
    def noise(task):
        task.sampler.images(task.gaussian(), task.keys)
        return task.gaussian()

    register("free", SAME)(noise)
    with pytest.raises(
        InkseedError, match=r"free is registered as .* 4 evaluations where a draw costs 2"
    ):
        rows_of(model, HOW, 2, ["free"])

    def greedy(task):  # the dry run is of one image
        for _ in range(task.candidates + 9 * (len(task) > 1)):
            task.sampler.images(task.gaussian(), task.keys)
        return task.gaussian()

    register("greedy", SEARCH)(greedy)
    with pytest.raises(InkseedError, match="greedy spends more than the"):
        run_study(model, settings(strategies=("greedy",)), tmp_path)


def test_a_strategy_that_changed_makes_another_study(forget, tmp_path):
    own = tmp_path / "mine.py"
    digests = []
    for scale in (0.9, 0.5):
        own.write_text(
            f"from inkseed.noise import SAME, register\nSCALE = {scale}\n@register('mine', SAME)\n"
            "def mine(task):\n    return task.gaussian() * SCALE\n"
        )
        find_strategy(str(own))
        digests.append(settings(strategies=("mine",)).as_json()["sources"])
    assert digests[0] != digests[1]


def settings(**changes) -> StudySettings:
    asked = {"count": 10, "seeds": 5, "candidates": 2, "strategies": ("sobol", "fk_steering")}
    return StudySettings("tiny", "0", HOW, **asked | changes)


def test_a_stopped_study_goes_on_to_the_same_end(model, tmp_path, monkeypatch):
    class StopError(Exception):
        pass

    left = [700]  # more than a pool, less than a seed

    def stop(evaluations):
        left[0] -= evaluations
        if left[0] < 0:
            raise StopError

    with pytest.raises(StopError):
        run_study(model, settings(), tmp_path / "a", stop)
    assert list((tmp_path / "a").glob("seed_*/*.npz"))
    monkeypatch.setattr("inkseed.study.study.GROUPS", 2)
    monkeypatch.setattr("inkseed.study.variance.GROUPS", 2)
    heard = []
    resumed = run_study(model, settings(), tmp_path / "a", heard.append).as_json()
    whole = run_study(model, settings(), tmp_path / "b").as_json()
    assert sum(heard) == evaluations_of(model, settings())
    del resumed["seconds"], whole["seconds"]
    assert resumed == whole
    names = [row["name"] for row in whole["rows"]]
    assert {"gaussian", "sobol", "fk_steering, one path", EQUAL, "oracle, judge B"} <= set(names)
    assert "best_of" not in names
    plain = whole["rows"][names.index(PLAIN)]["metrics"]["accuracy"]
    assert plain["minus_gaussian"]["value"] == 0
    with pytest.raises(InkseedError, match="other settings"):
        run_study(model, settings(count=11), tmp_path / "a")
    next((tmp_path / "b").glob("seed_0/*.npz")).write_bytes(b"no zip")
    with pytest.raises(InkseedError, match="damaged"):
        run_study(model, settings(), tmp_path / "b")


def test_the_study_as_typed(inkseed, tiny_model, tmp_path, monkeypatch):
    monkeypatch.setattr("inkseed.study.show.EXTREME_OF", 12)
    monkeypatch.setattr("inkseed.study.scores.RANKED_IMAGES", 2)
    monkeypatch.setattr("inkseed.study.study.GROUPS", 2)
    monkeypatch.setattr("inkseed.study.variance.GROUPS", 2)
    out, odd = tmp_path / "study", tmp_path / "[/x]" / "[v1].safetensors"
    odd.parent.mkdir(parents=True)
    shutil.copy(tiny_model, odd)
    small = ("--count", 10, "--seeds", 5, "--candidates", 2, "--steps", 1, "--sampler", "ddim")
    command = ("noise-study", "--model", odd, *small, "--noise", "sobol,best_of")
    with monkeypatch.context() as no_terminal:
        no_terminal.setattr("inkseed.console.Console.print", _no_room)
        assert inkseed(*command, "--out", out).status == 2
    assert (out / "study.json").is_file()  # written down before it is printed
    with terminal("ascii") as printed:
        with pytest.raises(SystemExit) as stopped:
            main([str(word) for word in (*command, "--out", out)])
        assert stopped.value.code == 0
        assert "[/x]/[v1].safetensors, " in printed()
        assert " +- " in printed()
    done = inkseed(*command, "--out", out)
    assert done.status == 0
    assert "best_of" in done.out
    assert {path.name for path in out.glob("*.png")} == {
        *("quality.png", "stability.png", "extremes.png")
    }
    found = json.loads((out / "study.json").read_text("utf-8"))
    assert found["settings"]["strategies"] == ["best_of", "sobol"]
    assert "N = 50" in done.out
    assert "McNemar" in done.out
    with np.load(out / "readings.npz") as saved:
        shares = [(read == saved["label"]).mean() for read in (*saved["read"], saved["real_read"])]
        labels = np.bincount(saved["label"])
    told = [row["metrics"]["accuracy"]["value"] for row in (*found["rows"], found["real"])]
    assert shares == pytest.approx(told)
    assert (labels == np.bincount(natural_labels(50))).all()  # no seed's labels come again
    printed = json.loads(inkseed(*command, "--out", out, "--json").out)
    assert printed["rows"] == found["rows"]
    assert inkseed(*command, "--out", out, "--count", 12).status == 2
    assert inkseed(*command, "--noise", "best").status == 2
    assert inkseed(*command, "--seeds", 1).status == 2
    occupied = tmp_path / "file"
    occupied.write_text("")
    assert inkseed(*command, "--out", occupied).status == 2


def _no_room(*_arguments, **_options):
    raise OSError(28, "No space left on device")
