"""Draw by the page's own modules in node, without a browser."""

import base64
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from inkseed.export.card import card_of
from inkseed.export.page import SOURCES
from inkseed.model.model import Model

NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="node is not installed")
SCRIPT = Path(__file__).with_name("page_parity.mjs")


class Drawn(NamedTuple):
    """A number that the page's modules drew: ink 255, and the first image's noise."""

    ink: np.ndarray
    boxes: list[tuple[int, ...]]
    digits: list[np.ndarray]
    noise: np.ndarray
    candidates: list[int]
    svg: str


def text_of(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def drawn(
    model: Model, asked: list[dict[str, Any]], kernel: str | None = "kernel.wasm"
) -> list[Drawn]:
    """What node draws of each request, {text, seed, ...}, with the kernel or without."""
    told = _node(model, {"asked": asked}, kernel)
    return [
        Drawn(
            _ink(each["ink"]).reshape(each["height"], each["width"]),
            [tuple(box) for box in each["boxes"]],
            [_ink(one).reshape(model.image_size) for one in each["digitInk"]],
            np.array(each["noise"], np.float32),
            each["candidates"],
            each["svg"],
        )
        for each in told["found"]
    ]


def in_form(model: Model, pictures: list[np.ndarray]) -> list[np.ndarray]:
    """Digits of any size, ink 255, in MNIST's form as the page puts them."""
    given = [
        {"ink": text_of(each.tobytes()), "width": each.shape[1], "height": each.shape[0]}
        for each in pictures
    ]
    told = _node(model, {"asked": [], "pictures": given}, "kernel.wasm")
    return [_ink(each).reshape(28, 28) for each in told["forms"]]


def settings_of(model: Model, fragments: list[str]) -> list[dict[str, Any]]:
    """What the page is set to when its address ends so."""
    told = _node(model, {"asked": [], "fragments": fragments}, "kernel.wasm")
    settings: list[dict[str, Any]] = told["settings"]
    return settings


def _node(model: Model, wanted: dict[str, Any], kernel: str | None) -> dict[str, Any]:
    card = card_of(model, "a model")
    given = {"card": card.facts, "weights": text_of(card.weights), "kernel": kernel, **wanted}
    assert NODE is not None
    ran = subprocess.run(
        [NODE, str(SCRIPT), str(SOURCES)],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    told: dict[str, Any] = json.loads(ran.stdout)
    assert told["kind"] == ("WebAssembly" if kernel else "JavaScript")
    return told


def _ink(text: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), np.uint8)
