"""One HTML file that runs a model in a browser, made of the plain sources in page/."""

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path

from inkseed.errors import InkseedError
from inkseed.export.card import Card, card_of
from inkseed.files import write_text
from inkseed.model.model import Model

SOURCES = Path(__file__).with_suffix("")
LARGEST = 10_000_000  # bytes of a page
IMPORT = re.compile(r'^import \{[^}]*\} from "\./([\w-]+\.mjs)";\n', re.MULTILINE)
EXPORT = re.compile(r"^export (?:const|class|function\*?|async function\*?) (\w+)", re.MULTILINE)


def save_page(model: Model, name: str, path: str | Path) -> None:
    """Write the page that runs a model, called `name` there, to an .html file.

    It opens from disk, needs no network, and holds the weights as 16-bit floats. Judge A comes
    along if there is room for it.

    Raises:
        InkseedError: for a model that the page cannot run, or that makes it too large.
    """
    text = page(card_of(model, name))
    if len(text.encode()) > LARGEST:
        text = page(card_of(model, name, with_judge=False))
    if (size := len(text.encode())) > LARGEST:
        raise InkseedError(
            f"a page of {name} would have {size / 1e6:.1f} MB, and {LARGEST / 1e6:g} is the most:"
            " give a smaller model"
        )
    write_text(path, text)


def page(card: Card) -> str:
    """The page, as text: page.html with everything else inside."""
    parts = {
        "style": (SOURCES / "page.css").read_text("utf-8"),
        "card": json.dumps(card.facts).replace("<", "\\u003c"),
        "weights": _base64(card.weights),
        "kernel": _base64((SOURCES / "kernel.wasm").read_bytes()),
        "worker": joined("worker.mjs"),
        "script": joined("main.mjs"),
    }
    text = (SOURCES / "page.html").read_text("utf-8")
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], text)


def joined(name: str) -> str:
    """A module and all that it imports as one script, each in a scope of its own."""
    scripts = []
    for each in _imported(name, []):
        own = IMPORT.sub("", (SOURCES / each).read_text("utf-8"))
        names = ", ".join(EXPORT.findall(own))
        own = EXPORT.sub(lambda found: found[0].removeprefix("export "), own)
        scripts.append(f"const {{ {names} }} = (() => {{\n{own}return {{ {names} }};\n}})();\n")
    return "\n".join(scripts)


def _imported(name: str, seen: list[str]) -> Iterator[str]:
    if name in seen:
        return
    seen.append(name)
    for each in IMPORT.findall((SOURCES / name).read_text("utf-8")):
        yield from _imported(each, seen)
    yield name


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
