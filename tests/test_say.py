"""Words to the terminal: data stays data, whatever is in it and whatever the terminal can show."""

import io
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.table import Table
from rich.text import Text

from inkseed import say
from inkseed.cli import COMMANDS, main
from inkseed.console import Console
from inkseed.data.account import Named
from inkseed.study import StudySettings
from inkseed.study.result import Study
from inkseed.study.table import print_study
from tests.test_study_table import N, measure, study_of

ESCAPE = "\x1b[31mred\x1b]0;title\x07"
HOSTILE = [ESCAPE, "[/x]", "[v1]", ":pen:", "a\nb", "\udcff", "\ud800", "\u202e", "\u0663", "\0"]
ENCODINGS = ["ascii", "cp1252", "latin-1", "utf-8"]
EVERYWHERE = pytest.mark.parametrize("encoding", ENCODINGS)
ODD_NAMES = {
    "formats": lambda: ["[v1]{5}"],
    "recipes": lambda: ["r\udcff"],
    "samplers": lambda: ["\x1b[31m"],
    "spacings": lambda: ["\u0663"],
}


@contextmanager
def terminal(encoding: str) -> Iterator[Callable[[], str]]:
    """Standard output that takes no character which its encoding lacks; yields what is on it."""
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding, "strict", write_through=True)
    with stream, redirect_stdout(stream):
        yield lambda: raw.getvalue().decode(encoding)


@given(text=st.text())
def test_text_is_shown_in_characters_that_print(text):
    shown = say.plain(text)
    assert shown.isprintable()
    assert say.plain(shown) == shown
    if text.isprintable():
        assert shown == text
    for encoding in ENCODINGS:
        assert say.fitting(shown, encoding).encode(encoding).decode(encoding).isprintable()


def test_escapes_are_those_that_python_writes():
    assert say.plain("a\x1b[1m\tb\u202e") == "a\\x1b[1m\\tb\\u202e"
    assert say.plain(os.fsdecode(b"n\xff.png")) == "n\\xff.png"
    assert say.fitting("Fréchet ↓ 1 ± 2 — \u0663", "ascii") == "Frechet v 1 +- 2 - \\u0663"
    assert say.fitting("Fréchet ± \u0663", "cp1252") == "Fréchet ± \\u0663"
    assert say.fitting("Fréchet ± \u0663\ud800", "utf-8") == "Fréchet ± \u0663\\ud800"


@EVERYWHERE
def test_every_line_is_one_line(encoding):
    with terminal(encoding) as printed:
        say.out(*HOSTILE)
        assert len(printed().splitlines()) == len(HOSTILE)
        assert "\x1b" not in printed()


def test_a_note_is_one_line(capsys):
    say.note("".join(HOSTILE))
    told = capsys.readouterr().err
    assert told.startswith("inkseed: \\x1b[31mred")
    assert told.count("\n") == 1
    assert told.strip().isprintable()


@EVERYWHERE
@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_tables_show_data_as_it_is(encoding, text):
    with terminal(encoding) as printed:
        console = Console(width=100)
        table = Table(title=text)
        table.add_column(text)
        table.add_row(text)
        console.print(table)
        console.print(text, Text(text), soft_wrap=True)
        assert all(line.isprintable() for line in printed().splitlines())
        shown = say.fitting(say.plain(text, kept="\n"), encoding).split("\n")[-1]
        assert printed().count(shown) >= 4


@pytest.fixture(scope="module")
def study() -> Study:
    made = study_of({"mine": [measure(1.0, 3, frechet=0.1, coverage=0.9)] * 2})
    model = "[/x]/[v1]\x1b[31m\udcff.safetensors"
    return replace(made, settings=StudySettings(model, "0", {"steps": 2}, N // 3, 3, 2))


@EVERYWHERE
def test_a_studys_title_is_no_markup(encoding, study):
    with terminal(encoding) as printed:
        print_study(study, Console(width=120))
        assert "[/x]/[v1]\\x1b[31m\\xff.safetensors, steps 2" in printed()
        assert "\x1b" not in printed()


@EVERYWHERE
def test_all_help_and_the_list_of_models_print_everywhere(encoding, monkeypatch):
    monkeypatch.setattr("inkseed.cli.naming.NAMES", ODD_NAMES)
    commands = [command.__name__.replace("_", "-") for command in COMMANDS]
    with terminal(encoding) as printed:
        for words in (["--help"], *([name, "--help"] for name in commands), ["models"]):
            before = len(printed())
            with pytest.raises(SystemExit) as stopped:
                main(words)
            assert stopped.value.code == 0
            assert len(printed()) > before + 100
        assert "\x1b" not in printed()


@EVERYWHERE
def test_a_name_that_is_not_utf_8_is_told_after_its_file_is_written(encoding, tiny_model, tmp_path):
    out = tmp_path / os.fsdecode(b"a\xff\x1b[31m.npz")
    command = ["sample", "--count", "1", "--model", str(tiny_model), "--out", str(out)]
    with terminal(encoding) as printed:
        for more in ([], ["--json"]):
            with pytest.raises(SystemExit) as stopped:
                main([*command, *more])
            assert stopped.value.code == 0
        shown, told = printed().splitlines()
    assert out.is_file()
    assert shown.endswith("a\\xff\\x1b[31m.npz")
    assert json.loads(told)["out"] == str(out)


def test_a_model_whose_path_is_not_utf_8_is_not_called_damaged(inkseed, tiny_model, tmp_path):
    odd = tmp_path / os.fsdecode(b"a\xff.safetensors")
    odd.write_bytes(tiny_model.read_bytes())
    refused = inkseed("sample", "--model", odd, "--out", tmp_path / "s.npz")
    assert refused.status == 2
    assert "opens no file whose path is not UTF-8: rename" in refused.err
    assert refused.err.strip().endswith("a\\xff.safetensors")


def test_errors_do_not_send_escape_sequences(inkseed, tmp_path):
    for words in (
        ["sample", "--model", ESCAPE + ".safetensors", "--out", "x.npz"],
        ["evaluate", tmp_path / (ESCAPE + ".npz")],
        ["train", ESCAPE + ".toml"],
        ["write", ESCAPE],
        ["sample", "--out", f"{ESCAPE}.jpg"],
        ["evaluate", "\udcff\x1b.npz", "--seed", "\x1b"],
    ):
        refused = inkseed(*words)
        assert refused.status == 2
        assert refused.err.strip().isprintable()


def test_a_file_in_somebodys_folder_sends_nothing_to_the_terminal(inkseed, tmp_path):
    assert Named(1, "").said("blank")
    for label in "01":
        (tmp_path / label).mkdir()
        (tmp_path / label / f"{ESCAPE.replace('/', '')}.png").write_bytes(b"no picture")
    refused = inkseed("evaluate", tmp_path)
    assert refused.status == 2
    assert "\\x1b[31mred" in refused.err
    assert refused.err.strip().isprintable()
