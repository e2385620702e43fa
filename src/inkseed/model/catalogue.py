"""The bundled models: where each comes from, and how well it measures."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inkseed.checkpoint import load_header
from inkseed.errors import InkseedError
from inkseed.files import sha256, write_json
from inkseed.model.config import ModelConfig
from inkseed.model.weights import find_model
from inkseed.named_files import MODELS
from inkseed.plain import Real, Whole, fits, read_json


@dataclass(frozen=True)
class Figure:
    """What is read of a metric; a file may tell more of it."""

    value: Real
    low: Real
    high: Real
    baseline: Real


@dataclass(frozen=True)
class Drawn:
    """What is read of how the measured images were drawn."""

    sampler: str
    steps: Whole
    guide_w: Real
    nfe: Whole


@dataclass(frozen=True)
class Quality:
    """What is read of a measurement, which `record_quality` keeps beside the weights."""

    sha256: str
    n: Whole
    metrics: dict[str, Figure]
    sampling: Drawn


@dataclass(frozen=True)
class Bundled:
    """A bundled model: its file, its configuration, and its quality, None if not measured yet."""

    name: str
    path: Path
    config: ModelConfig
    quality: dict[str, Any] | None

    def as_json(self) -> dict[str, Any]:
        """Name, bytes, configuration and quality as one plain object."""
        size = self.path.stat().st_size
        return {"name": self.name, "bytes": size, "quality": self.quality, **self.config.plain()}


def bundled() -> list[Bundled]:
    """Every bundled model, by name. Raises InkseedError for a damaged one."""
    found = []
    for name in MODELS.names():
        path = find_model(name)
        config = ModelConfig.of(load_header(path).config, str(path))
        found.append(Bundled(name, path, config, _quality(path)))
    return found


def models_of_hands() -> list[str]:
    """The bundled models that can be told a hand, by name."""
    configs = {name: load_header(find_model(name)).config for name in MODELS.names()}
    return [name for name, config in configs.items() if config["network"].get("hand")]


def record_quality(name: str, quality: dict[str, Any]) -> Path:
    """Keep a measurement beside the weights, tied to the file's SHA-256; return its path."""
    path = find_model(name)
    kept = path.with_suffix(".json")
    write_json(kept, {"sha256": sha256(path), **quality})
    return kept


def _quality(path: Path) -> dict[str, Any] | None:
    """The measurement kept for these weights; None if there is none, or it is of other weights."""
    kept = path.with_suffix(".json")
    if not kept.is_file():
        return None
    try:
        quality = read_json(kept)
        fits(quality, Quality, str(kept))
    except InkseedError as error:
        raise InkseedError(f"{error}: remove it, or measure the model again") from error
    return quality if quality.pop("sha256") == sha256(path) else None
