"""The notebooks of learn/: they run, they leave their exercises open, and their solutions hold."""

import re
import runpy
import sys
from pathlib import Path

import pytest
import torch

from inkseed.diffusion.condition import Condition
from tests.analytic import GaussianMixture

LEARN = Path(__file__).parents[1] / "learn"
NOTEBOOKS = sorted(LEARN.glob("[0-9]_*.py"))
SAYS = re.compile(r"^(\d\.\d): (not yet\. Nothing is returned yet\.|right\.)$", re.MULTILINE)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch):
    """learn/ as its notebooks see it, with small settings; what they import is forgotten."""
    monkeypatch.setenv("LEARN", "small")
    monkeypatch.syspath_prepend(str(LEARN))
    with torch.random.fork_rng():
        yield
    for name in ("kit", "checks"):
        sys.modules.pop(name, None)


def test_there_are_seven_on_as_many_subjects():
    assert [path.name[0] for path in NOTEBOOKS] == list("1234567")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_its_two_solutions_are_right(path, small, capsys):
    runpy.run_path(str(path))
    number, said = path.name[0], SAYS.findall(capsys.readouterr().out)
    assert said == [
        (f"{number}.{k}", words)
        for k in (1, 2)
        for words in ("not yet. Nothing is returned yet.", "right.")
    ]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_solutions_are_folded_away(path):
    cells = path.read_text("utf-8").split("\n# %%")
    solved = [cell for cell in cells if '"solution"' in cell.split("\n")[0]]
    assert len(solved) == 2
    for cell in solved:
        assert '"source_hidden": true' in cell.split("\n")[0]
        assert 'check("' in cell


def test_a_check_says_what_is_off(small, capsys):
    from kit import check

    check("1.2", lambda alpha_t, sigma_t, alpha_s, sigma_s: sigma_t**2 - sigma_s**2)
    assert "it should be" in capsys.readouterr().out
    check("1.2", lambda: 1)
    assert "it stops with TypeError" in capsys.readouterr().out
    check("3.1", lambda *given: 1.0)
    assert "Return 2 values" in capsys.readouterr().out
    check("6.2", lambda k, d: 1.0)
    assert "it should be near 0.0000" in capsys.readouterr().out


def test_the_teaching_mixture_is_the_tests_own_oracle(small):
    from kit import REPORT, THREE

    oracle = GaussianMixture(THREE.means[:, None, None], THREE.deviations, THREE.shares)
    x_t = THREE.draw(20).reshape(-1, 1, 1, 2)
    label = torch.arange(20) % 4 - 1  # a quarter is free
    ours = THREE.denoiser(REPORT)(x_t, 0.4, Condition.of(label))
    theirs = oracle.denoiser(REPORT)(x_t, torch.tensor(0.4), Condition.of(label))
    torch.testing.assert_close(ours, theirs)


def test_a_notebook_is_made_with_its_outputs(small, monkeypatch, tmp_path):
    pytest.importorskip("nbclient")
    jupytext = pytest.importorskip("jupytext")
    monkeypatch.syspath_prepend(str(LEARN.parent / "scripts"))
    import learn

    try:
        for name in ("kit.py", "checks.py", "1_noise.py"):
            (tmp_path / name).write_text((LEARN / name).read_text("utf-8"), "utf-8")
        made = learn.execute(tmp_path / "1_noise.py")
    finally:
        sys.modules.pop("learn", None)
    outputs = [each for cell in jupytext.read(made).cells for each in cell.get("outputs", ())]
    assert sum("image/png" in each.get("data", ()) for each in outputs) == 3
    assert any("1.2: right." in each.get("text", "") for each in outputs)
