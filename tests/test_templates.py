"""Templates: what they make, how evenly, and what is refused in one line."""

import re
from collections import Counter
from datetime import datetime
from itertools import pairwise

import numpy as np
import pytest
from scipy import stats
from stdnum import luhn

from inkseed.errors import InkseedError
from inkseed.rng import Purpose, uniforms
from inkseed.sets.plan import Plan
from inkseed.sets.settings import SetSettings
from inkseed.sets.templates import template

MANY = 4000
LEAST_P = 0.001  # of many comparisons, one in a hundred would fall below 0.01 by chance


def made(text: str, count: int = MANY, seed: int = 3, repeats: float | None = None) -> list[str]:
    found = template(text, repeats)
    drawn = uniforms(seed, Purpose.LABEL, [(k,) for k in range(count)], found.draws).tolist()
    return [found.label(place, u) for place, u in enumerate(drawn)]


def plan(text: str, count: int = 1000, **more) -> Plan:
    return Plan(SetSettings(text, count, 5, "png", "digits-fast", "0", **more))


def even(counts: Counter, kinds: int) -> bool:
    told = [*counts.values(), *[0] * (kinds - len(counts))]
    return kinds == 1 or stats.chisquare(told).pvalue > LEAST_P


EXPRESSIONS = [
    "[0-9]{5}",
    "(0[1-9]|1[0-2])",
    r"\d{3}[^05]?",
    "^(?:19|20)[0-9]{2}$",
    r"([0-9])\1[13579]{2,3}",
    "7|42|[1-3]{3}",
]


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_an_expression_makes_what_it_matches_and_all_of_it(expression):
    found, labels = template(expression), made(expression)
    assert all(re.fullmatch(expression, label) for label in labels)
    assert min(map(len, labels)) == found.shortest
    assert max(map(len, labels)) == found.longest
    if found.size <= 60:
        assert len(set(labels)) == found.size


@pytest.mark.parametrize(
    "text",
    [
        "((((([0-9]{0,64}){0,64}){0,64}){0,64}){0,64}){0,64}",
        "((((((){64}){64}){64}){64}){64}){64}1",
        "(" * 101 + "1" + ")" * 101,
    ],
)
def test_an_expression_without_end_is_refused_at_once(text):
    with pytest.raises(InkseedError, match=r"nest fewer|100 groups"):
        template(text)


def test_an_expression_is_read_without_python_s_own_warnings(recwarn):
    with pytest.raises(InkseedError, match="digits 0-9 only"):
        template("[[0-9]]")
    assert not recwarn.list


@pytest.mark.parametrize("path", ["/dev/null", "", "."])
def test_what_is_no_file_is_not_read(path):
    with pytest.raises(InkseedError, match="is no file"):
        template(f"file:{path}")


def test_alternatives_are_as_frequent_as_they_have_strings():
    assert even(Counter(made("(0[1-9]|1[0-2])")), 12)
    assert even(Counter(made("[0-9]|1[0-9]|2[0-9]")), 30)


@pytest.mark.parametrize("text", ["digits:6", "[0-9]{6}", "digits:4-8"])
def test_positions_and_pairs_are_uniform(text):
    labels = made(text)
    for place in range(4):
        assert even(Counter(label[place] for label in labels), 10)
    for place in range(3):
        assert even(Counter(label[place : place + 2] for label in labels), 100)
    assert even(Counter(map(len, labels)), len(set(map(len, labels))))


def test_digits_repeat_by_chance_or_as_often_as_asked():
    def share(labels):
        return np.mean([a == b for label in labels for a, b in pairwise(label)])

    assert share(made("digits:6")) == pytest.approx(0.1, abs=0.01)
    often = made("digits:6", repeats=0.4)
    assert share(often) == pytest.approx(0.4, abs=0.015)
    assert share(made("digits:6", repeats=0.0)) == 0
    assert even(Counter(label[5] for label in often), 10)


def test_check_digits_are_valid():
    labels = made("luhn:16", 500)
    assert all(luhn.is_valid(label) for label in labels)
    assert {len(label) for label in labels} == {16}
    assert even(Counter(label[15] for label in made("luhn:16")), 10)
    assert all(luhn.is_valid(label) for label in made("luhn:7", 100, repeats=0.5))


@pytest.mark.parametrize(
    ("text", "form"),
    [("date:YYYYMMDD", "%Y%m%d"), ("date:DDMMYY", "%d%m%y"), ("date:MMDDYYYY:1990-1991", "%m%d%Y")],
)
def test_dates_are_days_of_the_calendar(text, form):
    days = [datetime.strptime(label, form) for label in made(text, 2000)]
    assert len({day.month for day in days}) == 12
    if "1990" in text:
        assert {day.year for day in days} == {1990, 1991}
    assert len(made("date:MMDD", 1)[0]) == 4
    assert "0229" in made("date:MMDD")


