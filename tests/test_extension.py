"""One file of one's own for each kind, as the docs show it: nothing in inkseed is touched."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import inkseed
from inkseed.cli import main
from inkseed.data import split_mnist
from inkseed.diffusion.schedule import times
from inkseed.errors import InkseedError
from inkseed.evaluation import EvaluatedSet, evaluate, register
from inkseed.evaluation.page import save_page
from inkseed.evaluation.table import rows
from inkseed.training.recipes import recipe_from

DOCS = Path(__file__).parents[1] / "docs"


def listing(page: str, word: str) -> str:
    """The Python that a page of the docs shows, the piece that has this word in it."""
    pieces = (DOCS / page).read_text("utf-8").split("```python\n")[1:]
    return next(piece.split("```")[0] for piece in pieces if word in piece)


SOURCES = {  # a group of entry points: the name, and the file
    "samplers": ("half_noise", listing("samplers.md", "half_noise")),
    "noise": ("boldest", listing("noise.md", "boldest")),
    "schedules": ("sine", listing("mathematics.md", "SCHEDULES.register")),
    "predictions": ("correction", listing("mathematics.md", "PREDICTIONS.register")),
    "spacings": ("cubic", listing("mathematics.md", "SPACINGS.register")),
    "networks": ("two_layers", listing("mathematics.md", "NETWORKS.register")),
    "metrics": ("ink", listing("evaluation.md", "@register")),
}
RECIPE = {
    "epochs": 1,
    "batch_size": 32,
    "learning_rate": 1e-3,
    "drop_prob": 0.1,
    "images": 64,
    "pictures": 1,
    "network": {"name": "two_layers", "width": 6},
    "schedule": {"name": "sine", "most": 0.99},
    "prediction": {"name": "correction"},
    "sampling": {"sampler": "half_noise", "spacing": "cubic", "steps": 2},
}


@pytest.fixture
def installed(tmp_path, monkeypatch, forget):
    """A file of each kind, named by entry points as `pip install` leaves them."""
    points = []
    for kind, (name, source) in SOURCES.items():
        (tmp_path / f"my_{kind}.py").write_text(source)
        points.append(f"[inkseed.{kind}]\n{name} = my_{kind}\n")
    told = tmp_path / "mine-1.0.dist-info"
    told.mkdir()
    (told / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n")
    (told / "entry_points.txt").write_text("\n".join(points))
    monkeypatch.syspath_prepend(tmp_path)
    yield
    for kind in SOURCES:
        sys.modules.pop(f"my_{kind}", None)


def test_the_files_of_the_docs_train_and_draw_as_an_installed_package(installed, tmp_path):
    path = inkseed.train(recipe_from(RECIPE, "mine.toml"), "mine", tmp_path / "run")
    model = inkseed.load(path)
    assert model.network.label.embedding_dim == 6
    assert model.schedule.most == 0.99
    plain = model.sample([3, 4], seed=1)
    assert plain.nfe == 4  # two steps, guided
    assert model.sample([3, 4], seed=1, noise="boldest", candidates=3).nfe == 12
    assert torch.equal(times(model.schedule, 2, "cubic"), torch.tensor([1, 0.125, 0]).double())
    for t in (0.1, 0.5, 1.0):
        ratio = torch.tensor(model.schedule.ratio(t))
        assert model.schedule.time_of(ratio) == pytest.approx(t, abs=1e-5)


def test_help_names_an_installed_package(installed, capsys):
    with pytest.raises(SystemExit):
        main(["write", "--help"])
    words = " ".join(capsys.readouterr().out.split())
    assert "heun, half_noise, or a .py file" in words
    assert "; installed: boldest; or a .py file" in words
    assert "karras, cubic." in words
    assert "my_samplers" not in sys.modules


def test_a_metric_of_ones_own_stands_beside_the_others(installed, ready, tmp_path):
    digits = split_mnist().validation.subset(np.arange(300))
    result = evaluate([EvaluatedSet(digits)])
    metric = result.as_json()["metrics"]["ink"]
    assert metric["value"] == pytest.approx(digits.images.mean())
    assert metric["low"] < metric["value"] < metric["high"]
    assert abs(metric["value"] - metric["baseline"]) < 4
    assert rows(result.sets[0])[-1][0] == "ink"
    save_page(result, tmp_path / "page.html")
    assert "mean grey level" in (tmp_path / "page.html").read_text("utf-8")


@pytest.mark.parametrize(
    ("figure", "words"),
    [(lambda seen: 1 / 0, "failed: ZeroDivisionError"), (lambda seen: [1.0], "a number for each")],
)
def test_a_metric_that_gives_no_figure_is_told_so(ready, forget, figure, words):
    register("mine", "up")(figure)
    with pytest.raises(InkseedError, match=f"the metric 'mine' .*{words}"):
        evaluate([EvaluatedSet(split_mnist().validation.subset(np.arange(50)))])
    with pytest.raises(InkseedError, match="there is already a metric 'accuracy'"):
        register("accuracy", "up")
    with pytest.raises(InkseedError, match="a format"):
        register("other", "up", form="{:q}")
