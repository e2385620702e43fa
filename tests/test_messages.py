"""What people are told when something does not suit inkseed: the fault itself, and a way out."""

import numpy as np
import pytest

import inkseed as package
from inkseed.checkpoint import save_tensors
from inkseed.errors import InkseedError
from inkseed.model.loading import load

from .conftest import TINY


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            {"network": {**TINY["network"], "name": "my_net"}},
            "no network 'my_net': give one of con",
        ),
        ({"schedule": {"name": "sigmoid"}}, "no schedule 'sigmoid': give one of linear_betas"),
        ({"prediction": {"name": "score"}}, "no prediction 'score': give one of eps"),
        ({"sampling": {"sampler": "leap"}}, "no sampler 'leap'"),
        ({"schedule": {"betas": [0.3, 0.1], "n_T": 12}}, "beta_1 <= beta_T"),
    ],
)
def test_a_sound_file_of_something_unknown_is_not_called_damaged(
    tiny_network, tmp_path, change, words
):
    path = tmp_path / "foreign.safetensors"
    save_tensors(path, tiny_network.state_dict(), {**TINY, **change})
    with pytest.raises(InkseedError) as refused:
        load(path)
    assert words in str(refused.value)
    assert path.name in str(refused.value)
    assert "damaged" not in str(refused.value)


@pytest.mark.parametrize("number", [42, 7.0, None, 10**5000, b"42"], ids=type)
def test_a_number_is_text(number):
    with pytest.raises(InkseedError, match="as text, such as '007'"):
        package.write(number)


@pytest.mark.parametrize("number", ["-5", "-12345"])
def test_a_sign_is_not_taken_for_an_option(inkseed, number):
    refused = inkseed("write", number)
    assert refused.status == 2
    assert "leave out the sign" in refused.err


def test_one_number_does_not_overwrite_another(inkseed, tiny_model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for number in ("2026", "007"):
        assert inkseed("write", number, "--model", tiny_model).status == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["007.png", "2026.png"]


def test_a_style_is_a_number(inkseed, tiny_model, tmp_path):
    for command in (["write", "1"], ["sample"]):
        for option in ("--slant", "--thickness"):
            out = tmp_path / "x.png"
            refused = inkseed(*command, option, "nan", "--model", tiny_model, "--out", out)
            assert refused.status == 2
            assert f"{option} must be a number, not nan" in refused.err
    with pytest.raises(InkseedError, match="slant must be a number, not nan"):
        package.write("1", slant=float("nan"), model=load("digits"))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ["sample", "--out", "e3.jpg"],
            "must end in .npz or .png; for a folder, give a name without",
        ),
        (["sample", "--out", "e3.png", "--trace", "e3.png"], "must end in .gif"),
        (["sample", "--out", "e.npz", "--guide-interval", "6,0.3"], "lower first: write 0.3,6"),
        (["sample", "--out", "e.npz", "--labels", "9-0"], "runs backwards: write 0-9"),
        (["write", "1", "--spacing", "even"], "karras, or register your own first"),
        (["write", "1", "--model", "digit"], "give one of digits, digits-fast, pairs"),
    ],
)
def test_a_mistake_is_told_with_what_to_type(inkseed, tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    refused = inkseed(*arguments)
    assert refused.status == 2
    assert words in refused.err
    assert list(tmp_path.iterdir()) == []


def test_arrays_without_a_finite_number_say_so(inkseed, tmp_path):
    np.savez(tmp_path / "nan.npz", images=np.full((30, 28, 28), np.nan), labels=np.zeros(30, int))
    assert "no pixel is a finite number" in inkseed("evaluate", tmp_path / "nan.npz").err


def test_a_run_that_is_not_finished_is_no_unknown_name(inkseed, tmp_path):
    refused = inkseed("sample", "--model", tmp_path / "model.safetensors", "--out", tmp_path / "x")
    assert refused.status == 2
    assert "no such model file" in refused.err
    assert "--resume" in refused.err
