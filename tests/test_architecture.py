"""docs/architecture.md shows the house as it stands."""

import sys
from pathlib import Path

SCRIPTS = Path(__file__).parents[1] / "scripts"


def test_the_tree_is_current(monkeypatch):
    monkeypatch.syspath_prepend(str(SCRIPTS))
    import house

    try:
        assert house.PAGE.read_text("utf-8") == house.page(), "run: python scripts/house.py"
        folders = {path.parent.name for path in house.SOURCE.glob("*/__init__.py")}
        assert folders == set(house.ROOMS)
        for path in house.SOURCE.rglob("*.py"):
            assert house.says(path) or path.name == "__main__.py", path
    finally:
        sys.modules.pop("house", None)
