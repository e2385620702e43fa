"""Every script and benchmark imports: what it uses is still there under its name."""

import importlib
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = sorted(path for room in ("scripts", "benchmarks") for path in (ROOT / room).glob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_it_imports(path, monkeypatch):
    monkeypatch.setattr(sys, "path", [str(path.parent), str(ROOT / "scripts"), *sys.path])
    before = set(sys.modules)
    try:
        importlib.import_module(path.stem)
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] in ("diffusers", "mkdocs", "playwright", "sklearn"):
            pytest.skip(f"needs {error.name}")
        raise
    finally:
        for name in set(sys.modules) - before:
            found = getattr(sys.modules[name], "__file__", None)
            if found and Path(found).parent in (ROOT / "scripts", ROOT / "benchmarks"):
                del sys.modules[name]
