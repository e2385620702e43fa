"""Whatever a person or a broken disk hands over: one line, exit 2, and nothing left behind."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from inkseed.checkpoint import save_tensors
from inkseed.cli import main
from inkseed.errors import InkseedError
from inkseed.labels import parse_labels, parse_numbers
from inkseed.model.loading import load

from .conftest import TINY

EACH_EXAMPLE = settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
WORDS = st.sampled_from(
    """write sample train 12 0-9 --out --seed --guide-w --count --labels --model --device --trace
    --threads --resume --bogus -- -1 nan x.jpg no/such/file report.toml 1e999 cuda:9 \u0663 ../..
    = --json evaluate models --sampler ddim euler --steps 0 --noise gaussian pink""".split()  # noqa: SIM905
)


def one_line_or_fine(read, *arguments):
    """Call `read`: it may succeed, or refuse in one line; any other exception fails the test."""
    message = ""
    try:
        assert read(*arguments) is not None
    except InkseedError as error:
        message = str(error)
    assert len(message.splitlines()) <= 1


@EACH_EXAMPLE
@given(arguments=st.lists(st.one_of(WORDS, st.text(max_size=6)), min_size=1, max_size=6))
def test_argument_lists(arguments, tmp_path_factory, capsys):
    """No list of words here is a whole request: 'no model' stands wherever one could be."""
    assume("--help" not in arguments)
    folder = tmp_path_factory.mktemp("cwd")
    before = Path.cwd()
    os.chdir(folder)
    capsys.readouterr()
    try:
        with pytest.raises(SystemExit) as stopped:
            main([*arguments, "--model", "no-such-model"])
    finally:
        os.chdir(before)
    printed = capsys.readouterr()
    assert stopped.value.code == 2
    assert printed.out == ""
    assert len(printed.err.strip().splitlines()) == 1
    assert printed.err.startswith("inkseed: ")
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    "change",
    [
        {"network": {"in_channels": 1, "n_feat": 16, "n_classes": 10}},
        {"network": {"in_channels": 1, "n_feat": 8 * 10**6, "n_classes": 10}},
        {"network": {"in_channels": 1, "n_feat": -8, "n_classes": 10}},
        {"network": {"in_channels": 1, "n_feat": 8, "n_classes": 10, "extra": 1}},
        {"network": None},
        {"network": {"in_channels": "x", "n_feat": 8, "n_classes": 10}},
        {"schedule": {"betas": [0.3, 0.1], "n_T": 12}},
        {"schedule": {"betas": [1e-3, 0.3], "n_T": 10**12}},
        {"schedule": {"betas": [1e-3], "n_T": 12}},
        {"schedule": 5},
        {"image_size": "28"},
        {"image_size": [28, 27]},
        {"image_size": [28]},
        {"image_size": [0, 28]},
        {"class_names": list("012")},
        {"class_names": 10},
        {"class_names": ["1"] * 10},
        {"class_names": ["../../elsewhere", *"123456789"]},
        {"image_size": [400_000, 400_000]},
        {"schedule": {"betas": [0.9, 0.999], "n_T": 12}},
        {"class_names": [1, 2, 3, 4, 5, 6, 7, 8, 9, 0]},
        {"format": 99},
        {"schedule": {"name": "sigmoid"}},
        {"schedule": {"name": "cosine"}},
        {"schedule": {"name": "flow", "extra": 1}},
        {"schedule": {"name": "variance_exploding", "sigma_max": "80"}},
        {"schedule": {"name": "variance_exploding", "rho": 10**6}},
        {"schedule": {"name": ["flow"]}},
        {"prediction": {"name": "score"}},
        {"prediction": {}},
        {"prediction": "eps"},
        {"prediction": {"name": "eps", "extra": 1}},
        {"prediction": {"name": "eps", "mixed_precision": False}},
        {"prediction": {"name": "edm", "sigma_data": "0.5"}},
        {"prediction": {"name": "edm", "sigma_data": 0}},
        {"prediction": {"name": "edm", "data_mean": float("nan")}},
    ],
    ids=json.dumps,
)
def test_metadata_that_does_not_fit(tiny_network, tmp_path, change):
    path = tmp_path / "odd.safetensors"
    save_tensors(path, tiny_network.state_dict(), {**TINY, **change})
    with pytest.raises(InkseedError):
        load(path)


@given(text=st.text(max_size=12))
def test_labels_and_numbers_parse_or_say_why(text):
    one_line_or_fine(parse_labels, text)
    one_line_or_fine(parse_numbers, text, "--guide-w")


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("0-9", list("0123456789")),
        ("3", ["3"]),
        ("1,5-7", list("1567")),
        ("08-11", ["08", "09", "10", "11"]),
    ],
)
def test_labels_as_typed(text, labels):
    assert parse_labels(text) == labels


@pytest.mark.parametrize("suffix", ["png", "npz", "gif"])
def test_a_place_that_cannot_be_written_is_refused_first(inkseed, tiny_model, tmp_path, suffix):
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    out = blocked / f"x.{suffix}"
    command = ["sample", "--out", out, "--count", 1, "--model", tiny_model]
    if suffix == "gif":
        command = ["sample", "--out", tmp_path / "a.png", "--trace", out, "--model", tiny_model]
    result = inkseed(*command)
    assert result.status == 2
    assert "cannot write" in result.err
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_full_disk_leaves_nothing(inkseed, tiny_model, tmp_path, monkeypatch):
    def full(*_arguments, **_options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("PIL.Image.Image.save", full)
    result = inkseed("write", "1", "--model", tiny_model, "--out", tmp_path / "n.png")
    assert result.status == 2
    assert "No space left" in result.err
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_leaves_nothing(inkseed, tiny_model, tmp_path, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("inkseed.model.drawing.to_uint8", stop)
    result = inkseed("sample", "--model", tiny_model, "--out", tmp_path / "n.png")
    assert result.status == 130
    assert list(tmp_path.iterdir()) == []


def test_as_a_user_types_it(tmp_path):
    """In its own process: help and usage errors import nothing heavy and print no traceback."""
    probe = (
        "import sys; from inkseed.cli import main\n"
        "try: main()\nfinally: print('torch' in sys.modules)"
    )
    for words, status in (("--help", 0), ("write --seed x 1", 2), ("nonsense", 2)):
        result = subprocess.run(
            [sys.executable, "-c", probe, *words.split()],
            capture_output=True,
            text=True,
            cwd=tmp_path,
        )
        assert result.returncode == status
        assert result.stdout.endswith("False\n")
        assert "Traceback" not in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_names_too_long_for_the_disk(inkseed, tiny_model, tmp_path):
    long = "x" * 300
    for words in (
        ["write", "1", "--model", tiny_model, "--out", tmp_path / f"{long}.png"],
        ["write", "1", "--model", long],
        ["train", long],
        ["train", "smoke", "--out", tmp_path / long],
    ):
        result = inkseed(*words)
        assert result.status == 2
        assert len(result.err.strip().splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_weights_that_are_not_numbers_draw_nothing(inkseed, tiny_network, tmp_path):
    path = tmp_path / "nan.safetensors"
    weights = {
        k: v * float("nan") if v.is_floating_point() else v
        for k, v in tiny_network.state_dict().items()
    }
    save_tensors(path, weights, TINY)
    result = inkseed("write", "1", "--model", path, "--out", tmp_path / "n.png")
    assert result.status == 2
    assert "not finite" in result.err
    assert not (tmp_path / "n.png").exists()


def test_suffixes_in_capitals_are_suffixes(inkseed, tiny_model, tmp_path):
    for name in ("A.NPZ", "B.PNG"):
        out = tmp_path / name
        assert inkseed("sample", "--count", 1, "--model", tiny_model, "--out", out).status == 0
        assert out.is_file()