def test_zips_scores_and_lines(tmp_path):
    codes = made("zip")
    assert all(re.fullmatch("[0-9]{5}", code) and 501 <= int(code) <= 99_950 for code in codes)
    scores = made("score:0-100")
    assert set(scores) == set(map(str, range(101)))
    path = tmp_path / "numbers.txt"
    path.write_text("007\n\n 42 \n00000000\n")
    assert made(f"file:{path}", 5) == ["007", "42", "00000000", "007", "42"]


@pytest.mark.parametrize(
    "text",
    [
        *("", "digits", "digits:x", "digits:0", "digits:65", "digits:8-4", "abc", "foo:3"),
        *("[0-9]+", "[0-9]*", ".{3}", "[a-z]", "12a", "(?i)a", "(1", "[0-9]{65}", "x" * 2000),
        *(r"(1)?\1", "(?=1)2", "1$2", "[^0-9]", "((1{60}){60}){60}", "1?", "²", r"\w", r"(1|2\1)"),
        *("date:", "date:YYYYYY", "date:DDD", "date:YYMMDD:2000-1999", "date:YYYY:0-5", "date:MDY"),
        *(
            "luhn:1",
            "luhn:4-8",
            "zip:5",
            "score:100",
            "score:9-3",
            "file:",
            "file:/nowhere/numbers",
        ),
    ],
)
def test_what_is_no_template_is_refused_in_one_line(text):
    if text == "digits":
        assert made(text, 3)
        return
    with pytest.raises(InkseedError) as refused:
        template(text)
    assert len(str(refused.value).splitlines()) == 1
    assert len(str(refused.value)) < 250


def test_a_file_of_other_things_is_refused_with_its_line(tmp_path):
    path = tmp_path / "numbers.txt"
    path.write_text("12\n12a\n")
    with pytest.raises(InkseedError, match="line 2"):
        template(f"file:{path}")
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InkseedError, match="no text"):
        template(f"file:{path}")
    path.write_text("\n\n")
    with pytest.raises(InkseedError, match="0 numbers"):
        template(f"file:{path}")
    with pytest.raises(InkseedError, match="--repeats"):
        template("zip", 0.5)


def test_a_label_depends_on_the_seed_and_its_number_alone():
    whole = plan("digits:4-8")
    labels = whole.labels("train", range(1000))
    assert whole.labels("train", range(500, 503)) == labels[500:503]
    assert plan("digits:4-8", count=2000).labels("train", range(1000)) == labels
    assert (
        Plan(SetSettings("digits:4-8", 9, 6, "png", "m", "0")).labels("train", range(9)) != labels
    )


@pytest.mark.parametrize("text", ["digits:5", "date:YYYYMMDD", "[0-9]{4}"])
def test_no_label_is_in_two_splits_where_there_are_enough(text):
    parts = plan(text, 10_000, split=(80, 10, 10))
    assert parts.strings_apart
    assert {name: len(own) for name, own in parts.ranges.items()} == {
        "train": 8000,
        "validation": 1000,
        "test": 1000,
    }
    labels = {name: set(parts.labels(name, own)) for name, own in parts.ranges.items()}
    assert not labels["train"] & labels["test"]
    assert not labels["train"] & labels["validation"]
    assert not labels["validation"] & labels["test"]


def test_splits_stay_uniform():
    parts = plan("digits:6", 10_000, split=(80, 10, 10))
    for name, own in parts.ranges.items():
        labels = parts.labels(name, own)
        for place in range(6):
            assert even(Counter(label[place] for label in labels), 10), (name, place)


@pytest.mark.parametrize("text", ["digits:1", "score:0-100", "(0[1-9]|1[0-2])"])
def test_few_labels_are_in_every_split(text):
    parts = plan(text, 10_000, split=(80, 10, 10))
    assert not parts.strings_apart
    size = template(text).size
    assert len(set(parts.labels("test", parts.ranges["test"]))) == size


def test_lines_of_a_file_are_shared_out_among_splits(tmp_path):
    path = tmp_path / "numbers.txt"
    path.write_text("\n".join(map(str, range(10_000, 12_000))))
    parts = plan(f"file:{path}", 2000, split=(50, 25, 25))
    labels = [set(parts.labels(name, own)) for name, own in parts.ranges.items()]
    assert parts.strings_apart
    assert sum(map(len, labels)) == len(set.union(*labels)) > 1500


def test_splits_without_numbers_and_odd_splits_are_refused():
    with pytest.raises(InkseedError, match="raise --count"):
        plan("digits:6", 5, split=(80, 10, 10))
    with pytest.raises(InkseedError, match="three parts"):
        plan("digits:6", 5, split=(80, 20))
    assert plan("digits:6", 100, split=(80, 0, 20)).splits == ["train", "test"]
    shards = plan("digits:6", 100, split=(80, 0, 20), shard_size=30).shards
    assert [(each.split, each.start, each.stop) for each in shards] == [
        ("train", 0, 30),
        ("train", 30, 60),
        ("train", 60, 80),
        ("test", 80, 100),
    ]
