"""The tree in docs/architecture.md, from the docstrings' first lines: python scripts/house.py"""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "architecture.md"
SOURCE = ROOT / "src" / "inkseed"
ROOMS = (
    *("data", "nn", "diffusion", "samplers", "judges", "noise", "model", "training"),
    *("writing", "evaluation", "sets", "study", "export", "ddpm", "cli"),
)
BEGIN, END = "<!-- house -->", "<!-- end -->"
WIDTH = 30


def says(path: Path) -> str:
    """The first sentence of a file's docstring, without its full stop."""
    text = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
    first = " ".join(text.split("\n\n")[0].split())
    return first.split(". ")[0].rstrip(".")


def line(indent: int, name: str, path: Path) -> str:
    """One file of the tree, or one folder by its `__init__`."""
    return f"{' ' * indent}{name:{WIDTH - indent}}{says(path)}"


def tree() -> list[str]:
    """The ground floor, then each room with its files."""
    ground = sorted(path for path in SOURCE.glob("*.py") if path.stem[0] != "_")
    lines = ["src/inkseed/", *(line(2, path.name, path) for path in ground)]
    for room in ROOMS:
        lines += ["", line(2, f"{room}/", SOURCE / room / "__init__.py")]
        for path in sorted((SOURCE / room).iterdir()):
            if path.suffix == ".py" and path.stem != "__init__":
                lines.append(line(4, path.name, path))
            elif (path / "__init__.py").is_file():
                lines.append(line(4, f"{path.name}/", path / "__init__.py"))
    return lines


def page() -> str:
    """The page with the tree as the sources have it now."""
    before, rest = PAGE.read_text("utf-8").split(BEGIN, 1)
    after = rest.split(END, 1)[1]
    return "\n".join([before + BEGIN, "", "```", *tree(), "```", "", END + after])


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
