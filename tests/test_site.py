"""What the site adds to docs/: notebooks as pages to read, and which weights a result is of."""

import hashlib
import importlib.util
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "inkseed"
HASH = re.compile(r"`([0-9a-f]{12})`(, since\s+replaced)?")
RESULTS = ("digits.md", "report.md", "samplers.md", "noise-study.md", "evaluation.md")


@pytest.fixture
def hooks():
    pytest.importorskip("mkdocs")
    spec = importlib.util.spec_from_file_location("site_hooks", ROOT / "scripts" / "site_hooks.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("page", RESULTS)
def test_a_page_of_results_names_weights_that_are_bundled_or_says_they_are_replaced(page):
    files = (PACKAGE / room for room in ("model/weights", "judges/files"))
    bundled = [
        hashlib.sha256(path.read_bytes()).hexdigest()
        for folder in files
        for path in folder.glob("*.safetensors")
    ]
    named = HASH.findall((ROOT / "docs" / page).read_text("utf-8"))
    assert named
    for begins, replaced in named:
        assert bool(replaced) != any(sha.startswith(begins) for sha in bundled), begins


def test_a_notebook_is_a_page_with_its_solutions_folded(hooks):
    page = hooks.notebook_page(ROOT / "learn" / "2_network.py")
    assert page.startswith("# 2. What the network learns")
    assert page.count('??? success "Solution"') == 2
    assert "<details>" not in page
    assert "jupytext" not in page
    assert "def image_from_noise(x_t, eps, alpha, sigma):\n    return ..." in page  # open
    assert (
        "    def image_from_noise(x_t, eps, alpha, sigma):\n        return (x_t" in page
    )  # folded


def test_a_link_between_notebooks_and_docs_becomes_one_between_pages(hooks):
    link = hooks.target("learn/6_starting_noise.md", "../docs/noise-study.md")
    assert hooks.uri_of(link) == "noise-study.md"
    assert hooks.uri_of(hooks.target("learn/index.md", "3_step_back.py")) == "learn/3_step_back.md"
    assert hooks.uri_of(hooks.target("mathematics.md", "../learn/README.md")) == "learn/index.md"
