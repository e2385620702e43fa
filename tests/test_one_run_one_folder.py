"""Of two runs begun in one folder one runs, and nobody writes where another's files are."""

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from inkseed.held import claimed
from inkseed.training.optimizer import Optimizer
from tests.small_runs import OURS, REPORTS, same
from tests.test_files import killed_while_writing

ROOT = Path(__file__).parents[1]
STUDY = ("noise-study", "--count", 10, "--seeds", 5, "--candidates", 2, "--noise", "sobol")


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "ours.toml"
    path.write_text(OURS.format(epochs=1))
    return path


def at_once(folder: Path, pairs: int, *words: object) -> list[list[tuple[int, str]]]:
    """What each of two processes of each pair said."""
    command = [sys.executable, "-m", "tests.at_once", str(folder), str(pairs), *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    return json.loads(done.stdout)


def one_runs(told: list[tuple[int, str]]) -> bool:
    """Whether one of two processes ran, and the other was refused in one line."""
    (ran, _), (refused, words) = sorted(told)
    line = words.strip()
    return (ran, refused) == (0, 2) and len(line.splitlines()) == 1


def one_of_each_pair_runs(inkseed, recipe, tmp_path, pairs):
    folder, whole = tmp_path / "pairs", tmp_path / "whole"
    folder.mkdir()
    recipe.write_text(REPORTS.format(epochs=1))
    assert inkseed("train", recipe, "--out", whole).status == 0
    for told in at_once(folder, pairs, "train", recipe, "--out", "run"):
        assert one_runs(told), told
    for k in range(pairs):
        assert same(folder / str(k) / "run/model.safetensors", whole / "model.safetensors")
        assert not list(folder.rglob(".inkseed-*"))
        (folder / str(k) / "run/model.safetensors").unlink()
    for told in at_once(folder, pairs, "train", recipe, "--out", "run", "--resume"):
        assert all(status == 0 for status, _ in told) or one_runs(told)  # one after the other
    for k in range(pairs):
        assert same(folder / str(k) / "run/model.safetensors", whole / "model.safetensors")


def test_two_trainings_at_one_moment(inkseed, recipe, tmp_path):
    one_of_each_pair_runs(inkseed, recipe, tmp_path, 1)


@pytest.mark.slow
def test_twenty_pairs_of_trainings_at_one_moment(inkseed, recipe, tmp_path):
    one_of_each_pair_runs(inkseed, recipe, tmp_path, 20)


def test_a_run_that_is_going_on_is_neither_begun_nor_resumed(inkseed, recipe, tmp_path):
    out = tmp_path / "run"
    with claimed(out):
        refused = inkseed("train", recipe, "--out", out)
        assert (refused.status, "a run is going on in" in refused.err) == (2, True)
        assert len(refused.err.strip().splitlines()) == 1
    assert inkseed("train", recipe, "--out", out).status == 0
    with claimed(out):
        refused = inkseed("train", recipe, "--out", out, "--resume")
        assert (refused.status, "a run is going on in" in refused.err) == (2, True)
    assert inkseed("train", recipe, "--out", out, "--resume").status == 0
    assert not list(out.rglob(".inkseed-*"))


def test_a_run_clears_what_was_left_in_it_and_nowhere_else(inkseed, recipe, tmp_path):
    out, other = tmp_path / "run", tmp_path / "other"
    assert inkseed("train", recipe, "--out", out).status == 0
    other.mkdir()
    killed_while_writing(out / "state", "last.safetensors")
    killed_while_writing(out / "averages", "ema_0.3.safetensors")  # which it does not write again
    killed_while_writing(other, "theirs")
    shutil.rmtree(out / "samples")
    (out / "samples").symlink_to(other)
    assert inkseed("train", recipe, "--out", out, "--resume").status == 0
    assert not [left for left in out.rglob(".inkseed-*") if "samples" not in left.parts]
    assert list(other.glob(".inkseed-*/half"))


def test_a_run_starts_where_only_a_killed_process_was(inkseed, recipe, tmp_path):
    out = tmp_path / "run"
    out.mkdir()
    killed_while_writing(out, "settings.json")
    assert inkseed("train", recipe, "--out", out).status == 0
    assert not list(out.rglob(".inkseed-*"))


def test_a_run_in_a_link_to_nothing_makes_what_it_leads_to(inkseed, recipe, tmp_path):
    (tmp_path / "run").symlink_to(tmp_path / "far" / "run")
    assert inkseed("train", recipe, "--out", tmp_path / "run").status == 0
    assert (tmp_path / "run").is_symlink()
    assert (tmp_path / "far" / "run" / "model.safetensors").is_file()


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_run_that_is_asked_to_stop_keeps_its_state(inkseed, recipe, tmp_path, monkeypatch, name):
    number, update, seen = signal.Signals[name], Optimizer.step, []

    def stop_in_the_fourth(*arguments):
        seen.append(1)
        if len(seen) == 4:
            signal.raise_signal(number)
        return update(*arguments)

    assert inkseed("train", recipe, "--out", tmp_path / "whole").status == 0
    monkeypatch.setattr(Optimizer, "step", stop_in_the_fourth)
    stopped = inkseed("train", recipe, "--out", tmp_path / "run")
    assert stopped.status == 128 + number
    assert len(seen) == 4
    assert stopped.err.splitlines()[-2:] == [
        f"inkseed: to continue, give the same command with --out {tmp_path / 'run'} --resume",
        "inkseed: stopped; no half-written file is left",
    ]
    assert not list(tmp_path.rglob(".inkseed-*"))
    seen += [1] * 10
    assert inkseed("train", recipe, "--out", tmp_path / "run", "--resume").status == 0
    assert len(seen) == 17  # the other three of seven steps
    assert same(tmp_path / "whole/model.safetensors", tmp_path / "run/model.safetensors")


def test_a_study_without_a_folder_leaves_none(inkseed, tiny_model, tmp_path, monkeypatch):
    begun = []

    def stop(_model, _settings, folder, _tell):
        folder.mkdir()
        begun.append(folder)
        signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("inkseed.study.run_study", stop)
    assert inkseed(*STUDY, "--model", tiny_model).status == 143
    assert tmp_path in begun[0].parents
    assert list(tmp_path.iterdir()) == []


def test_a_study_takes_no_folder_of_others(inkseed, tiny_model, tmp_path):
    folder = tmp_path / "thesis"
    folder.mkdir()
    (folder / "quality.png").write_bytes(b"mine")
    refused = inkseed(*STUDY, "--model", tiny_model, "--out", folder)
    assert (refused.status, "not a study's folder" in refused.err) == (2, True)
    assert [path.name for path in folder.iterdir()] == ["quality.png"]
    with claimed(tmp_path / "study"):
        refused = inkseed(*STUDY, "--model", tiny_model, "--out", tmp_path / "study")
    assert (refused.status, "a run is going on in" in refused.err) == (2, True)
    assert list((tmp_path / "study").iterdir()) == []
